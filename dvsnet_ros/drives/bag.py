"""Drives that are rosbags: rosbag2 in mcap or sqlite3, read without ROS."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.bag_labels import (
    FindLabels,
    LabelsInStep,
    label_set_beside,
    labels_near,
    labels_topic,
)
from dvsnet_ros.drives.bag_reader import Bag, RawMessage, Record, Topic, opened
from dvsnet_ros.drives.frame import Calibration, DriveError, Frame, frame_index
from dvsnet_ros.drives.image_decoding import ImageError, compressed_to_bgr, raw_to_bgr
from dvsnet_ros.drives.stamps import DEFAULT_RATE, regular_stamp, usual_rate
from dvsnet_ros.drives.topics import camera_info_beside, taken_by_cameras

RAW: Final = "sensor_msgs/msg/Image"
COMPRESSED: Final = "sensor_msgs/msg/CompressedImage"
IMAGES: Final = (RAW, COMPRESSED)
CAMERA_INFO: Final = "sensor_msgs/msg/CameraInfo"

FIRST: Final = 32
"""Images whose stamps say what is usual in a bag, however long it is."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BagDrive:
    """A drive on a topic of a bag.

    Iterating reads the bag from its start to its end, a message at a time. The first frame that is
    asked for by its index costs such a pass too; then the time of every frame is known.
    Every pass opens the bag anew, so that passes do not disturb each other.

    Attributes:
        path: the bag.
        topic: of `sensor_msgs/Image` or `CompressedImage`.
        rate: frames a second, as the first ones mostly have it.
        length: how many messages the bag announces.
        calibration: the first `CameraInfo` of the camera.
        labels: the topic of the frames' labels, where there is one.
        label_set: name of their label set, empty where the bag does not say it.
        keeps_stamps: stamps are the headers'; otherwise they come from the rate.
    """

    path: Path
    topic: str
    rate: float
    length: int
    calibration: Calibration | None = None
    labels: str | None = None
    label_set: str = ""
    keeps_stamps: bool = True

    @property
    def name(self) -> str:
        """The bag's name."""
        has_suffix = self.path.suffix in (".bag", ".mcap", ".db3")
        return self.path.stem if has_suffix else self.path.name

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[Frame]:
        with opened(self.path) as bag, self._labels_in_step() as labels:
            for index, record in enumerate(self._records(bag)):
                try:
                    frame = self._frame(index, record, labels)
                except DriveError as error:
                    _log.warning("%s: frame %d is skipped: %s", self.name, index, error)
                else:
                    yield frame

    def __getitem__(self, index: int) -> Frame:
        index = frame_index(index, len(self))
        if index >= len(self._times):
            raise DriveError(f"{self.name} ends before its frame {index}")
        time = self._times[index]
        as_early = self._times[:index].count(time)
        with opened(self.path) as bag:
            records = bag.records(self.topic, IMAGES, time, time + 1)
            record = next(itertools.islice(records, as_early, None), None)
            if record is None:
                raise DriveError(f"{self.name} has lost its frame {index}")
            try:
                return self._frame(index, record, self._labels_near(bag))
            except DriveError as error:
                raise DriveError(f"frame {index} of {self.name}: {error}") from error

    def replay(self) -> Iterator[tuple[RawMessage, Frame | None]]:
        """All messages of the bag in order, of all topics; those that are frames, with their frame.

        The frames are those that iterating gives, which reports the broken ones; without labels.
        Damage among other messages ends what can be read of all topics together: from there on
        there are the images alone, and how many messages are missing is said at the end.

        Raises:
            DriveError: the drive has stamps that aren't the messages'.
        """
        if not self.keeps_stamps:
            raise DriveError(
                f"the bag {self.path} has stamps of its own, which go with its messages; leave its "
                "rate out"
            )
        index = 0
        for message in self._messages():
            frame = None
            if self._is_image(message) and index < len(self):
                frame = self._frame_if_whole(index, message)
                index += 1
            yield message, frame

    def _messages(self) -> Iterator[RawMessage]:
        """All messages that can be read; see `replay`."""
        seen, images, why = 0, 0, ""
        with opened(self.path) as bag:
            announced = sum(topic.messages for topic in bag.topics())
            try:
                for message in bag.everything():
                    seen += 1
                    images += self._is_image(message)
                    yield message
            except DriveError as error:
                why = f": {error}"
        if seen >= announced and not why:
            return
        # What is wrong with the images themselves, iterating says.
        with opened(self.path) as bag, suppress(DriveError):
            for message in itertools.islice(bag.messages(self.topic, IMAGES), images, None):
                seen += 1
                yield message
        missing = f"{announced - seen} of its {announced}" if seen < announced else "some"
        # No warning: those of the drive have been given before, and may be kept back now.
        _log.error("%s: %s messages can't be read%s", self.name, missing, why)

    def _is_image(self, message: RawMessage) -> bool:
        connection = message.connection
        return connection.topic == self.topic and connection.msgtype in IMAGES

    def _frame_if_whole(self, index: int, message: RawMessage) -> Frame | None:
        record = Record(message.time, message.connection.msgtype, message.data)
        try:
            return self._frame(index, record, None)
        except DriveError:
            return None

    @cached_property
    def _times(self) -> tuple[int, ...]:
        """When the frames were received, nanoseconds; fewer than announced where the bag breaks."""
        with opened(self.path) as bag:
            return tuple(record.time for record in self._records(bag))

    def _records(self, bag: Bag) -> Iterator[Record]:
        """The frames' messages; says so where they end early."""
        count, why = 0, ""
        try:
            for record in itertools.islice(bag.records(self.topic, IMAGES), len(self)):
                yield record
                count += 1
        except DriveError as error:
            why = f": {error}"
        if count < len(self):
            _log.warning(
                "%s ends after %d of the %d frames that it announces%s",
                self.name, count, len(self), why,
            )  # fmt: skip

    @contextmanager
    def _labels_in_step(self) -> Iterator[FindLabels | None]:
        """What finds the labels of frames in order, None where there are none."""
        if self.labels is None:
            yield None
            return
        with opened(self.path) as bag:  # two readers of one bag, as two passes at a time
            yield LabelsInStep(bag, self.labels).of

    def _labels_near(self, bag: Bag) -> FindLabels | None:
        """What finds the labels of any frame, None where there are none."""
        return None if self.labels is None else partial(labels_near, bag, self.labels)

    def _frame(self, index: int, record: Record, find_labels: FindLabels | None) -> Frame:
        message = record.message()
        try:
            image = raw_to_bgr(message) if record.type == RAW else compressed_to_bgr(message)
        except ImageError as error:
            raise DriveError(str(error)) from error
        stamp = record.stamp()
        labels = find_labels and self._labels_if_whole(find_labels, record.time, stamp, image.shape)
        if not self.keeps_stamps:
            stamp = regular_stamp(index, self.rate)
        # An image that is part of the message's bytes can't be written to, unlike any other frame.
        image = np.require(image, requirements="W")
        return Frame(
            image,
            stamp,
            message.header.frame_id,
            labels=labels,
            calibration=self.calibration,
            index=index,
            label_set="" if labels is None else self.label_set,
        )

    def _labels_if_whole(
        self, find_labels: FindLabels, received: int, stamp: int, shape: tuple[int, ...]
    ) -> NDArray[np.uint8] | None:
        """A frame's labels; a frame is as good without them, so broken ones are only reported."""
        try:
            labels = find_labels(received, stamp)
            if labels is None or labels.shape == shape[:2]:
                return labels
            (height, width), (rows, columns) = shape[:2], labels.shape
            raise DriveError(f"they are {columns}×{rows}, their image is {width}×{height}")
        except DriveError as error:
            _log.warning("%s: the labels at %d ns are left aside: %s", self.name, stamp, error)
            return None


