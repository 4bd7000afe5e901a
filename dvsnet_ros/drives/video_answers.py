"""Where a drive's segmentations go: to a video, as overlays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from dvsnet_ros.core.overlay import paint_overlay
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.drives.answers import Look
from dvsnet_ros.drives.numbering import NumberedFrame
from dvsnet_ros.drives.video_writer import VideoWriter
from dvsnet_ros.drives.whole import appears_whole


class VideoAnswers:
    """Writes overlays to a video."""

    def __init__(self, video: VideoWriter, look: Look) -> None:
        self._video = video
        self._look = look

    def write(self, answered: NumberedFrame, segmentation: Segmentation) -> None:
        """Add a frame of the video."""
        look, image = self._look, answered.frame.image
        self._video.write(paint_overlay(image, segmentation, look.labels, look.opacity))


@contextmanager
def new_video(out: Path, rate: float, look: Look, beside: Path) -> Iterator[VideoAnswers]:
    """A video that appears under its name when the block ends, see `appears_whole`.

    Raises:
        OSError: it can't be written.
    """
    with appears_whole(out, beside) as path:
        try:
            with VideoWriter(path, rate) as video:
                yield VideoAnswers(video, look)
        except av.FFmpegError as error:
            raise OSError(f"'{out}' can't be written: {error.strerror}") from error
