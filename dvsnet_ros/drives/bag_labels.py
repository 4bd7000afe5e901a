"""Labels of a bag's frames: images of class ids on a topic beside the frames'."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import BUILT_IN
from dvsnet_ros.drives.bag_reader import Bag, Record
from dvsnet_ros.drives.frame import NANOSECONDS, DriveError
from dvsnet_ros.drives.topics import label_info_beside, labels_beside

FindLabels: TypeAlias = Callable[[int, int], "NDArray[np.uint8] | None"]
"""Finds a frame's labels, uint8 [H, W], by when it was received and by the stamp in its header, in
nanoseconds; None where there are none. Raises DriveError where they can't be used."""

LABELS: Final = ("sensor_msgs/msg/Image",)
"""Types of messages that are labels."""

LABEL_INFO: Final = ("vision_msgs/msg/LabelInfo",)
"""Types of messages that say what class ids mean."""

ENCODINGS: Final = ("mono8", "8UC1")

LATEST: Final = NANOSECONDS
"""How long before or after a frame its labels may have been received."""

FIRST: Final = 8
"""Messages that are looked at before a topic of the labels' name is given up."""

_log = logging.getLogger(__name__)


class Stamped(NamedTuple):
    """A message, and the stamp in its header, in nanoseconds."""

    stamp: int
    record: Record


def labels_topic(bag: Bag, images: str, stamps: Sequence[int]) -> str | None:
    """The topic of the labels beside a topic of images, the first of which have these stamps.

    Returns:
        None where there is no such topic, or none that frames' labels can be found on.
    """
    beside = labels_beside(images)
    if beside == images:
        return None
    try:
        if not _are_there(bag.records(beside, LABELS)):
            return None
        if len(stamps) > 1 and len(set(stamps)) == 1:
            raise DriveError(
                f"labels are found by their images' stamps, and those of {images} are all "
                f"{stamps[0]} ns"
            )
    except DriveError as error:
        _log.warning("%s is left aside: %s", beside, error)
        return None
    return beside


def _are_there(labels: Iterator[Record]) -> bool:
    """Whether there are any; raises the first one's DriveError where none of the first is whole."""
    errors = []
    for record in islice(labels, FIRST):
        try:
            class_ids(record.message())
        except DriveError as error:
            errors.append(error)
        else:
            return True
    if errors:
        raise errors[0]
    return False


def label_set_beside(bag: Bag, images: str) -> str:
    """Name of the label set of a topic's labels, empty where nothing says it or it is none of ours.

    The first ``LabelInfo`` beside the images says the names of its classes.
    """
    beside = label_info_beside(images)
    try:
        record = next(bag.records(beside, LABEL_INFO), None)
        classes = [] if record is None else record.message().class_map
    except DriveError as error:
        _log.warning("what labels mean, on %s, is left aside: %s", beside, error)
        return ""
    told = {each.class_id: each.class_name for each in classes}
    names = (name for name, known in BUILT_IN.items() if told == dict(enumerate(known.classes)))
    return next(names, "")


class LabelsInStep:
    """Finds the labels of frames that are asked for in the order in which they were received.

    Memory holds the labels of twice LATEST.

    Args:
        bag: read by nobody else.
        topic: of the labels.
    """

    def __init__(self, bag: Bag, topic: str) -> None:
        self._coming = _stamped(bag.records(topic, LABELS))
        self._next = next(self._coming, None)
        self._near: deque[Stamped] = deque()

    def of(self, received: int, stamp: int) -> NDArray[np.uint8] | None:
        """A frame's labels, see `FindLabels`."""
        while self._next is not None and self._next.record.time < received + LATEST:
            self._near.append(self._next)
            self._next = next(self._coming, None)
        while self._near and self._near[0].record.time < received - LATEST:
            self._near.popleft()
        return _of_stamp(self._near, stamp)


def labels_near(bag: Bag, topic: str, received: int, stamp: int) -> NDArray[np.uint8] | None:
    """The same, of any frame."""
    records = bag.records(topic, LABELS, received - LATEST, received + LATEST)
    return _of_stamp(_stamped(records), stamp)


def _of_stamp(labels: Iterable[Stamped], stamp: int) -> NDArray[np.uint8] | None:
    """Those of this stamp.

    Raises:
        DriveError: they are broken, or several have the stamp and are not the same.
    """
    found = {each.record.data: each.record for each in labels if each.stamp == stamp}
    if len(found) > 1:
        raise DriveError(f"{len(found)} different ones have this stamp")
    return next((class_ids(record.message()) for record in found.values()), None)


def _stamped(records: Iterator[Record]) -> Iterator[Stamped]:
    """Labels with their stamps, as far as the bag can be read; what can't is reported."""
    try:
        for record in records:
            stamp = _stamp_if_whole(record)
            if stamp is not None:
                yield Stamped(stamp, record)
    except DriveError as error:
        _log.warning("labels are missing: %s", error)


def _stamp_if_whole(record: Record) -> int | None:
    try:
        return record.stamp()
    except DriveError as error:
        _log.warning("the labels received at %d ns are left aside: %s", record.time, error)
        return None


def class_ids(message: Any) -> NDArray[np.uint8]:
    """The class ids of an ``Image``, uint8 [H, W].

    Raises:
        DriveError: it holds no such thing.
    """
    height, width = message.height, message.width
    if message.encoding not in ENCODINGS or message.step < width:
        raise DriveError(
            f"the labels are {message.encoding!r} with {message.step} bytes for {width} pixels a "
            "row; class ids are mono8"
        )
    if message.data.size != height * message.step:
        raise DriveError(
            f"the labels of {width}×{height} have {message.data.size} bytes instead of "
            f"{height * message.step}"
        )
    return np.array(message.data.reshape(height, message.step)[:, :width])
