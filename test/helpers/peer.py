"""The node under test in its own process, and a camera and listener in the test's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from numpy.typing import NDArray
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import GetParameters, SetParameters, SetParametersAtomically
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_value_to_python
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from dvsnet_ros.core.checkpoint import save_checkpoint, untrained_checkpoint
from dvsnet_ros.msg import PathDecisions
from dvsnet_ros.nodes.image_conversion import from_array
from dvsnet_ros.nodes.messages import nanoseconds, time_message
from helpers.processes import Process, running

TIMEOUT = 30.0
ASKED_AGAIN = 3.0  # seconds without an answer after which a question is asked again
RELIABLE = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
SECOND = 1_000_000_000
SIZE = (96, 128)
OVERLAP = 16


@contextmanager
def dvsnet_node(*remaps: str, **parameters: object) -> Iterator[Process]:
    """Runs the node with these parameters; remaps are given as `from:=to`."""
    command = [sys.executable, "-m", "dvsnet_ros.nodes.dvsnet_node", "--ros-args"]
    for remap in remaps:
        command += ["-r", remap]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={str(value).lower() if isinstance(value, bool) else value}"]
    with running(command) as process:
        yield process


def tiny_checkpoint(folder: Path) -> Path:
    """A checkpoint of random weights, the same every time."""
    path = folder / "tiny.safetensors"
    save_checkpoint(path, untrained_checkpoint())
    return path


def frame(index: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A frame [H, W, 3] of its own for every index: noise that moves."""
    height, width = size
    noise = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)
    return np.roll(noise, (index, 3 * index), axis=(0, 1))


def blank(encoding: str, channels: int, size: tuple[int, int] = SIZE) -> Image:
    """A grey image message at stamp 0 in an encoding of this many bytes a pixel."""
    height, width = size
    return Image(
        header=Header(frame_id="camera"),
        height=height,
        width=width,
        encoding=encoding,
        step=width * channels,
        data=bytes([128]) * (height * width * channels),
    )


