"""The recorder of ``dvsnet demo``: brings together what the node answers to each frame."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from dvsnet_ros.msg import PathDecisions
from dvsnet_ros.nodes.demo_player import RECORDED, RELIABLE, WARM_UP
from dvsnet_ros.nodes.image_conversion import to_bgr
from dvsnet_ros.nodes.messages import nanoseconds

NAME: Final = "recorder"
PARTS: Final = ("camera_info", "mask", "overlay", "decisions")


@dataclass(frozen=True)
class RecordedFrame:
    """What the node answered to one frame.

    Attributes:
        stamp: nanoseconds, of the frame and of all its answers.
        mask: [H, W] uint8 class ids, H and W the frame's own.
        overlay: [H, W, 3] uint8, BGR.
        decisions: the node's message.
        latency: seconds from the frame's publishing to the mask's arrival.
    """

    stamp: int
    mask: NDArray[np.uint8]
    overlay: NDArray[np.uint8]
    decisions: PathDecisions
    latency: float


class WrongAnswerError(Exception):
    """An answer that does not fit its frame; ``str()`` says which and how."""


class DemoRecorder(Node):
    """Collects each frame of the drive once all its answers are there, and tells the player.

    Args:
        namespace: of the demo.

    Attributes:
        frames: what is recorded, in order, until somebody takes it out.
    """

    def __init__(self, namespace: str) -> None:
        super().__init__(NAME, namespace=namespace)
        self.frames: deque[RecordedFrame] = deque()
        self._pending: dict[tuple[int, str], dict[str, Any]] = {}
        self._recorded = self.create_publisher(Header, RECORDED, RELIABLE)
        topics = (
            (CameraInfo, "camera_info", "camera_info"),
            (Image, "mask", "dvsnet/mask"),
            (Image, "overlay", "dvsnet/overlay"),
            (PathDecisions, "decisions", "dvsnet/decisions"),
        )
        for kind, part, topic in topics:
            self.create_subscription(kind, topic, self._collector(part), RELIABLE)

    def _collector(self, part: str) -> Callable[[Any], None]:
        def collect(message: Any) -> None:
            now = time.monotonic()
            header = message.header
            key = (nanoseconds(header.stamp), header.frame_id)
            parts = self._pending.setdefault(key, {})
            parts[part] = message
            parts[f"{part} time"] = now
            if all(name in parts for name in PARTS):
                del self._pending[key]
                self._finish(header, parts)

        return collect

    def _finish(self, header: Header, parts: dict[str, Any]) -> None:
        if header.frame_id != WARM_UP:
            self.frames.append(_recorded_frame(header, parts))
        self._recorded.publish(header)


def _recorded_frame(header: Header, parts: dict[str, Any]) -> RecordedFrame:
    info = parts["camera_info"]
    for name in ("mask", "overlay"):
        answer = parts[name]
        if (answer.height, answer.width) != (info.height, info.width):
            raise WrongAnswerError(
                f"the {name} of a frame of {info.width}x{info.height} came as "
                f"{answer.width}x{answer.height}"
            )
    return RecordedFrame(
        stamp=nanoseconds(header.stamp),
        mask=to_bgr(parts["mask"])[..., 0],
        overlay=to_bgr(parts["overlay"]),
        decisions=parts["decisions"],
        latency=parts["mask time"] - parts["camera_info time"],
    )
