"""The messages' definitions that need no ROS say what ROS's say."""

import json
import os
from pathlib import Path

import pytest
from rosbags.typesys import get_types_from_msg

from dvsnet_ros.drives.bag_types import DEFINITIONS, typestore

OWN = ("PathDecision", "PathDecisions")


@pytest.mark.parametrize("name", OWN)
def test_own_messages_are_those_of_the_folder_msg(repository: Path, name: str) -> None:
    full_name = f"dvsnet_ros/msg/{name}"
    text = (repository / "msg" / f"{name}.msg").read_text()
    expected = get_types_from_msg(text, full_name)
    assert get_types_from_msg(DEFINITIONS[full_name], full_name) == expected


def test_own_messages_have_the_hash_that_ros_computes() -> None:
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    files = [Path(prefix, "share/dvsnet_ros/msg/PathDecisions.json") for prefix in prefixes]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        pytest.skip("ROS 2 has not built the messages here")
    hashes = json.loads(file.read_text())["type_hashes"]
    for name in (f"dvsnet_ros/msg/{each}" for each in OWN):
        (computed,) = (each["hash_string"] for each in hashes if each["type_name"] == name)
        assert typestore().hash_rihs01(name) == computed
