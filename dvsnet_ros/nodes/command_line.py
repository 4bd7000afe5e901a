"""What `dvsnet_node` was given besides ROS arguments: a call for help, or a mistake."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from rclpy.utilities import remove_ros_args

from dvsnet_ros.nodes.parameters import TABLE

USAGE: Final = """\
usage: dvsnet_node --ros-args [-r image:=TOPIC] [-p PARAMETER:=VALUE ...] [--params-file FILE]

Segments the images of a topic and publishes masks, by the two paths of DVSNet.

example: dvsnet_node --ros-args -r image:=/camera/image_raw -p target:=85.0

parameters, and their defaults:"""


def check_arguments(arguments: Sequence[str] | None) -> None:
    """Say how the node is started, and end the process, unless there are ROS arguments alone.

    Args:
        arguments: with the program's name before them; None are the process's.

    Raises:
        SystemExit: with 0 for a call for help; else with a sentence on what can't be used.
    """
    others = remove_ros_args(sys.argv if arguments is None else list(arguments))[1:]
    if not others:
        return
    if {"-h", "--help"}.intersection(others):
        print(_help())
        raise SystemExit(0)
    raise SystemExit(
        f"dvsnet_node: {' '.join(others)} can't be used; parameters are given as in dvsnet_node "
        "--ros-args -p target:=85.0 (see dvsnet_node --help)"
    )


def _help() -> str:
    lines = [USAGE]
    for spec in TABLE.values():
        default = f'"{spec.default}"' if isinstance(spec.default, str) else spec.default
        lines += [f"  {spec.name} ({str(default).lower()})", f"      {spec.description}"]
    return "\n".join(lines)
