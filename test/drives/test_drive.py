"""`drive("…")` tells by looking which kind of drive a source is."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dvsnet_ros.drives import Drive, DriveError, SyntheticDrive, drive


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
