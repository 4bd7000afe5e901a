"""The types of messages in bags, known without ROS."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from rosbags.typesys import Stores, get_types_from_msg, get_typestore

DEFINITIONS: Final = {
    "dvsnet_ros/msg/PathDecision": """
        uint8 SEGMENTATION=0
        uint8 FLOW=1
        sensor_msgs/RegionOfInterest region
        uint8 path
        float64 expected_confidence
        float64 target
        builtin_interfaces/Time key_stamp
        uint32 key_age
    """,
    "dvsnet_ros/msg/PathDecisions": """
        std_msgs/Header header
        uint32 rows
        uint32 columns
        string schedule
        PathDecision[] decisions
    """,
    "vision_msgs/msg/VisionClass": """
        uint16 class_id
        string class_name
    """,
    "vision_msgs/msg/LabelInfo": """
        std_msgs/Header header
        VisionClass[] class_map
        float32 threshold
    """,
}
"""What ROS 2's common interfaces lack: this package's own messages, as in ``msg/``, and what tells
the names of the classes."""


@cache
def typestore() -> Any:
    """ROS 2 Jazzy's types and those above, as a typestore of rosbags; shared, so add none to it."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, definition in DEFINITIONS.items():
        store.register(get_types_from_msg(definition, name))
    return store


def new_message(type_name: str, **fields: Any) -> Any:
    """A message of the type that is called ``package/msg/Name``; every field must be given."""
    return typestore().types[type_name](**fields)
