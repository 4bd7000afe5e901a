"""Handing things over when they are due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from dvsnet_ros.drives.cues import Cue
from dvsnet_ros.drives.frame import NANOSECONDS

TOLERANCE: Final = 2_000_000
"""Nanoseconds by which something may be late and still counts as punctual."""

LONGEST_SLEEP: Final = 3600.0
"""Seconds to sleep at a time; the system's own limit is reached by stamps that jump far."""

T = TypeVar("T")


class Clock(Protocol):
    """A clock that goes on at one speed; times are nanoseconds."""

    def now(self) -> int:
        """The time."""
        ...

    def sleep_until(self, moment: int) -> None:
        """Return at that time, at once where it is past."""
        ...


class SteadyClock:
    """The system's monotonic clock."""

    def now(self) -> int:
        """The time, from an arbitrary beginning."""
        return time.monotonic_ns()

    def sleep_until(self, moment: int) -> None:
        """Return at that time, at once where it is past."""
        while (left := moment - self.now()) > 0:
            time.sleep(min(left / NANOSECONDS, LONGEST_SLEEP))


@dataclass
class Punctuality:
    """How well the due times were kept.

    Attributes:
        count: how many things were handed over.
        late: how many of them came later than TOLERANCE.
        last: nanoseconds by which the last one came late.
        worst: nanoseconds by which the latest came late.
    """

    count: int = 0
    late: int = 0
    last: int = 0
    worst: int = 0

    def note(self, lateness: int) -> None:
        """Count one that came so many nanoseconds after it was due."""
        self.count += 1
        self.late += lateness > TOLERANCE
        self.last = lateness
        self.worst = max(self.worst, lateness)


@dataclass(frozen=True)
class Ticks:
    """Something that is told the drive's time again and again.

    Attributes:
        rate: how often a second at least, as time goes on outside the drive.
        tell: takes the drive's time, as a stamp.
    """

    rate: float
    tell: Callable[[int], None]


class Pacer:
    """Hands cues over at their times, and tells the drive's time between them.

    Due times are counted from the first cue and not from the one before: what comes late once
    delays nothing after it. Nothing is left out: what is overdue comes as soon as it is there.
    Ticks are left out where they are overdue.

    Args:
        punctuality: where it is noted how well the due times are kept.
        rate: factor of speed; 2 plays twice as fast as recorded.
        ticks: told the drive's time at their rate, and just before each cue its stamp. That time
            never runs ahead of the next cue's stamp, and stands still until that cue is there.
        clock: whose time counts.
    """

    def __init__(
        self,
        punctuality: Punctuality,
        *,
        rate: float = 1.0,
        ticks: Ticks | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._punctuality = punctuality
        self._rate = rate
        self._clock = SteadyClock() if clock is None else clock
        self._ticks = ticks
        self._next_tick = 0

    def pace(self, cues: Iterable[Cue[T]]) -> Iterator[Cue[T]]:
        """The cues, each when it is due; the first one is due at once."""
        begin: int | None = None
        last: Cue[T] | None = None
        for cue in cues:
            begin = self._clock.now() if begin is None else begin
            due = begin + round(cue.time / self._rate)
            if last is not None:
                self._tick_until(due, last, cue)
            self._clock.sleep_until(due)
            self._tell(cue.stamp)
            self._punctuality.note(self._clock.now() - due)
            yield cue
            last = cue

    def _tick_until(self, due: int, last: Cue[T], cue: Cue[T]) -> None:
        """Tell the time between two cues."""
        while self._ticks is not None and self._next_tick < due:
            self._clock.sleep_until(self._next_tick)
            now = self._clock.now()
            if now >= due:  # the cue is more urgent
                return
            self._tell(_time_between(last, cue, round((due - now) * self._rate)))

    def _tell(self, stamp: int) -> None:
        if self._ticks is not None:
            self._next_tick = self._clock.now() + round(NANOSECONDS / self._ticks.rate)
            self._ticks.tell(stamp)


def _time_between(last: Cue[T], cue: Cue[T], left: int) -> int:
    """The drive's time, that many nanoseconds of the drive before the cue."""
    return last.stamp + max(0, cue.time - last.time - left)
