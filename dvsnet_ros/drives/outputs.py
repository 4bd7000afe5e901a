"""What the name of an output says, and how such an output is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from dvsnet_ros.drives.answers import Answers, BagAnswers, Look, new_folder
from dvsnet_ros.drives.bag import BagDrive
from dvsnet_ros.drives.bag_reader import opened
from dvsnet_ros.drives.bag_writer import BagWriter, check_bag, is_bag, new_bag
from dvsnet_ros.drives.camera_recorder import CameraRecorder
from dvsnet_ros.drives.frame import Drive, DriveError, Frame
from dvsnet_ros.drives.mask_folder import kinds_in
from dvsnet_ros.drives.stamps import RATE_INSTEAD, check_stamp
from dvsnet_ros.drives.topics import ANSWERS, DECISIONS, CameraTopics

VIDEO_SUFFIXES: Final = frozenset((".mp4", ".mkv", ".mov"))

LONGEST_NAME: Final = 240
"""Bytes of an output's name: file systems take 255, and what is not whole yet has a longer one."""

NO_BAG: Final = "there can be a video or a folder of this drive, but no bag; give OUT another name"

Received: TypeAlias = tuple[Frame, int]
"""A frame, and when it was received (ns)."""


class Output(NamedTuple):
    """An output that is being made.

    Attributes:
        answers: takes the segmentations.
        frames: the drive's, each with when it was received (ns); in a bag, what came with a frame
            is written as it is taken.
    """

    answers: Answers
    frames: Iterator[Received]


def check_output(out: Path, storage: str) -> None:
    """Check what can be known before there is anything to write.

    Raises:
        ValueError: the name is too long or says no kind of output, or the storage does not go with
            it.
    """
    if len(os.fsencode(out.name)) > LONGEST_NAME:
        raise ValueError(
            f"'{out.name[:20]}…' is too long a name; give one of at most {LONGEST_NAME} bytes"
        )
    if is_bag(out):
        check_bag(out, storage)
    elif out.suffix and not _is_video(out):
        raise ValueError(
            f"'{out}' is neither a bag (.bag, .mcap) nor a video "
            f"({', '.join(sorted(VIDEO_SUFFIXES))}); for a folder, give a name without a dot"
        )
    if _is_video(out):
        import dvsnet_ros.drives.video_answers  # noqa: F401  # what it needs may not be there


def check_rate(out: Path, frames: Drive) -> None:
    """Check that this output can have as many frames a second as the drive; raises ValueError."""
    if _is_video(out):
        from dvsnet_ros.drives import video_answers

        advice = "give another (--rate 10, or DRIVE?rate=10), or a name that is no video's"
        video_answers.check_rate(frames.name, frames.rate, advice)


def check_frame(out: Path, frames: Drive, frame: Frame) -> None:
    """Check that this output can have this frame of the drive; raises DriveError."""
    if is_bag(out):
        is_copied = isinstance(frames, BagDrive)
        check_stamp(frame.stamp, NO_BAG if is_copied else RATE_INSTEAD)


def is_output(out: Path) -> bool:
    """Whether what is there looks like an output of `new_output` under this name.

    Raises:
        OSError: it can't be read.
    """
    if is_bag(out):
        return _has_answers(out)
    if _is_video(out):
        from dvsnet_ros.drives.video_answers import is_overlay

        return is_overlay(out)
    return out.is_dir() and kinds_in(out) == {"ids", "decisions"}


def _has_answers(out: Path) -> bool:
    try:
        with opened(out) as bag:
            return any(topic.name == DECISIONS for topic in bag.topics())
    except DriveError:
        return False


@contextmanager
def new_output(
    out: Path,
    frames: Drive,
    look: Look,
    storage: str,
    beside: Path,
    before_each: Callable[[], None],
) -> Iterator[Output]:
    """An output that appears under its name when the block ends without an error.

    Args:
        out: its name says what it is: a bag, a video, or a folder of PNGs.
        frames: the drive that is segmented.
        look: how segmentations are shown.
        storage: of a bag.
        beside: the folder to write in until it is whole, see `appears_whole`.
        before_each: called before each message that is copied, of which there may be many between
            two frames, and after the last.

    Raises:
        OSError: it can't be written.
    """
    if is_bag(out):
        with new_bag(out, storage, beside) as bag:
            yield Output(BagAnswers(bag, look), _recorded(frames, bag, before_each))
    elif _is_video(out):
        from dvsnet_ros.drives.video_answers import new_video

        with new_video(out, frames.rate, look, beside) as video:
            yield Output(video, _as_stamped(frames))
    else:
        with new_folder(out, beside) as folder:
            yield Output(folder, _as_stamped(frames))


def _as_stamped(frames: Drive) -> Iterator[Received]:
    return ((frame, frame.stamp) for frame in frames)


def _recorded(frames: Drive, bag: BagWriter, before_each: Callable[[], None]) -> Iterator[Received]:
    """The frames, each when the bag has what came before it and with it.

    The messages of a bag are copied, but for answers of an earlier run; what is no bag is recorded.
    """
    if isinstance(frames, BagDrive):
        for message, frame in frames.replay():
            before_each()
            if message.connection.topic not in ANSWERS:
                bag.copy(message.connection, message.time, message.data)
            if frame is not None:
                yield frame, message.time
        return
    recorder = CameraRecorder(bag, CameraTopics())
    for frame in frames:
        recorder.write(frame)
        yield frame, frame.stamp


def _is_video(out: Path) -> bool:
    return out.suffix.lower() in VIDEO_SUFFIXES
