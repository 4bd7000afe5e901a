"""Drives that are video files."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.frame import NANOSECONDS, DriveError, Frame, frame_index
from dvsnet_ros.drives.names import check_utf8
from dvsnet_ros.drives.stamps import DEFAULT_RATE, regular_stamp

_log = logging.getLogger(__name__)

SAME_TIME: Final = 0.5
"""Milliseconds by which what OpenCV says of one frame's time may differ."""

EARLIER: Final = (1, 32)
"""Frames before a wanted one that OpenCV is asked for: it misses by few, except where the rate is
far from what it mostly is."""


@dataclass(frozen=True)
class VideoDrive:
    """A drive in a video file that OpenCV can decode.

    Every pass over the drive opens the file anew, so that passes do not disturb each other.

    Attributes:
        path: the file.
        rate: frames a second.
        stamps: of each frame, in nanoseconds from 0.
        times: when the first of them are shown, in milliseconds, as far as OpenCV knows.
    """

    path: Path
    rate: float
    stamps: Sequence[int]
    times: Sequence[float]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    def __len__(self) -> int:
        return len(self.stamps)

    def __iter__(self) -> Iterator[Frame]:
        with _opened(self.path) as capture:
            for index, stamp in enumerate(self.stamps):
                image = _next_image(capture)
                if image is None:
                    _log.warning(
                        "%s ends after %d of the %d frames that it announces",
                        self.path, index, len(self),
                    )  # fmt: skip
                    return
                yield Frame(image, stamp, index=index)

    def __getitem__(self, index: int) -> Frame:
        index = frame_index(index, len(self))
        image = _sought(self.path, self.times, index) if index < len(self.times) else None
        if image is None:
            image = self._stepped_to(index)
        if image is None:
            raise DriveError(f"frame {index} of {self.path} can't be decoded")
        return Frame(image, self.stamps[index], index=index)

    def _stepped_to(self, index: int) -> NDArray[np.uint8] | None:
        """The image of a frame, by way of all frames before it."""
        with _opened(self.path) as capture:
            for _ in range(index):
                capture.grab()
            return _next_image(capture)


def _sought(path: Path, times: Sequence[float], index: int) -> NDArray[np.uint8] | None:
    """The image of a video's frame where OpenCV can go to it.

    It goes to no frame beyond those that a container announces, takes their rate for regular, and
    in some containers (MPEG-TS) goes elsewhere. So it is asked for an earlier frame, from which on
    the time tells, if each frame has its own.
    """
    with _opened(path) as capture:
        if capture.get(cv2.CAP_PROP_FRAME_COUNT) < len(times):
            return None
        image = _next_image(capture)
        if index == 0:
            return image
        since = times[index] - times[0]
        place = round(since / 1000 * capture.get(cv2.CAP_PROP_FPS))
        time = capture.get(cv2.CAP_PROP_POS_MSEC) + since
        for earlier in EARLIER:
            capture.set(cv2.CAP_PROP_POS_FRAMES, max(place - earlier, 0))
            if _grab_at(capture, time):
                return _decoded(capture)
        return None


def _grab_at(capture: cv2.VideoCapture, time: float) -> bool:
    """Go on to the frame that is shown at a time, in milliseconds; false if there is none."""
    while capture.grab():
        late = capture.get(cv2.CAP_PROP_POS_MSEC) - time
        if late > -SAME_TIME:
            return late < SAME_TIME
    return False


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
    return _decoded(capture) if capture.grab() else None


def _decoded(capture: cv2.VideoCapture) -> NDArray[np.uint8] | None:
    """The image that was grabbed last."""
    good, image = capture.retrieve()
    if not good:
        return None
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.asarray(image, np.uint8)


def video_drive(path: Path, rate: float | None = None) -> VideoDrive:
    """A drive in a video file.

    Its frames' stamps are when they are shown, from 0 on, or come from the rate if there is one.
    From where on it is not known when they are shown, the file's own rate says it.

    Raises:
        DriveError: OpenCV can't open the file, or it has no frame.
    """
    with _opened(path) as capture:
        own_rate = capture.get(cv2.CAP_PROP_FPS)
        if _next_image(capture) is None:
            codec = int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1")
            raise DriveError(
                f"the video {path} has no frame that OpenCV can decode; if players show it, its "
                f"codec ({codec!r}) is the reason, and ffmpeg makes another of it: "
                f"ffmpeg -i {path.name} -c:v libx264 {path.stem}_h264.mp4"
            )
    if not 0 < own_rate < math.inf:
        own_rate = DEFAULT_RATE
    frames = _frame_times(path)
    times = _told(frames)
    counting = times[:1] if rate else times
    stamps = _stamps(counting, len(frames), rate or own_rate)
    return VideoDrive(path, rate or own_rate, stamps, times)


def _stamps(times: Sequence[float], count: int, rate: float) -> list[int]:
    """Of `count` frames, in nanoseconds: times from 0 on, and from the last one on at a rate."""
    stamps = [round((time - times[0]) * NANOSECONDS / 1000) for time in times]
    left = range(1, 1 + count - len(stamps))
    return stamps + [stamps[-1] + regular_stamp(index, rate) for index in left]


def _frame_times(path: Path) -> list[float]:
    """When each frame of a video is shown, in milliseconds.

    Mostly packets tell, without any decoding. They are not the frames where a container only
    estimates how many it has (all but MP4 and AVI: OpenCV takes the duration times the rate), and
    where a phone has cut a beginning or an end off what is shown, but not out of the file.
    """
    with _opened(path) as capture:
        announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        capture.set(cv2.CAP_PROP_FORMAT, -1)
        packets = sorted(_times_left(capture))
    is_all = len(packets) == announced and _told(packets) == packets
    if is_all and _sought(path, packets, len(packets) - 1) is not None:
        return packets
    with _opened(path) as capture:
        return _times_left(capture)


def _times_left(capture: cv2.VideoCapture) -> list[float]:
    times = []
    while capture.grab():
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
    return times


def _told(times: list[float]) -> list[float]:
    """The first times, as far as they rise: OpenCV calls a time that it does not know 0.

    It knows none in a bare stream, and OpenCV 4.6 and older not those of the last frames.
    """
    places = range(1, len(times))
    rising = next((place for place in places if times[place] <= times[place - 1]), len(times))
    return times[:rising]
