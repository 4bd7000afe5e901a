"""A run of ``dvsnet demo``: the node and the player as processes, the recorder in this one."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor

from dvsnet_ros.nodes.demo_processes import Processes, enter_own_world
from dvsnet_ros.nodes.demo_recorder import DemoRecorder, RecordedFrame
from dvsnet_ros.nodes.starting import start_ros

POLL: float = 0.1
"""Seconds between looks at the processes."""


def record(
    node: Mapping[str, Any], player: Mapping[str, Any], domain_id: int, folder: Path
) -> Generator[RecordedFrame, None, None]:
    """Play a drive through the node and give what the node answers, frame by frame.

    All processes have ended when the iterator is closed.

    Args:
        node: parameters of the node.
        player: parameters of the player.
        domain_id: ROS domain of the run; it stays on this machine.
        folder: where parameters and logs of the processes go.

    Raises:
        ProcessEndedError: the node or the player ended early.
        WrongAnswerError: an answer does not fit its frame.
        StartError: ROS can't start.
    """
    enter_own_world(domain_id)
    namespace = f"/dvsnet_demo_{os.getpid()}"  # two demos at a time do not hear each other
    start_ros([])
    executor = SingleThreadedExecutor()
    try:
        recorder = DemoRecorder(namespace)
        executor.add_node(recorder)
        with Processes(namespace, folder) as processes:
            processes.start("dvsnet", "dvsnet_ros.nodes.dvsnet_node", node)
            processes.start("player", "dvsnet_ros.nodes.demo_player", player)
            is_done = False
            while not is_done:
                is_done = processes.is_done("player")
                executor.spin_once(timeout_sec=POLL)
                while recorder.frames:
                    yield recorder.frames.popleft()
    finally:
        executor.shutdown()
        rclpy.try_shutdown()
