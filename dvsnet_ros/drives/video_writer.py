"""Where frames go: a video file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

CODECS: Final = ("vp09", "mp4v")
"""What goes into an .mp4, best first: VP9 plays in browsers too, but not every OpenCV has it."""


class VideoWriter:
    """Writes frames to a video file, in a ``with`` block.

    The size is the first frame's, made even as codecs want it; frames of another size are scaled.

    Args:
        path: the file; its suffix says which container.
        rate: frames a second.
        codecs: four-letter names; the first that this OpenCV can write is taken.

    Raises:
        OSError: from ``write``, where OpenCV can write none of these codecs, or not there.
    """

    def __init__(self, path: Path, rate: float, codecs: tuple[str, ...] = CODECS) -> None:
        self._path = path
        self._rate = rate
        self._codecs = codecs
        self._size = (0, 0)
        self._writer: cv2.VideoWriter | None = None

    def __enter__(self) -> VideoWriter:
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame, uint8 [H, W, 3] BGR."""
        height, width = frame.shape[:2]
        if self._writer is None:
            self._size = (width, height)
            self._writer = self._open(width + width % 2, height + height % 2)
        if (width, height) != self._size:
            frame = np.asarray(cv2.resize(frame, self._size), np.uint8)
        below, right = self._size[1] % 2, self._size[0] % 2
        if below or right:
            frame = np.pad(frame, ((0, below), (0, right), (0, 0)), mode="edge")
        self._writer.write(frame)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.release()

    def _open(self, width: int, height: int) -> cv2.VideoWriter:
        for codec in self._codecs:
            fourcc = cv2.VideoWriter.fourcc(*codec)
            writer = cv2.VideoWriter(str(self._path), fourcc, self._rate, (width, height))
            if writer.isOpened():
                return writer
        raise OSError(
            f"OpenCV {cv2.__version__} can't write '{self._path}' with any of the codecs "
            f"{', '.join(self._codecs)}; install opencv-python-headless from pip, which can"
        )


def frames_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Read a video file's frames, uint8 [H, W, 3] BGR, in order."""
    capture = cv2.VideoCapture(str(path))
    try:
        while True:
            read, frame = capture.read()
            if not read:
                return
            yield np.asarray(frame, np.uint8)
    finally:
        capture.release()
