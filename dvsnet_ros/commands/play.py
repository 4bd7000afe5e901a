"""``dvsnet play``: publish a drive over ROS, as fast as it was recorded."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tqdm import tqdm

from dvsnet_ros.commands.flags import INTERRUPTED, number_between
from dvsnet_ros.drives import KINDS_OF_DRIVES, Drive, DriveError, Frame, drive
from dvsnet_ros.drives.cues import Cue, Section, cues
from dvsnet_ros.drives.frame import NANOSECONDS
from dvsnet_ros.drives.pacing import TOLERANCE, Pacer, Punctuality, Ticks
from dvsnet_ros.drives.read_ahead import ReadAhead
from dvsnet_ros.drives.topics import DEFAULT_TOPIC
from dvsnet_ros.nodes.drive_player import RELIABILITIES, TopicError, drive_player
from dvsnet_ros.nodes.frame_messages import FrameMessages, frame_messages
from dvsnet_ros.nodes.messages import time_message
from dvsnet_ros.nodes.starting import StartError
from dvsnet_ros.nodes.throttle import Throttle

WRONG_INPUT: Final = 2

CLOCK_RATE: Final = 40.0
"""How often /clock is published a second, as `ros2 bag play` does."""

DEPTH: Final = 8
"""Frames that are read ahead."""

MILLISECOND: Final = NANOSECONDS // 1000

BEHIND: Final = 100 * MILLISECOND
"""Nanoseconds of lateness that are worth a line while playing."""

SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which the thread that reads ahead lets go of the interpreter; Python's own 5 ms
would make frames late."""


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet play",
        description="Publishes a drive over ROS at the recorded rate, with its stamps and frame "
        "id: images, and the camera's info beside them. A machine that can't keep up publishes "
        "late and leaves nothing out; at the end, or after Ctrl-C, the command says how well time "
        "was kept.",
        epilog="example: dvsnet play street.mp4 --topic /camera/image_raw --loop --clock",
    )
    flags.add_argument("drive", metavar="DRIVE", help=KINDS_OF_DRIVES)
    flags.add_argument(
        "--topic",
        default=DEFAULT_TOPIC,
        help="of the images; camera_info is beside it (default: %(default)s)",
    )
    flags.add_argument(
        "--compressed", action="store_true", help="publish JPEGs, on the topic TOPIC/compressed"
    )
    flags.add_argument(
        "--qos",
        choices=RELIABILITIES,
        default="reliable",
        help="reliable: what gets lost is sent again, any subscriber matches; best_effort: as "
        "cameras do, ROS's sensor_data profile (default: %(default)s)",
    )
    flags.add_argument(
        "-r", "--rate", type=number_between(0.001, 1000), default=1.0, metavar="FACTOR",
        help="of speed: 0.5 is half as fast as recorded (default: 1)",
    )  # fmt: skip
    flags.add_argument(
        "-l", "--loop", action="store_true",
        help="begin anew at the end, until Ctrl-C; recorded stamps jump back then",
    )  # fmt: skip
    flags.add_argument(
        "--start", type=number_between(0, 1e9), default=0.0, metavar="S",
        help="begin so many seconds into the drive",
    )  # fmt: skip
    flags.add_argument(
        "--duration", type=number_between(0.001, 1e9), default=math.inf, metavar="S",
        help="play so many seconds of the drive (default: to its end)",
    )  # fmt: skip
    flags.add_argument(
        "--clock", type=number_between(0.1, 1000), nargs="?", const=CLOCK_RATE, metavar="HZ",
        help=f"publish the drive's time on /clock, so often a second ({CLOCK_RATE:g}) and with "
        "every frame, for nodes with use_sim_time",
    )  # fmt: skip
    flags.add_argument(
        "--stamp",
        choices=("recorded", "now"),
        default="recorded",
        help="now: stamp the frames with the time of their publishing (default: %(default)s)",
    )
    flags.add_argument(
        "--frame-rate", type=number_between(0.001, 1000), metavar="HZ",
        help="frames a second, in place of the drive's own stamps",
    )  # fmt: skip
    flags.add_argument(
        "--wait-for-subscribers", action="store_true",
        help="begin when somebody subscribes to the images; otherwise those who come late miss "
        "the first frames",
    )  # fmt: skip
    return flags


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    flags = parser()
    options = flags.parse_args(arguments)
    if options.clock and options.stamp == "now":
        flags.error("--clock tells the drive's own time, which --stamp now does away with")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.setswitchinterval(SWITCH_INTERVAL)
    punctuality = Punctuality()
    try:
        _play(drive(options.drive, rate=options.frame_rate), options, punctuality)
    except (DriveError, TopicError, StartError) as error:
        print(f"dvsnet play: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # launch sends a second one
        print(f"dvsnet play: interrupted; {_account(punctuality)}", file=sys.stderr)
        return INTERRUPTED
    print(_account(punctuality))
    return 0


def _play(frames: Drive, options: argparse.Namespace, punctuality: Punctuality) -> None:
    section = Section(options.start, options.duration)
    messages = (
        cue.carrying(_messages(cue.content, options))
        for cue in cues(frames, section, loop=options.loop)
    )
    with ReadAhead(messages, DEPTH) as ahead:
        ahead.fill()
        with (
            drive_player(
                options.topic, compressed=options.compressed, reliability=options.qos
            ) as player,
            _Progress(frames, section) as progress,
        ):
            ticks = Ticks(options.clock, player.clock()) if options.clock else None
            if options.wait_for_subscribers:
                progress.say(f"waiting for a subscriber of {player.topic}")
                player.wait_for_subscriber()
            for cue in Pacer(punctuality, rate=options.rate, ticks=ticks).pace(ahead):
                if options.stamp == "now":
                    cue.content.header.stamp = time_message(time.time_ns())
                player.publish(cue.content)
                progress.show(cue, punctuality.last)


def _messages(frame: Frame, options: argparse.Namespace) -> FrameMessages:
    """A frame's messages; those that are stamped when they are published need no stamp before."""
    if options.stamp == "now":
        frame = replace(frame, stamp=0)
    return frame_messages(frame, compressed=options.compressed)


class _Progress:
    """The bar, with the time in the drive, and a line now and then where time isn't kept."""

    def __init__(self, frames: Drive, section: Section) -> None:
        self._name = frames.name
        self._round = 0
        self._total = section.count(len(frames), frames.rate)
        self._throttle = Throttle(time.monotonic)
        self._bar = tqdm(
            total=self._total, desc=self._name, unit="frame", dynamic_ncols=True, disable=None
        )

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def say(self, sentence: str) -> None:
        """Write a line above the bar."""
        self._bar.write(f"dvsnet play: {sentence}", file=sys.stderr)

    def show(self, cue: Cue[FrameMessages], lateness: int) -> None:
        """Show that a frame was published, and how late."""
        if cue.round != self._round:
            self._round = cue.round
            self._bar.reset(self._total)
            self._bar.set_description(f"{self._name}, round {cue.round + 1}", refresh=False)
        self._bar.set_postfix_str(f"{cue.place / NANOSECONDS:.1f} s", refresh=False)
        self._bar.update()
        if lateness > BEHIND:
            sentence = f"{lateness / NANOSECONDS:.1f} s behind; frames come late, none is left out"
            line = self._throttle.line("behind", sentence)
            if line:
                self.say(line)


def _account(punctuality: Punctuality) -> str:
    """What was played, and how well time was kept."""
    count, late = punctuality.count, punctuality.late
    tolerance, worst = TOLERANCE / MILLISECOND, punctuality.worst / MILLISECOND
    if not count:
        return "no frame was played"
    if not late:
        return f"{count} frames, each within {tolerance:g} ms of its time (the latest: {worst:.2f})"
    return (
        f"{count} frames, {late} of them more than {tolerance:g} ms late, the latest by "
        f"{worst:.1f} ms; none was left out"
    )
