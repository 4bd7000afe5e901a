"""What the node waits for its end with."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future

from dvsnet_ros.nodes.stop_signal import spin_until


@pytest.fixture
def node(ros_domain: int) -> Iterator[Node]:
    """A node that an executor serves."""
    context = Context()
    context.init()
    node = Node("worker", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    yield node
    executor.shutdown()
    node.destroy_node()
    context.try_shutdown()


def test_what_is_done_until_the_end_leaves_nothing_in_memory(node: Node) -> None:
    stopped = Future()
    held: list[int] = []

    def work() -> None:
        held.append(tracemalloc.get_traced_memory()[0])
        if len(held) == 2000:
            stopped.set_result(None)

    node.create_timer(0.0, work)
    tracemalloc.start()
    try:
        spin_until(stopped, node, node.executor)
    finally:
        tracemalloc.stop()
    assert held[1999] - held[999] < 100_000  # a callback a time would be twice as much


def test_an_end_that_was_asked_for_before_is_seen(node: Node) -> None:
    stopped = Future()
    stopped.set_result(None)
    spin_until(stopped, node, node.executor)
