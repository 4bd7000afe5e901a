"""What the class ids mean, for whoever reads the masks: where vision_msgs is installed."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header

from dvsnet_ros.core.label_sets import LabelSet

try:
    from vision_msgs.msg import LabelInfo, VisionClass
except ImportError:
    LabelInfo = None

TOPIC = "~/label_info"


def create_publisher(node: LifecycleNode) -> Any:
    """A publisher that keeps its last message for late subscribers; None without vision_msgs."""
    if LabelInfo is None:
        node.get_logger().info(f"the ROS package vision_msgs is not installed: no {TOPIC}")
        return None
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return node.create_lifecycle_publisher(LabelInfo, TOPIC, latched)


def message(labels: LabelSet, header: Header) -> Any:
    """The class names as ``vision_msgs/LabelInfo``; only where vision_msgs is installed."""
    classes = [
        VisionClass(class_id=class_id, class_name=name)
        for class_id, name in enumerate(labels.classes)
    ]
    return LabelInfo(header=header, class_map=classes, threshold=0.0)
