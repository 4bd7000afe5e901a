"""Cues are handed over when they are due, by a clock that the test turns."""

import time
from collections.abc import Iterator

import pytest

from dvsnet_ros.drives.cues import Cue
from dvsnet_ros.drives.pacing import Pacer, Punctuality, SteadyClock, Ticks

MS = 1_000_000
BEGIN = 5_000 * MS


class TestClock:
    """A clock that goes on when somebody sleeps, or when the test says so."""

    __test__ = False

    def __init__(self) -> None:
        self.time = BEGIN

    def now(self) -> int:
        return self.time

    def sleep_until(self, moment: int) -> None:
        self.time = max(self.time, moment)

    def work(self, milliseconds: float) -> None:
        self.time += round(milliseconds * MS)


def cue(time: float, stamp: float | None = None) -> Cue[None]:
    """A cue at so many milliseconds; stamps begin at 1000 ms."""
    stamp = 1000 + time if stamp is None else stamp
    return Cue(round(time * MS), round(stamp * MS), round(time * MS), 0, None)


def paced(
    clock: TestClock,
    punctuality: Punctuality,
    times: list[float],
    work: dict[float, float] | None = None,
    rate: float = 1.0,
) -> list[float]:
    """When the cues of these times came, in ms; after some, the clock goes on by some work."""
    came = []
    pacer = Pacer(punctuality, rate=rate, clock=clock)
    for given in pacer.pace([cue(moment) for moment in times]):
        came.append((clock.now() - BEGIN) / MS)
        clock.work((work or {}).get(given.time / MS, 0.0))
    return came


def test_each_comes_at_its_time() -> None:
    punctuality = Punctuality()
    assert paced(TestClock(), punctuality, [0, 40, 100, 100]) == [0, 40, 100, 100]
    assert punctuality == Punctuality(count=4)


@pytest.mark.parametrize(("rate", "came"), [(2.0, [0, 20, 50]), (0.5, [0, 80, 200])])
def test_the_rate_is_a_factor_of_speed(rate: float, came: list[float]) -> None:
    assert paced(TestClock(), Punctuality(), [0, 40, 100], rate=rate) == came


def test_work_between_does_not_add_up() -> None:
    times = [66.6 * index for index in range(900)]
    clock, punctuality = TestClock(), Punctuality()
    came = paced(clock, punctuality, times, work=dict.fromkeys(times, 60.0))
    assert came == pytest.approx(times, abs=1e-6)
    assert punctuality == Punctuality(count=900)


def test_what_is_late_is_counted_and_delays_nothing_after_it() -> None:
    punctuality = Punctuality()
    came = paced(TestClock(), punctuality, [0, 40, 80, 120, 160], work={40: 60.0, 120: 41.0})
    assert came == [0, 40, 100, 120, 161]
    assert punctuality == Punctuality(count=5, late=1, last=1 * MS, worst=20 * MS)


def test_nothing_is_left_out_where_all_is_late() -> None:
    punctuality = Punctuality()
    times = [10.0 * index for index in range(5)]
    assert paced(TestClock(), punctuality, times, work=dict.fromkeys(times, 25.0)) == [
        0, 25, 50, 75, 100,
    ]  # fmt: skip
    assert punctuality == Punctuality(count=5, late=4, last=60 * MS, worst=60 * MS)


def ticked(
    clock: TestClock, cues: Iterator[Cue[None]] | list[Cue[None]], hertz: float, rate: float = 1.0
) -> list[tuple[float, float]]:
    """When the ticks came, in ms, and the drive's times that they told, in ms."""
    told: list[tuple[float, float]] = []

    def tell(stamp: int) -> None:
        told.append(((clock.now() - BEGIN) / MS, stamp / MS))

    for _ in Pacer(Punctuality(), rate=rate, ticks=Ticks(hertz, tell), clock=clock).pace(cues):
        pass
    return told


def test_the_time_is_told_between_cues_and_with_each() -> None:
    assert ticked(TestClock(), [cue(0), cue(50), cue(60)], hertz=50) == [
        (0, 1000), (20, 1020), (40, 1040), (50, 1050), (60, 1060),
    ]  # fmt: skip


def test_told_time_goes_at_the_rate_and_ticks_do_not() -> None:
    assert ticked(TestClock(), [cue(0), cue(100)], hertz=50, rate=2.0) == [
        (0, 1000), (20, 1040), (40, 1080), (50, 1100),
    ]  # fmt: skip


def test_told_time_stands_still_until_the_next_cue_is_there() -> None:
    clock = TestClock()

    def slow() -> Iterator[Cue[None]]:
        yield cue(0)
        clock.work(90)
        yield cue(40)
        clock.work(3)
        yield cue(120)

    assert ticked(clock, slow(), hertz=50) == [(0, 1000), (90, 1040), (110, 1110), (120, 1120)]


def test_told_time_jumps_back_with_a_new_round() -> None:
    assert ticked(TestClock(), [cue(0), cue(30), cue(60, stamp=1000)], hertz=50) == [
        (0, 1000), (20, 1020), (30, 1030), (50, 1050), (60, 1000),
    ]  # fmt: skip


def test_the_steady_clock_never_wakes_early() -> None:
    clock = SteadyClock()
    before = time.monotonic_ns()
    clock.sleep_until(before + 5 * MS)
    assert clock.now() >= before + 5 * MS
    clock.sleep_until(before)  # past: at once
