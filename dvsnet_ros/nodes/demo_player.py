"""The player of ``dvsnet demo``: publishes a drive as a camera would, waiting for each answer.

The frames go out as their stamps say, but none before the one before it is recorded, so that a slow
machine plays slower and drops nothing; and nobody waits for the end of a long gap.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.drives import DriveError, Frame, drive
from dvsnet_ros.drives.skipping import fitting_frames
from dvsnet_ros.nodes.demo_pacing import Spacing
from dvsnet_ros.nodes.frame_messages import frame_messages
from dvsnet_ros.nodes.messages import NANOSECONDS

NAME: Final = "player"
RECORDED: Final = "recorded"
"""Topic on which the recorder repeats the header of each frame whose answers it has."""

WARM_UP: Final = "warm-up"
"""``frame_id`` of the frames before the drive, which only see whether everybody is listening."""

RELIABLE: Final = QoSProfile(depth=10)


class NoAnswerError(Exception):
    """Somebody whom the player needs stays silent; ``str()`` says who and how long."""


class DemoPlayer(Node):
    """Publishes ``image`` and ``camera_info``.

    Parameters of the node:
        drive: what to play, see ``dvsnet_ros.drives.drive``.
        rate: frames a second, in place of the drive's own; 0 is the drive's own.
        frames: how many frames to play at most; 0 plays all.
        patience: seconds to wait for an answer.
    """

    def __init__(self) -> None:
        super().__init__(NAME)
        rate = self.declare_parameter("rate", 0.0).value or None
        self._drive = drive(self.declare_parameter("drive", "synthetic").value, rate=rate)
        self._frames = self.declare_parameter("frames", 0).value or len(self._drive)
        self._patience = self.declare_parameter("patience", 120.0).value
        self._images = self.create_publisher(Image, "image", RELIABLE)
        self._infos = self.create_publisher(CameraInfo, "camera_info", RELIABLE)
        self._reset = self.create_client(Trigger, "dvsnet/reset")
        self._answered = Header()
        self.create_subscription(Header, RECORDED, self._take_answer, RELIABLE)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)

    def play(self) -> None:
        """Play the drive from its first frame to its last.

        Raises:
            NoAnswerError: the node or the recorder does not answer.
            ValueError: the drive has no frame that can be read, or that is large enough.
        """
        played = itertools.islice(self._drive, self._frames)
        # Those that the node would leave unanswered are left out.
        frames = fitting_frames(played, self._drive.name, RegionGrid)
        last = next(frames, None)
        if last is None:
            raise DriveError(f"no frame of {self._drive.name} can be read")
        self._warm_up(last)
        spacing = Spacing(self._drive.rate)
        sent, header = time.monotonic(), self._send(last)
        for frame in frames:  # the next one is made while the node works on this one
            self._wait_for_answer(header)
            due = sent + spacing.between(last.stamp, frame.stamp)
            self._wait(lambda: False, due - time.monotonic())
            sent, header = time.monotonic(), self._send(frame)
            last = frame
        self._wait_for_answer(header)

    def _warm_up(self, frame: Frame) -> None:
        """Send a frame until its answer comes back, then let the node forget it.

        Publishers and subscribers find each other one by one, each seeing only its own side: an
        answer that came all the way round is the proof that none will be lost.
        """
        begin, pause = time.monotonic(), 1.0
        for attempt in itertools.count():
            header = self._send(replace(frame, stamp=attempt, frame_id=WARM_UP))
            if self._is_answered(header, pause):
                break
            if time.monotonic() - begin > self._patience:
                raise NoAnswerError(f"no answer to the first frame within {self._patience:g} s")
            pause *= 2
        request = self._reset.call_async(Trigger.Request())
        if not self._wait(request.done, self._patience):
            raise NoAnswerError(f"the service ~/reset did not answer within {self._patience:g} s")

    def _send(self, frame: Frame) -> Header:
        messages = frame_messages(frame)
        self._answered = Header()  # the answer before, in case that its frame had the same stamp
        self._infos.publish(messages.camera_info)
        self._images.publish(messages.image)
        return messages.header

    def _wait_for_answer(self, header: Header) -> None:
        if not self._is_answered(header, self._patience):
            stamp = header.stamp.sec + header.stamp.nanosec / NANOSECONDS
            raise NoAnswerError(
                f"the frame of {stamp:.3f} s was not answered within {self._patience:g} s"
            )

    def _is_answered(self, header: Header, seconds: float) -> bool:
        return self._wait(lambda: self._answered == header, seconds)

    def _take_answer(self, header: Header) -> None:
        self._answered = header

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Serve the topics until the condition holds or time is up; say whether it held."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._executor.spin_once(timeout_sec=left)
        return True


def main() -> int:
    """Play; returns 0 when the last frame is recorded, else says why not."""
    rclpy.init()
    try:
        DemoPlayer().play()
    except (ValueError, NoAnswerError) as error:
        print(error, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 1
    finally:
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
