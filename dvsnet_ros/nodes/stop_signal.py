"""SIGINT and SIGTERM as something that an executor can wait for, and the waiting."""

from __future__ import annotations

import os
import signal
import threading

from rclpy.executors import Executor
from rclpy.node import Node
from rclpy.task import Future


def stop_signal() -> Future:
    """A future that is done when the process is asked to end.

    Python's own handlers would interrupt a frame or a transition halfway, and rclpy's would take
    the context from under them. So the handlers do nothing but write to a pipe.
    """
    stopped = Future()
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer)

    def wait() -> None:
        os.read(reader, 1)
        stopped.set_result(None)

    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stopped


def spin_until(stopped: Future, node: Node, executor: Executor) -> None:
    """Serve the node, which is the executor's, until the future is done.

    In Jazzy's rclpy 7.1.6 and older, `spin_until_future_complete` leaves a callback at the future
    with each thing that it does, so that a process grows with every image.
    """
    ended = threading.Event()
    end = node.create_guard_condition(ended.set)
    stopped.add_done_callback(lambda _: end.trigger())
    while not ended.is_set():
        executor.spin_once()
