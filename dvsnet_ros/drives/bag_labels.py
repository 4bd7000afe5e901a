"""Labels of a bag's frames: images of class ids on a topic beside the frames'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.bag_reader import Bag, Record
from dvsnet_ros.drives.frame import NANOSECONDS, DriveError

FindLabels: TypeAlias = Callable[[int], "NDArray[np.uint8] | None"]
"""Finds a frame's labels, uint8 [H, W], by the stamp in its header, in nanoseconds."""

LABELS: Final = ("sensor_msgs/msg/Image",)
"""Types of messages that are labels."""

ENCODINGS: Final = ("mono8", "8UC1")

LATEST: Final = NANOSECONDS
"""How long before or after a frame its labels may have been received."""


class LabelsInStep:
    """Finds the labels of frames that are asked for in the order of their stamps.

    Args:
        bag: read by nobody else.
        topic: of the labels.
    """

    def __init__(self, bag: Bag, topic: str) -> None:
        self._messages = _messages(bag.records(topic, LABELS))
        self._next = next(self._messages, None)

    def of(self, stamp: int) -> NDArray[np.uint8] | None:
        """The labels with this stamp in their header, uint8 [H, W]; None where there are none."""
        while self._next is not None and header_stamp(self._next) < stamp:
            self._next = next(self._messages, None)
        if self._next is None or header_stamp(self._next) != stamp:
            return None
        return class_ids(self._next)


def labels_near(bag: Bag, topic: str, received: int, stamp: int) -> NDArray[np.uint8] | None:
    """The same, of a frame that was received at this time (ns)."""
    records = bag.records(topic, LABELS, received - LATEST, received + LATEST)
    found = (message for message in _messages(records) if header_stamp(message) == stamp)
    message = next(found, None)
    return None if message is None else class_ids(message)


def _messages(records: Iterator[Record]) -> Iterator[Any]:
    return (record.message() for record in records)


def header_stamp(message: Any) -> int:
    """The stamp in a message's header, in nanoseconds."""
    stamp = message.header.stamp
    return int(stamp.sec * NANOSECONDS + stamp.nanosec)


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
