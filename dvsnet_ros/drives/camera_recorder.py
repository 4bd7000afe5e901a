"""Frames as a camera driver would publish them, written to a bag."""

from __future__ import annotations

from dvsnet_ros.core.label_sets import BUILT_IN
from dvsnet_ros.drives import bag_messages
from dvsnet_ros.drives.bag_writer import BagWriter
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.drives.topics import CameraTopics


class CameraRecorder:
    """Writes frames to a bag: images, the camera's calibration, and labels where there are any.

    Args:
        bag: where to.
        topics: under which names.
        compressed: whether images become JPEGs.
    """

    def __init__(self, bag: BagWriter, topics: CameraTopics, *, compressed: bool = False) -> None:
        self._bag = bag
        self._topics = topics
        self._compressed = compressed
        self._told = False

    def write(self, frame: Frame) -> None:
        """Add a frame.

        Raises:
            DriveError: no message can have the frame's stamp.
            OSError: the bag can't be written.
        """
        topics, stamp = self._topics, frame.stamp
        header = bag_messages.header(stamp, frame.frame_id)
        if self._compressed:
            image = bag_messages.compressed_image(frame.image, header)
            self._bag.write(topics.compressed, image, stamp)
        else:
            self._bag.write(topics.image, bag_messages.image(frame.image, "bgr8", header), stamp)
        self._bag.write(topics.camera_info, bag_messages.camera_info(frame, header), stamp)
        if frame.labels is not None:
            self._tell_classes(frame)
            labels = bag_messages.image(frame.labels, "mono8", header)
            self._bag.write(topics.labels, labels, stamp)

    def _tell_classes(self, frame: Frame) -> None:
        """Say once what the labels' ids mean, where that is known."""
        if not self._told and frame.label_set in BUILT_IN:
            info = bag_messages.label_info(BUILT_IN[frame.label_set], frame.stamp)
            self._bag.write(self._topics.label_info, info, frame.stamp, latched=True)
            self._told = True