def bag_drive(path: Path, topic: str | None = None, rate: float | None = None) -> BagDrive:
    """A drive in a bag: a folder with a metadata.yaml, an .mcap or a .db3 file.

    Args:
        path: the bag.
        topic: of the images; None: the only one that there is.
        rate: frames a second, in place of the recorded stamps.

    Raises:
        DriveError: the bag can't be read, or it is not clear which images are meant.
    """
    path = path.resolve()
    if path.is_file() and path.suffix != path.suffix.lower():
        readable = path.with_suffix(path.suffix.lower()).name
        raise DriveError(f"the bag {path} can't be read under this name; rename it to {readable}")
    with opened(path) as bag:
        topics = bag.topics()
        chosen = _chosen(path, topics, topic)
        if bag.span(chosen, IMAGES) is None:  # which looks at the end, too: it may be cut off
            raise DriveError(f"the bag {path} has no message on the topic {chosen}")
        length = sum(t.messages for t in topics if t.name == chosen and t.type in IMAGES)
        calibration = _calibration(bag, chosen)
        stamps, times = _first_stamps(bag, chosen)
        labels = labels_topic(bag, chosen, stamps)
        label_set = label_set_beside(bag, chosen) if labels else ""
    # Reception may come in bursts, so it tells the rate only where stamps stand still.
    usual = rate or usual_rate(stamps) or usual_rate(times) or DEFAULT_RATE
    return BagDrive(path, chosen, usual, length, calibration, labels, label_set, not rate)


def _first_stamps(bag: Bag, topic: str) -> tuple[list[int], list[int]]:
    """The first images' stamps, and when they were received (ns)."""
    stamps, times = [], []
    with suppress(DriveError):  # what is broken, iterating says
        for record in itertools.islice(bag.records(topic, IMAGES), FIRST):
            times.append(record.time)
            with suppress(DriveError):
                stamps.append(record.stamp())
    return stamps, times


def _chosen(path: Path, topics: list[Topic], wanted: str | None) -> str:
    """The topic whose images are meant."""
    names = sorted({topic.name for topic in topics if topic.type in IMAGES and topic.messages})
    cameras = taken_by_cameras(names) or names
    if wanted is not None:
        wanted = f"/{wanted.lstrip('/')}"
        if wanted in names:
            return wanted
        raise DriveError(
            f"the bag {path} has no images on the topic {wanted}; "
            + (f"it has some on {_listed(names)}" if names else _without_images(topics))
        )
    if not names:
        raise DriveError(f"the bag {path} holds no images; {_without_images(topics)}")
    if len(cameras) > 1:
        raise DriveError(
            f"the bag {path} holds images on {_listed(cameras)}; choose one, such as "
            f"{path.name}?topic={cameras[0]}"
        )
    return cameras[0]


def _without_images(topics: list[Topic]) -> str:
    if not topics:
        return "it has no topic at all"
    return f"it has {_listed([f'{topic.name} ({topic.type})' for topic in topics])}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (", …" if len(names) > 6 else "")


def _calibration(bag: Bag, topic: str) -> Calibration | None:
    """The first CameraInfo beside a topic of images, where there is one."""
    beside = camera_info_beside(topic)
    try:
        record = next(bag.records(beside, (CAMERA_INFO,)), None)
        return None if record is None else calibration_of(record.message())
    except DriveError as error:
        _log.warning("the calibration on %s is left aside: %s", beside, error)
        return None


def calibration_of(message: Any) -> Calibration:
    """What a `CameraInfo` says."""
    return Calibration(
        message.height,
        message.width,
        message.distortion_model,
        *(tuple(map(float, getattr(message, name))) for name in "dkrp"),
    )
