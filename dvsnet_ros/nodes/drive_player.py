"""The player of ``dvsnet play``: publishes frames as a camera does, and the drive's time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import rclpy
from rclpy.duration import Duration
from rclpy.exceptions import InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_topic_name import validate_topic_name
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dvsnet_ros.drives.topics import CameraTopics
from dvsnet_ros.nodes.frame_messages import FrameMessages
from dvsnet_ros.nodes.large_images import large_images_environment
from dvsnet_ros.nodes.messages import time_message
from dvsnet_ros.nodes.starting import start_ros

NAME: Final = "drive_player"

RELIABILITIES: Final = {
    "reliable": QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE),
    "best_effort": qos_profile_sensor_data,
}
"""QoS of the images, by the words of the node's parameter ``reliability``."""

CLOCK: Final = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
"""QoS of /clock, as `ros2 bag play` has it."""

POLL: Final = 0.05
"""Seconds between looks for a subscriber."""

SETTLE: Final = 0.5
"""Seconds that a subscriber gets to find the player, once the player has found the subscriber."""

PATIENCE: Final = 5.0
"""Seconds that the last images get to arrive."""


class TopicError(ValueError):
    """A name that no topic can have; ``str()`` says why."""


class DrivePlayer(Node):
    """Publishes images, their camera's info beside them and, if asked to, /clock.

    Args:
        topics: of the images, raw or compressed, and of the camera's info.
        compressed: whether the images are JPEGs.
        reliability: a key of RELIABILITIES.
    """

    def __init__(self, topics: CameraTopics, *, compressed: bool, reliability: str) -> None:
        # Nobody spins this node: a service of it would never answer.
        super().__init__(NAME, start_parameter_services=False)
        qos = RELIABILITIES[reliability]
        if compressed:
            self._images = self.create_publisher(CompressedImage, topics.compressed, qos)
        else:
            self._images = self.create_publisher(Image, topics.image, qos)
        self._infos = self.create_publisher(CameraInfo, topics.camera_info, qos)

    @property
    def topic(self) -> str:
        """Full name of the images' topic."""
        return str(self._images.topic_name)

    def wait_for_subscriber(self) -> None:
        """Wait until somebody subscribes to the images."""
        while self._images.get_subscription_count() == 0:
            time.sleep(POLL)
        time.sleep(SETTLE)

    def publish(self, messages: FrameMessages) -> None:
        """Publish a frame."""
        self._infos.publish(messages.camera_info)
        self._images.publish(messages.image)

    def clock(self) -> Callable[[int], None]:
        """Make /clock; returns what publishes a stamp, in nanoseconds, as everybody's time."""
        publisher = self.create_publisher(Clock, "/clock", CLOCK)
        return lambda stamp: publisher.publish(Clock(clock=time_message(stamp)))

    def flush(self) -> None:
        """Wait until the last images have arrived, where they are reliable."""
        self._images.wait_for_all_acked(Duration(seconds=PATIENCE))


@contextmanager
def drive_player(topic: str, *, compressed: bool, reliability: str) -> Iterator[DrivePlayer]:
    """A player in a ROS context of its own, with Fast DDS's profile for large images.

    Raises:
        TopicError: the topic's name can't be one.
        DriveError: it is the name of what lies beside images.
        StartError: ROS can't start.
    """
    topics = CameraTopics(_full_name(topic))
    os.environ.update(large_images_environment())
    start_ros([])
    try:
        player = DrivePlayer(topics, compressed=compressed, reliability=reliability)
        yield player
        player.flush()
        player.destroy_node()
    finally:
        rclpy.try_shutdown()


def _full_name(topic: str) -> str:
    """The topic that the player means by a name such as ``image``; raises TopicError."""
    try:
        validate_topic_name(topic)
        full = expand_topic_name(topic, NAME, "/")
        validate_full_topic_name(full)
    except (InvalidTopicNameException, ValueError) as error:
        # The lines below point at the place, and what comes after a comma at rcl's own code.
        reason = str(error).splitlines()[0].partition(", at ")[0].rstrip(":")
        raise TopicError(f"{topic!r} can't be a topic: {reason}") from error
    return str(full)
