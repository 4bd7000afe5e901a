"""`drive("…")` tells by looking which kind of drive a source is."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dvsnet_ros.drives import Drive, DriveError, SyntheticDrive, drive
from helpers.bags import greys, write_bag


def test_synthetic() -> None:
    assert drive("synthetic") == SyntheticDrive()
    source = "synthetic:seed=3, duration=2,width=96,height=64,speed=5,turn_rate=-2,noise=0,shake=0"
    assert drive(source, rate=10.0) == SyntheticDrive(96, 64, 10.0, 2.0, 3, 5.0, -2.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("synthetic:colour=3", "no option 'colour'; it has width"),
        ("synthetic:seed=2.5", "seed must be a whole number, not '2.5'"),
        ("synthetic:speed=fast", "speed must be a number, not 'fast'"),
        ("synthetic:speed=nan", "finite"),
        ("synthetic:width=4", "width must be 16 to 4096"),
        ("synthetic:seed=-1", "seed must be 0"),
        ("synthetic:duration=0", "no frame"),
        ("synthetic:speed=0,turn_rate=3", "turn_rate can be at most 0 "),
        ("synthetic:speed=5,turn_rate=19", "turn_rate can be at most 14.3 "),
    ],
)
def test_synthetic_options_that_can_not_be(source: str, reason: str) -> None:
    with pytest.raises(DriveError, match=reason):
        drive(source)


def test_sources_that_are_no_drive(tmp_path: Path) -> None:
    with pytest.raises(DriveError, match="there is no"):
        drive(tmp_path / "nowhere")
    image = tmp_path / "one.png"
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(DriveError, match="one image; a drive is the folder"):
        drive(image)
    with pytest.raises(DriveError, match="neither a file nor a folder"):
        drive("/dev/null")
    for impossible in ("a\0b", "x" * 5000, f"{image}/inside"):
        with pytest.raises(DriveError, match=r"there is no|File name too long"):
            drive(impossible)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_that_can_not_be(rate: float) -> None:
    with pytest.raises(DriveError, match="rate"):
        drive("synthetic", rate=rate)


def folder_of_images(path: Path) -> Path:
    path.mkdir()
    for name in "ab":
        cv2.imwrite(str(path / f"{name}.png"), np.zeros((8, 8, 3), np.uint8))
    return path


def test_a_rate_after_the_name(tmp_path: Path) -> None:
    folder = folder_of_images(tmp_path / "town")
    (folder / "timestamps.txt").write_text("2011-09-26 13:02:25.9\n")
    with pytest.raises(DriveError, match=r"1 stamps for 2 images; write \?rate=10 after"):
        drive(folder)
    assert drive(f"{folder}?rate=12.5").rate == 12.5
    assert drive(f"{folder}?rate=12.5")[1].stamp == 80_000_000
    assert drive(f"{folder}?rate=12.5", rate=20.0).rate == 20.0
    assert drive("synthetic:seed=3?rate=10") == SyntheticDrive(rate=10.0, seed=3)
    (tmp_path / "list.txt").write_text("town/a.png\n")
    assert drive(f"{tmp_path}/list.txt?rate=5").rate == 5.0


def test_a_rate_and_a_topic_after_the_name(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "town.bag", [*greys(2, "/a/x"), *greys(3, "/b/x")])
    for options in ("topic=/b/x&rate=4", "rate=4&topic=/b/x"):
        opened = drive(f"{bag}?{options}")
        assert (len(opened), opened.rate, opened[1].stamp) == (3, 4.0, 250_000_000)


def test_names_that_hold_a_question_mark(tmp_path: Path) -> None:
    folder = folder_of_images(tmp_path / "where?")
    assert drive(f"{folder}?rate=4").rate == 4.0
    folder.rename(tmp_path / "town?rate=4")
    assert drive(tmp_path / "town?rate=4").rate == 10.0


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("rate=fast", "'fast' is no rate; give frames a second, as in .*town.rate=10"),
        ("rate=", "'' is no rate"),
        ("rate=0", "rate must be at least 0.000001 frames"),
        ("rate=1e-300", "rate must be at least 0.000001 frames"),
        ("rate=nan", "rate must be at least 0.000001 frames"),
        ("topic=/a&rate=4", "only a bag takes .topic=/a"),
        ("speed=4", "there is no .*town.speed=4; a drive is a folder of images"),
    ],
)
def test_options_that_can_not_be(tmp_path: Path, options: str, reason: str) -> None:
    folder = folder_of_images(tmp_path / "town")
    with pytest.raises(DriveError, match=reason):
        drive(f"{folder}?{options}")
    with pytest.raises(DriveError, match="only a bag takes"):
        drive("synthetic?topic=/a")


def test_the_new_kind_of_drive_in_the_docs(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "drives.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    code = next(block for block in blocks if "class StackDrive" in block)
    kind: dict[str, Any] = {"__name__": "stack"}
    exec(code, kind)
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(3, axis=3)
    np.save(tmp_path / "town.npy", images)
    opened: Drive = kind["stack_drive"](tmp_path / "town.npy", rate=20.0)
    assert (opened.name, opened.rate, len(opened)) == ("town", 20.0, 5)
    assert [int(frame.image[0, 0, 0]) for frame in opened] == [0, 1, 2, 3, 4]
    assert opened[-1].stamp == 200_000_000
    (tmp_path / "town.npy").write_bytes(b"no array")
    with pytest.raises(DriveError, match="no array"):
        kind["stack_drive"](tmp_path / "town.npy")
