"""Where frames go: a video file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

CODEC: Final = "libx264"
"""H.264 plays in every player and browser; what OpenCV's own writer has for an .mp4 does not, or
takes a third of a second a frame."""

OPTIONS: Final = {"preset": "veryfast", "crf": "23"}


class VideoWriter:
    """Writes frames to an H.264 video file, in a ``with`` block.

    The size is the first frame's, made even as the codec wants it; frames of another size are
    scaled.

    Args:
        path: the file; its suffix says which container.
        rate: frames a second.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self._path = path.absolute()  # `a:b.mp4` alone would be b.mp4 by the protocol a
        self._rate = Fraction(rate).limit_denominator(1000)
        self._size = (0, 0)
        self._stream: av.VideoStream | None = None

    def __enter__(self) -> VideoWriter:
        self._container = av.open(str(self._path), "w")
        return self

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame, uint8 [H, W, 3] BGR."""
        height, width = frame.shape[:2]
        if self._stream is None:
            self._size = (width, height)
            self._stream = self._new_stream(width + width % 2, height + height % 2)
        if (width, height) != self._size:
            frame = np.asarray(cv2.resize(frame, self._size), np.uint8)
        below, right = self._size[1] % 2, self._size[0] % 2
        if below or right:
            frame = np.pad(frame, ((0, below), (0, right), (0, 0)), mode="edge")
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()

    def _new_stream(self, width: int, height: int) -> av.VideoStream:
        stream = self._container.add_stream(CODEC, rate=self._rate, options=dict(OPTIONS))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p"
        return stream
