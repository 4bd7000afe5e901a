"""Where a drive's segmentations go: to a video, as overlays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import av

from dvsnet_ros.core.overlay import paint_overlay
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.drives.answers import Look
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.drives.video_writer import VideoWriter
from dvsnet_ros.drives.whole import appears_whole

DECODER: Final = "h264"
"""Of what a VideoWriter writes."""

SLOWEST: Final = 0.01
FASTEST: Final = 1000.0
"""Frames a second of a video: one of .mkv counts milliseconds, and rates have no finer fractions
than thousandths."""


class VideoAnswers:
    """Writes overlays to a video."""

    def __init__(self, video: VideoWriter, look: Look) -> None:
        self._video = video
        self._look = look

    def write(self, frame: Frame, segmentation: Segmentation, received: int) -> None:  # noqa: ARG002
        """Add a frame of the video."""
        look = self._look
        self._video.write(paint_overlay(frame.image, segmentation, look.labels, look.opacity))


def check_rate(name: str, rate: float, advice: str) -> None:
    """Check that a video can play as many frames a second as the drive of this name has.

    Raises:
        ValueError: it can't; the sentence ends with the advice.
    """
    if not SLOWEST <= rate <= FASTEST:
        raise ValueError(
            f"{name} has {rate:g} frames a second, and a video can have {SLOWEST:g} to "
            f"{FASTEST:g}; {advice}"
        )


def is_overlay(path: Path) -> bool:
    """Whether a file is a video such as `new_video` makes, as far as the codec tells."""
    try:
        with av.open(str(path.absolute())) as container:
            streams = container.streams
            only = streams.video[0] if len(streams) == len(streams.video) == 1 else None
            return only is not None and only.codec_context.name == DECODER
    except av.FFmpegError:
        return False


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
