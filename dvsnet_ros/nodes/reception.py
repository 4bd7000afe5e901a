"""The ear of the active node: the subscription, the newest frame, and the silence."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from dvsnet_ros.drives.topics import COMPRESSED
from dvsnet_ros.nodes import silence
from dvsnet_ros.nodes.parameters import Settings
from dvsnet_ros.nodes.pipeline import Arrival
from dvsnet_ros.nodes.statistics import Case, Statistics
from dvsnet_ros.nodes.throttle import Throttle
from dvsnet_ros.nodes.worker import NewestWorker

try:
    from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
except ImportError:  # their place before ROS 2 Iron
    from rclpy.qos_event import SubscriptionEventCallbacks, UnsupportedEventTypeError

TOPIC: Final = "image"

DEPTH: Final = 5
"""Images that the middleware may hold; more than one, so that what is dropped can be counted."""

OVERRIDDEN: Final = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH)
"""Policies that `qos_overrides.*` may set; reliability is a parameter, which a new configure takes
anew, and an override would be as the first one found it."""

RELIABILITIES: Final = {
    "best_effort": ReliabilityPolicy.BEST_EFFORT,
    "reliable": ReliabilityPolicy.RELIABLE,
}


class Reception:
    """Receives images from its making until it is closed.

    Args:
        node: the node that subscribes.
        settings: of the last configure; say which transport and reliability.
        process: answers an image; called in a thread of its own with the newest one.
        statistics: counts images and drops.
    """

    def __init__(
        self,
        node: Node,
        settings: Settings,
        process: Callable[[Arrival], None],
        statistics: Statistics,
    ) -> None:
        self._node = node
        self._statistics = statistics
        self._watch = silence.SilenceWatch(time.monotonic())
        self._throttle = Throttle(time.monotonic)
        self._lost = 0
        message_type, topic = _source(node, settings.image_transport)
        qos = QoSProfile(depth=DEPTH, reliability=RELIABILITIES[settings.reliability])
        self._subscription = self._subscribe(message_type, topic, qos)
        type_name = f"sensor_msgs/msg/{message_type.__name__}"
        self._ear = silence.listening(self._subscription, type_name)
        self._worker = NewestWorker(process)

    def _subscribe(
        self, message_type: type[Image | CompressedImage], topic: str, qos: QoSProfile
    ) -> Subscription:
        subscribe = functools.partial(
            self._node.create_subscription,
            message_type,
            topic,
            self._take,
            qos,
            qos_overriding_options=QoSOverridingOptions(OVERRIDDEN),
        )
        callbacks = SubscriptionEventCallbacks(
            incompatible_qos=self._explain_mismatch, message_lost=self._count_lost
        )
        try:
            return subscribe(event_callbacks=callbacks)
        except UnsupportedEventTypeError:  # a middleware that can't tell what it loses
            callbacks.message_lost = None
            return subscribe(event_callbacks=callbacks)

    @property
    def topic(self) -> str:
        """The topic, remappings applied."""
        return self._ear.topic

    def silence(self) -> float:
        """Seconds without an image if they are too many, else 0."""
        now = time.monotonic()
        return self._watch.seconds(now) if self._watch.is_silent(now) else 0.0

    def in_work(self) -> float:
        """Seconds that an image has been processed for, 0 if there is none."""
        return self._worker.seconds_in_work()

    def explain_silence(self) -> None:
        """Say why no image comes, where none has come for long."""
        now = time.monotonic()
        if self._watch.must_speak(now):
            self._statistics.case(Case.SILENCE)
            # No error: the last one may have been the reason.
            what = f"no image for {self._watch.seconds(now):.0f} s"
            self._log(Case.SILENCE, f"{what}: {silence.explanation(self._node, self._ear)}")

    def close(self) -> None:
        """Stop receiving; returns when the frame in work is answered."""
        self._node.destroy_subscription(self._subscription)
        if self._worker.stop():
            self._statistics.image_dropped()

    def _take(self, message: Image | CompressedImage) -> None:
        now = time.monotonic()
        self._statistics.image_received()
        self._watch.image_received(now)
        if self._worker.offer(Arrival(message, now)):
            self._statistics.image_dropped()

    def _count_lost(self, event: Any) -> None:
        lost = silence.images_lost(event.total_count_change)
        if not lost:
            return
        self._lost += lost
        self._statistics.case(Case.LOST, lost)
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        advice = silence.loss_advice(self._ear, publishers)
        self._error(Case.LOST, f"images lost on the way so far: {self._lost}; {advice}")

    def _explain_mismatch(self, _event: Any) -> None:
        self._statistics.case(Case.INCOMPATIBLE_QOS)
        explanation = silence.explanation(self._node, self._ear)
        sentence = f"a publisher offers a QoS that can't match: {explanation}"
        self._error(Case.INCOMPATIBLE_QOS, sentence)

    def _error(self, case: Case, sentence: str) -> None:
        self._statistics.error(sentence)
        self._log(case, sentence)

    def _log(self, case: Case, sentence: str) -> None:
        line = self._throttle.line(case, sentence)
        if line:
            self._node.get_logger().warning(line)


def _source(node: Node, transport: str) -> tuple[type[Image | CompressedImage], str]:
    """Type and topic of the images; remapping `image` carries its compressed twin along.

    Where `image` is remapped to that twin itself, it is meant.
    """
    if transport == "compressed":
        topic = node.resolve_topic_name(TOPIC).removesuffix(COMPRESSED)
        return CompressedImage, f"{topic}{COMPRESSED}"
    return Image, TOPIC
