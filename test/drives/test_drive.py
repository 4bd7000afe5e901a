"""`drive("…")` tells by looking which kind of drive a source is."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.drives import DriveError, SyntheticDrive, drive


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
