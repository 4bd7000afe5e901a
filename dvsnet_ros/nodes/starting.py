"""ROS in this process: started, or a sentence on why it can't be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import rclpy
from rclpy.signals import SignalHandlerOptions

from dvsnet_ros.core.sentences import one_line

LOGS_ADVICE: Final = (
    " (logs are written below ROS_LOG_DIR, or below HOME: set one to a folder that can be written)"
)


class StartError(Exception):
    """ROS can't start; ``str()`` says why."""


def start_ros(arguments: Sequence[str] | None) -> None:
    """Start ROS, and leave signals to the caller.

    Args:
        arguments: with the program's name before them; None are the process's.

    Raises:
        StartError: arguments, or environment variables such as ROS_LOG_DIR, can't be used.
    """
    given = None if arguments is None else list(arguments)
    try:
        rclpy.init(args=given, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # rclpy's RCLError and its like
        reason = one_line(error)
        advice = LOGS_ADVICE if re.search(r"log(ging)? directory|\.log\b", reason) else ""
        raise StartError(
            f"ROS can't start with these arguments and variables: {reason}{advice}"
        ) from error
