"""When the frames of a drive come, if the drive or a part of it is played, once or in rounds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from dvsnet_ros.drives.frame import NANOSECONDS, Drive, DriveError, Frame

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True)
class Cue(Generic[T]):
    """Something that is due at a time of the playback.

    Attributes:
        time: nanoseconds since the first cue, at the recorded speed; it never falls.
        stamp: nanoseconds, as recorded; it jumps back where a new round begins.
        place: nanoseconds since the drive's first frame.
        round: 0 in the first pass over the drive, 1 in the second.
        content: what is due.
    """

    time: int
    stamp: int
    place: int
    round: int
    content: T

    def carrying(self, content: S) -> Cue[S]:
        """The same cue for something else."""
        return Cue(self.time, self.stamp, self.place, self.round, content)


@dataclass(frozen=True)
class Section:
    """The part of a drive that is played.

    Attributes:
        start: seconds after the drive's first frame.
        duration: seconds.
    """

    start: float = 0.0
    duration: float = math.inf

    @property
    def bounds(self) -> tuple[int, float]:
        """Nanoseconds after the drive's first frame: of the first played, of the first that isn't.

        The second may be infinite.
        """
        first = round(self.start * NANOSECONDS)
        is_endless = math.isinf(self.duration)
        return first, math.inf if is_endless else first + round(self.duration * NANOSECONDS)

    def count(self, length: int, rate: float) -> int:
        """How many of so many frames at a steady rate it has."""
        first, end = self.bounds
        return sum(first <= round(index * NANOSECONDS / rate) < end for index in range(length))


def cues(drive: Drive, section: Section, *, loop: bool = False) -> Iterator[Cue[Frame]]:
    """The frames of a drive's section with the time that each is due.

    A frame whose stamp is not after the one before comes together with it. In a loop, the stamps
    start anew with each round, one frame's time after the last frame.

    Raises:
        DriveError: there is no frame in the section.
    """
    gap = round(NANOSECONDS / drive.rate)
    begin = 0
    for number in itertools.count() if loop else (0,):
        time = -1
        for time, place, frame in _one_round(drive, section):
            yield Cue(begin + time, frame.stamp, place, number, frame)
        if time < 0:
            raise DriveError(_nothing_there(drive, section))
        begin += time + gap


def _one_round(drive: Drive, section: Section) -> Iterator[tuple[int, int, Frame]]:
    """Each frame, with its time since the first that is played, and since the drive's first."""
    first, end = section.bounds
    first_place: int | None = None
    place, last_stamp = 0, None
    for frame in drive:
        if last_stamp is not None:
            place += max(0, frame.stamp - last_stamp)
        last_stamp = frame.stamp
        if place >= end:
            return
        if place >= first:
            first_place = place if first_place is None else first_place
            yield place - first_place, place, frame


def _nothing_there(drive: Drive, section: Section) -> str:
    if section == Section():
        return f"no frame of {drive.name} can be read"
    end = "on" if math.isinf(section.duration) else f"to {section.start + section.duration:g} s"
    return (
        f"{drive.name} has no frame that can be read from {section.start:g} s {end}; it has "
        f"{len(drive)} frames, which last about {len(drive) / drive.rate:.1f} s"
    )
