"""What the node holds from configure to cleanup: the networks and the publishers."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from dvsnet_ros.core.checkpoint import Checkpoint, load_checkpoint
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.msg import PathDecisions
from dvsnet_ros.nodes import label_info
from dvsnet_ros.nodes.parameters import Parameters, Settings
from dvsnet_ros.nodes.pipeline import Outputs, Pipeline
from dvsnet_ros.nodes.statistics import Statistics

DEPTH = 5
"""Answers that wait for a slow subscriber."""


class Configured:
    """The networks, loaded, and the publishers, not yet publishing.

    Args:
        node: the node that publishes.
        parameters: of the node; what can't change live is taken now.
        statistics: counts what happens to frames.

    Raises:
        ValueError: the checkpoint can't be used, or grid, overlap, sizes, device and precision
            can't work together; one line says why.
        RuntimeError: the device refuses the networks, for lack of memory say.
    """

    def __init__(self, node: LifecycleNode, parameters: Parameters, statistics: Statistics) -> None:
        self._node = node
        self.settings = parameters.settings
        checkpoint = _checkpoint(self.settings)
        self.checkpoint_path = checkpoint.path
        self.segmenter = _segmenter(checkpoint, self.settings)
        if self.settings.device == "auto" and self.segmenter.device.type == "cpu":
            node.get_logger().warning(
                "device is auto, and torch finds no CUDA device: running on the CPU"
            )
        self._label_info = label_info.create_publisher(node)
        self._outputs = Outputs(
            mask=_publisher(node, Image, "~/mask"),
            confidence=_publisher(node, Image, "~/confidence"),
            overlay=_publisher(node, Image, "~/overlay"),
            color_mask=_publisher(node, Image, "~/color_mask"),
            decisions=_publisher(node, PathDecisions, "~/decisions"),
        )
        self.pipeline = Pipeline(
            self.segmenter,
            self._outputs,
            lambda: parameters.settings,
            statistics,
            node.get_logger().warning,
        )

    @property
    def description(self) -> str:
        """What was loaded, where it runs and how it splits frames, in one line."""
        settings, labels = self.settings, self.segmenter.label_set
        return (
            f"{self.checkpoint_path} ({len(labels.classes)} classes of {labels.name}) on "
            f"{self.segmenter.device} in {self.segmenter.precision}, "
            f"{settings.region_rows}x{settings.region_columns} regions with an overlap of "
            f"{settings.overlap}"
        )

    def start(self) -> None:
        """Begin a drive: without key frames, and with the class names for who wants them."""
        self.pipeline.forget_key_frames()
        if self._label_info is not None:
            header = Header(stamp=self._node.get_clock().now().to_msg())
            self._label_info.publish(label_info.message(self.segmenter.label_set, header))

    def close(self) -> None:
        """Destroy the publishers."""
        publishers = [self._label_info, *vars(self._outputs).values()]
        for publisher in filter(None, publishers):
            self._node.destroy_lifecycle_publisher(publisher)


def _publisher(node: LifecycleNode, message_type: type[Any], topic: str) -> LifecyclePublisher:
    """One whose QoS can be overridden by `qos_overrides.*`, as of other nodes."""
    overridden = QoSOverridingOptions.with_default_policies()
    publisher: LifecyclePublisher = node.create_lifecycle_publisher(
        message_type, topic, DEPTH, qos_overriding_options=overridden
    )
    return publisher


def _checkpoint(settings: Settings) -> Checkpoint:
    path = settings.checkpoint or SHIPPED_CHECKPOINT
    return load_checkpoint(path, settings.decision_checkpoint or None)


def _segmenter(checkpoint: Checkpoint, settings: Settings) -> VideoSegmenter:
    return VideoSegmenter(
        checkpoint,
        height=settings.input_height,
        width=settings.input_width,
        rows=settings.region_rows,
        columns=settings.region_columns,
        overlap=settings.overlap,
        schedule=settings.frame_schedule(),
        max_gap=settings.max_gap,
        device=settings.device,
        precision=settings.precision,
    )
