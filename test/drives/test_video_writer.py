"""Videos that are written can be read, at a size that the codec likes."""

from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.drives import drive
from dvsnet_ros.drives.video_writer import VideoWriter


def test_video_is_even_and_of_one_size(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, 12.5) as video:
        video.write(np.full((33, 51, 3), 200, np.uint8))
        video.write(np.full((60, 80, 3), 50, np.uint8))
    written = drive(path)
    assert written.rate == 12.5
    first, second = (frame.image for frame in written)
    assert first.shape == second.shape == (34, 52, 3)
    assert np.abs(first.astype(int) - 200).max() < 8
    assert np.abs(second.astype(int) - 50).max() < 8


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="No such file"),
        VideoWriter(tmp_path / "no" / "a.mp4", 10.0) as video,
    ):
        video.write(np.zeros((32, 32, 3), np.uint8))
