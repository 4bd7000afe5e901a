"""Drives that are video files."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.frame import DriveError, Frame, frame_index
from dvsnet_ros.drives.names import check_utf8
from dvsnet_ros.drives.stamps import DEFAULT_RATE, regular_stamp

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoDrive:
    """A drive in a video file that OpenCV can decode.

    Every pass over the drive opens the file anew, so that passes do not disturb each other.
    """

    path: Path
    rate: float
    length: int

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Frame]:
        with _opened(self.path) as capture:
            for index in range(len(self)):
                image = _next_image(capture)
                if image is None:
                    _log.warning(
                        "%s ends after %d of the %d frames that it announces",
                        self.path, index, len(self),
                    )  # fmt: skip
                    return
                yield Frame(image, regular_stamp(index, self.rate), index=index)

    def __getitem__(self, index: int) -> Frame:
        index = frame_index(index, len(self))
        image = self._sought(index)
        if image is None:
            image = self._stepped_to(index)
        if image is None:
            raise DriveError(f"frame {index} of {self.path} can't be decoded")
        return Frame(image, regular_stamp(index, self.rate), index=index)

    def _sought(self, index: int) -> NDArray[np.uint8] | None:
        """The image of a frame where OpenCV can go to it.

        It goes to no frame beyond those that a container announces, and in some containers
        (MPEG-TS) to another one: the time tells.
        """
        with _opened(self.path) as capture:
            if capture.get(cv2.CAP_PROP_FRAME_COUNT) != len(self):
                return None
            image = _next_image(capture)
            start = capture.get(cv2.CAP_PROP_POS_MSEC)
            if index == 0:
                return image
            capture.set(cv2.CAP_PROP_POS_FRAMES, index)
            image = _next_image(capture)
            since = (capture.get(cv2.CAP_PROP_POS_MSEC) - start) / 1e3
            is_meant = abs(since * capture.get(cv2.CAP_PROP_FPS) - index) < 0.5
            return image if is_meant else None

    def _stepped_to(self, index: int) -> NDArray[np.uint8] | None:
        """The image of a frame, by way of all frames before it."""
        with _opened(self.path) as capture:
            for _ in range(index):
                capture.grab()
            return _next_image(capture)


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    whole = str(path.absolute())  # `a:b.mp4` alone would be b.mp4 by the protocol a
    check_utf8(whole, "OpenCV")  # which crashes on others
    capture = cv2.VideoCapture(whole)
    try:
        if not capture.isOpened():
            raise DriveError(f"{path} is no video that OpenCV can open")
        yield capture
    finally:
        capture.release()


def _next_image(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    good, image = capture.read()
    if not good:
        return None
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.asarray(image, np.uint8)


def video_drive(path: Path, rate: float | None = None) -> VideoDrive:
    """A drive in a video file; its stamps come from the rate, the video's own by default.

    Raises:
        DriveError: OpenCV can't open the file, or it has no frame.
    """
    with _opened(path) as capture:
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        own_rate = capture.get(cv2.CAP_PROP_FPS)
        if _next_image(capture) is None:
            raise DriveError(f"the video {path} has no frame that can be decoded")
        # Only some containers count frames (MP4, AVI); of the others, OpenCV takes the duration
        # times the rate, which is wrong where the rate changes. A packet mostly is a frame.
        packets = _packets(path)
        length = packets if packets == announced else 1 + _frames_left(capture)
    if not rate:
        rate = own_rate if 0 < own_rate < math.inf else DEFAULT_RATE
    return VideoDrive(path, rate, length)


def _packets(path: Path) -> int:
    """How many packets a video has, which takes no decoding."""
    with _opened(path) as capture:
        capture.set(cv2.CAP_PROP_FORMAT, -1)
        return _frames_left(capture)


def _frames_left(capture: cv2.VideoCapture) -> int:
    count = 0
    while capture.grab():
        count += 1
    return count
