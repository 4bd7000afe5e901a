"""Videos that are written can be read, at a size that codecs like."""

from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.drives.video_writer import VideoWriter, frames_of


def test_video_is_even_and_of_one_size(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, 10.0) as video:
        video.write(np.full((33, 51, 3), 200, np.uint8))
        video.write(np.full((60, 80, 3), 50, np.uint8))
    first, second = frames_of(path)
    assert first.shape == second.shape == (34, 52, 3)
    assert np.abs(first.astype(int) - 200).max() < 8
    assert np.abs(second.astype(int) - 50).max() < 8


def test_video_says_which_codecs_it_lacks(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="with any of the codecs none"),
        VideoWriter(tmp_path / "video.mp4", 10.0, ("none",)) as video,
    ):
        video.write(np.zeros((32, 32, 3), np.uint8))
