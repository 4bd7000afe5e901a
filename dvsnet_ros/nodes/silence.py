"""Explains why no image arrives: the most frequent question of such a node's users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rclpy.node import Node, TopicEndpointInfo  # whose own module is renamed in ROS 2 Lyrical
from rclpy.qos import QoSCompatibility, QoSProfile, ReliabilityPolicy, qos_check_compatible
from rclpy.subscription import Subscription

from dvsnet_ros.drives.topics import COMPRESSED

PATIENCE: Final = 5.0
"""Seconds without an image after which the node explains itself."""

REPEAT: Final = 30.0
"""Seconds after which it says so again."""

LARGE_IMAGES: Final = (
    "those of over half a megabyte need the Fast DDS profile config/fastdds_large_images.xml in "
    "the camera's process, too (FASTRTPS_DEFAULT_PROFILES_FILE), smaller ones a network and a "
    "machine that are less busy"
)
OR_RELIABLE: Final = ", or the parameter reliability set to reliable"
FEW_KEPT: Final = (
    "the camera keeps too few for a node that is busy; give its publisher's QoS a larger depth"
)

COUNT_LOST: Final = 2**31 - 1
"""Images that Fast DDS calls lost where it has lost count, as it may when a subscription begins."""

DECISIONS: Final = "dvsnet_ros/msg/PathDecisions"
IMAGES_OUT: Final = ("mask", "color_mask", "confidence", "overlay")
"""What lies beside a topic of decisions and shows no camera's images."""

TRANSPORTS: Final = {
    "sensor_msgs/msg/Image": "raw",
    "sensor_msgs/msg/CompressedImage": "compressed",
}
"""The parameter image_transport, by the type of the images that it takes."""


@dataclass(frozen=True)
class Listening:
    """What the node listens to: a topic, its type as ``package/msg/Name``, and the own QoS."""

    topic: str
    type_name: str
    qos: QoSProfile


class SilenceWatch:
    """Knows how long no image has come; times are seconds of one steady clock."""

    def __init__(self, now: float) -> None:
        self._last_image = now
        self._last_said = now - REPEAT

    def image_received(self, now: float) -> None:
        """Note an image, whatever is in it."""
        self._last_image = now
        self._last_said = now - REPEAT

    def seconds(self, now: float) -> float:
        """Seconds since the last image, or since the watch began."""
        return now - self._last_image

    def is_silent(self, now: float) -> bool:
        """Whether the silence is long enough to be explained."""
        return self.seconds(now) >= PATIENCE

    def must_speak(self, now: float) -> bool:
        """Whether to explain the silence now; says yes once every `REPEAT` seconds."""
        if not self.is_silent(now) or now - self._last_said < REPEAT:
            return False
        self._last_said = now
        return True


def listening(subscription: Subscription, type_name: str) -> Listening:
    """What this subscription listens to, remappings applied."""
    return Listening(subscription.topic_name, type_name, subscription.qos_profile)


def explanation(node: Node, ear: Listening) -> str:
    """Say who publishes on the topic, whether that can match, and what to do."""
    publishers = node.get_publishers_info_by_topic(ear.topic)
    elsewhere = [each for each in _cameras(node) if each[0] != ear.topic]
    return describe(ear, publishers, elsewhere)


def images_lost(change: int) -> int:
    """How many images got lost by an event of the middleware, 0 where it does not know itself.

    Args:
        change: what the event says; `COUNT_LOST` and a few more overflow to near 2**64.
    """
    return change if change < COUNT_LOST else 0


def loss_advice(ear: Listening, publishers: Sequence[TopicEndpointInfo]) -> str:
    """Why images get lost on the way from these publishers, and what to do."""
    if ear.qos.reliability == ReliabilityPolicy.RELIABLE:
        return FEW_KEPT
    offers = {publisher.qos_profile.reliability for publisher in publishers}
    return LARGE_IMAGES + (OR_RELIABLE if offers == {ReliabilityPolicy.RELIABLE} else "")


def _cameras(node: Node) -> list[tuple[str, str]]:
    """Topics with images that somebody publishes, and their types: no such node's answers."""
    topics = [(name, types[0]) for name, types in node.get_topic_names_and_types()]
    answers = {
        f"{name.removesuffix('decisions')}{output}"
        for name, type_name in topics
        for output in IMAGES_OUT
        if type_name == DECISIONS
    }
    return sorted(
        (name, type_name)
        for name, type_name in topics
        if type_name in TRANSPORTS and name not in answers and _comes_from_others(node, name)
    )


def _comes_from_others(node: Node, topic: str) -> bool:
    """Whether somebody else than the node publishes there."""
    publishers = node.get_publishers_info_by_topic(topic)
    own = (node.get_namespace(), node.get_name())
    return any((each.node_namespace, each.node_name) != own for each in publishers)


def describe(
    ear: Listening,
    publishers: Sequence[TopicEndpointInfo],
    elsewhere: Sequence[tuple[str, str]],
) -> str:
    """The same, from what the graph says.

    Args:
        ear: what the node listens to.
        publishers: who publishes on that topic.
        elsewhere: other topics with images, each a name and its type.
    """
    own = f"listening on {ear.topic} ({ear.type_name}, {_policies(ear.qos)})"
    if publishers:
        there = "; ".join(_verdict(ear, publisher) for publisher in publishers)
        return f"{own}; publishers there: {there}"
    if elsewhere:
        there = "; or ".join(
            f"{topic} ({type_name}): start with --ros-args {_arguments(topic, type_name)}"
            for topic, type_name in elsewhere
        )
        return f"{own}; nobody publishes there, but images are on {there}"
    return (
        f"{own}; nobody publishes there, and no image is published elsewhere: is the camera "
        "running, with the same ROS_DOMAIN_ID?"
    )


def _arguments(topic: str, type_name: str) -> str:
    """The ROS arguments with which the node listens on a topic with images of this type."""
    transport = TRANSPORTS[type_name]
    name = "image"
    if transport == "compressed" and topic.endswith(COMPRESSED):
        topic = topic.removesuffix(COMPRESSED)
    elif transport == "compressed":
        name += COMPRESSED
    return f"-r {name}:={topic} -p image_transport:={transport}"


def _verdict(ear: Listening, publisher: TopicEndpointInfo) -> str:
    """Who a publisher is, and whether its images can arrive."""
    name = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
    offer = f"{name} ({publisher.topic_type}, {_policies(publisher.qos_profile)})"
    obstacle = _obstacle(ear, publisher)
    if obstacle:
        return f"{offer} can't match: {obstacle}"
    return f"{offer} matches (if no image comes all the same: is the camera delivering?)"


def _obstacle(ear: Listening, publisher: TopicEndpointInfo) -> str | None:
    """Why the two can't match and what to do, or None where they can."""
    if publisher.topic_type != ear.type_name:
        if publisher.topic_type not in TRANSPORTS:
            return "another type, which holds no images"
        return f"another type; start with --ros-args {_arguments(ear.topic, publisher.topic_type)}"
    compatibility, reason = qos_check_compatible(publisher.qos_profile, ear.qos)
    if compatibility == QoSCompatibility.ERROR:
        what = reason.removeprefix("ERROR: ").strip(" ;")
        return f"{what}; set the parameter reliability to best_effort"
    return None


def _policies(qos: QoSProfile) -> str:
    return f"{qos.reliability.name.lower()}, {qos.durability.name.lower()}"