def image(stamp: int, pixels: NDArray[np.uint8] | None = None, encoding: str = "bgr8") -> Image:
    """An image message with this stamp in nanoseconds; without pixels, a frame."""
    header = Header(stamp=time_message(stamp), frame_id="camera")
    return from_array(frame(stamp // SECOND) if pixels is None else pixels, encoding, header)


@dataclass(frozen=True)
class Report:
    """A report of the diagnostics."""

    level: int
    message: str
    hardware: str
    values: dict[str, str]

    def count(self, key: str) -> int:
        return int(self.values[key])


class Inbox:
    """The messages of a topic, in order."""

    def __init__(self, node: Node, message_type: Any, topic: str, qos: QoSProfile) -> None:
        self.messages: list[Any] = []
        self._node = node
        self._subscription = node.create_subscription(
            message_type, topic, self.messages.append, qos
        )

    def of(self, stamp: int) -> Any:
        """The message with this stamp in its header, or None."""
        stamped = (m for m in reversed(self.messages) if nanoseconds(m.header.stamp) == stamp)
        return next(stamped, None)

    def close(self) -> None:
        self._node.destroy_subscription(self._subscription)


class Peer:
    """A node in the test's process; it waits for events, never for time alone."""

    def __init__(self, image_topic: str = "image", image_type: Any = Image) -> None:
        self._context = Context()
        self._context.init()
        self.node = Node("peer", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._clients: dict[str, Any] = {}
        self.camera = self.node.create_publisher(image_type, image_topic, RELIABLE)
        self.masks = self.listen(Image, "/dvsnet/mask")
        self.decisions = self.listen(PathDecisions, "/dvsnet/decisions")
        self.reports = self.listen(DiagnosticArray, "/diagnostics")

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()

    def listen(self, message_type: Any, topic: str, qos: QoSProfile = RELIABLE) -> Inbox:
        return Inbox(self.node, message_type, topic, qos)

    def until(self, condition: Callable[[], object], what: str, timeout: float = TIMEOUT) -> None:
        """Spins until the condition holds."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f"no {what} within {timeout} s"
            self._executor.spin_once(0.02)

    def spin_once(self) -> None:
        """Does what there is to do, and gives other processes a moment."""
        self._executor.spin_once(0.0005)

    def connect(self, message: Callable[[int], Any] = image) -> None:
        """Sends images until one is answered: both sides have found each other then."""
        self.until(self.camera.get_subscription_count, "subscription to the images")
        self.until(lambda: self._try_once(message), "answer to any image")

    def _try_once(self, message: Callable[[int], Any]) -> bool:
        self.camera.publish(message(0))
        self._executor.spin_once(0.1)
        return bool(self.masks.messages and self.decisions.messages)

    def ask(self, message: Any) -> tuple[Image, PathDecisions]:
        """Sends an image; returns its mask and its decisions."""
        stamp = nanoseconds(message.header.stamp)
        self.masks.messages.clear()
        self.decisions.messages.clear()
        self.camera.publish(message)
        self.until(lambda: self.masks.of(stamp) and self.decisions.of(stamp), f"answer to {stamp}")
        return self.masks.of(stamp), self.decisions.of(stamp)

    def report(self) -> Report:
        """The next report that counts all that was answered until now."""
        # An answer is counted just after it is published.
        now = self.node.get_clock().now().nanoseconds + SECOND // 10
        self.reports.messages.clear()
        self.until(
            lambda: (
                self.reports.messages and nanoseconds(self.reports.messages[-1].header.stamp) > now
            ),
            "report",
        )
        return self.last_report()

    def last_report(self) -> Report:
        """The report that came last."""
        status = self.reports.messages[-1].status[0]
        values = {entry.key: entry.value for entry in status.values}
        return Report(ord(status.level), status.message, status.hardware_id, values)

    def until_report(self, condition: Callable[[Report], object], what: str) -> Report:
        """The first report from now on that fulfils the condition."""
        self.reports.messages.clear()
        self.until(
            lambda: self.reports.messages and condition(self.last_report()), f"report of {what}"
        )
        return self.last_report()

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        """The service's response."""
        future = self._client(service_type, name).call_async(request)
        self.until(future.done, f"response of {name}")
        return future.result()

    def read(self, service_type: Any, name: str, request: Any) -> Any:
        """The response of a service that changes nothing.

        It is asked again after a while: what the node answers before it has found who reads the
        answer is lost.
        """
        client = self._client(service_type, name)
        asked: list[Any] = []
        next_time = time.monotonic()

        def answered() -> bool:
            nonlocal next_time
            if time.monotonic() >= next_time:
                asked.append(client.call_async(request))
                next_time = time.monotonic() + ASKED_AGAIN
            return any(future.done() for future in asked)

        self.until(answered, f"response of {name}")
        return next(future.result() for future in asked if future.done())

    def _client(self, service_type: Any, name: str) -> Any:
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service_type, name)
        self.until(self._clients[name].service_is_ready, f"service {name}")
        return self._clients[name]

    def get(self, *names: str) -> list[Any]:
        """Values of parameters."""
        response = self.read(
            GetParameters, "/dvsnet/get_parameters", GetParameters.Request(names=list(names))
        )
        return [parameter_value_to_python(value) for value in response.values]

    def set(self, **values: Any) -> SetParametersResult:
        """Sets parameters all at once."""
        request = SetParametersAtomically.Request(parameters=_messages(values))
        response = self.call(SetParametersAtomically, "/dvsnet/set_parameters_atomically", request)
        return response.result

    def set_one(self, name: str, value: Any) -> SetParametersResult:
        """Sets one parameter as `ros2 param set` does."""
        request = SetParameters.Request(parameters=_messages({name: value}))
        return self.call(SetParameters, "/dvsnet/set_parameters", request).results[0]

    def reset(self) -> None:
        """Makes the node forget all key frames before the next frame."""
        response = self.call(Trigger, "/dvsnet/reset", Trigger.Request())
        assert response.success, response.message

    def state(self) -> str:
        """Label of the node's lifecycle state."""
        response = self.read(GetState, "/dvsnet/get_state", GetState.Request())
        return str(response.current_state.label)

    def transition(self, number: int) -> bool:
        """Asks for a transition; whether it succeeded."""
        request = ChangeState.Request(transition=Transition(id=number))
        return bool(self.call(ChangeState, "/dvsnet/change_state", request).success)


def _messages(values: dict[str, Any]) -> list[Any]:
    return [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
