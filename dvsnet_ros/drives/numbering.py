"""Which of its drive's frames a frame is: iterating leaves out the broken ones unnumbered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from dvsnet_ros.drives.frame import Drive, DriveError, Frame
from dvsnet_ros.drives.images import ImageDrive
from dvsnet_ros.drives.stamps import regular_stamp


class NumberedFrame(NamedTuple):
    """A frame of a drive.

    Attributes:
        number: its index in the drive, the broken frames counted.
        frame: the frame.
        received: nanoseconds; when a bag received it, otherwise its stamp.
    """

    number: int
    frame: Frame
    received: int


class _Place(NamedTuple):
    """Of a frame, broken or not: its number, its stamp, and when it was received (ns)."""

    number: int
    stamp: int
    received: int


def numbered(frames: Drive) -> Iterator[NumberedFrame]:
    """The frames that iterating over a drive gives, each with its number.

    A frame is known by its stamp: of two in a row that share one, a broken one gives its number
    to the other.
    """
    places = _places(frames)
    if places is None:
        for index, frame in enumerate(frames):
            yield NumberedFrame(index, frame, frame.stamp)
        return
    for frame in frames:
        place = next(place for place in places if place.stamp == frame.stamp)
        yield NumberedFrame(place.number, frame, place.received)


def _places(frames: Drive) -> Iterator[_Place] | None:
    """All frames of a drive; None where only the last ones can be broken."""
    if isinstance(frames, ImageDrive):
        stamps = (file.stamp for file in frames.files)
        return (_Place(index, stamp, stamp) for index, stamp in enumerate(stamps))
    if hasattr(frames, "replay"):
        return _places_in_bag(frames)
    return None


def _places_in_bag(frames: Any) -> Iterator[_Place]:
    """The images of a BagDrive, but for those that are none; read a second time, in step."""
    # Only who has a bag has rosbags.
    from dvsnet_ros.drives.bag import IMAGES
    from dvsnet_ros.drives.bag_labels import header_stamp
    from dvsnet_ros.drives.bag_reader import opened

    with opened(frames.path) as bag:
        for index, record in enumerate(bag.records(frames.topic, IMAGES)):
            try:
                stamp = header_stamp(record.message())
            except DriveError:  # iterating reports it
                continue
            if not frames.keeps_stamps:
                stamp = regular_stamp(index, frames.rate)
            yield _Place(index, stamp, record.time)
