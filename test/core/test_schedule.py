import math

import pytest

from dvsnet_ros.core.schedule import Path, Schedule, within_share


def test_a_score_below_the_target_is_segmented() -> None:
    schedule = Schedule("fixed", 90.0)
    assert schedule.path(89.999, 90.0, 1) is Path.SEGMENTATION
    assert schedule.path(90.0, 90.0, 1000) is Path.FLOW
    assert schedule.path(math.nan, 90.0, 1) is Path.SEGMENTATION


def test_a_fixed_target_stays() -> None:
    schedule = Schedule("fixed", 80.0)
    assert [schedule.next_target(80.0, path, 60.0) for path in Path] == [80.0, 80.0]


def test_a_dynamic_target_moves() -> None:
    schedule = Schedule("dynamic", 80.0, decrease=2.0, increase=0.5)
    assert schedule.next_target(80.0, Path.SEGMENTATION, 79.0) == 78.0
    assert schedule.next_target(80.0, Path.FLOW, 81.0) == 80.5


def test_a_rising_target_rises_by_what_a_region_loses() -> None:
    schedule = Schedule("rising", 80.0, share=0.25)
    assert schedule.next_target(80.0, Path.FLOW, 92.0) == 82.0
    assert schedule.next_target(82.0, Path.FLOW, 90.0) == 84.5
    assert schedule.next_target(84.5, Path.SEGMENTATION, 84.0) == 80.0
    # Scores may pass 100; a region gains no credit by it.
    assert schedule.next_target(80.0, Path.FLOW, 101.0) == 80.0


def test_under_a_rising_target_no_region_goes_unsegmented() -> None:
    rising, fixed = Schedule("rising", 80.0, share=0.2), Schedule("fixed", 80.0)
    assert [segmented_every(schedule, 90.0) for schedule in (rising, fixed)] == [7, None]
    assert [segmented_every(schedule, 70.0) for schedule in (rising, fixed)] == [1, 1]


def segmented_every(schedule: Schedule, score: float) -> int | None:
    """Frames from key frame to key frame of a region that always has this score."""
    target = schedule.target
    for age in range(1, 100):
        path = schedule.path(score, target, age)
        if path is Path.SEGMENTATION:
            return age
        target = schedule.next_target(target, path, score)
    return None


S, F = Path.SEGMENTATION, Path.FLOW


def test_of_those_that_want_it_those_that_lack_the_most_are_segmented() -> None:
    lacks = [3.0, 5.0, -2.0, 4.0]
    assert within_share([S, S, F, S], lacks, 0.25, 0.0) == ([F, S, F, F], 0.0)
    assert within_share([S, S, F, S], lacks, 0.5, 0.0) == ([F, S, F, S], 0.0)
    assert within_share([S, S, F, S], lacks, 1.0, 0.0) == ([S, S, F, S], 0.0)
    assert within_share([S, S, F, S], lacks, 0.0, 0.0) == ([F, F, F, F], 0.0)
    assert within_share([S, S, F, S], [3.0, 5.0, -2.0, math.nan], 0.25, 0.0)[0] == [F, F, F, S]


@pytest.mark.parametrize("regions", [1, 4, 6, 10])
@pytest.mark.parametrize("share", [0.0005, 0.01, 0.1, 0.25, 1 / 3, 0.34, 0.7, 0.99])
def test_a_share_is_used_up_and_no_frame_has_more_than_its_part(regions: int, share: float) -> None:
    credit, counts = 0.0, []
    for _ in range(3000):
        paths, credit = within_share([S] * regions, [1.0] * regions, share, credit)
        counts.append(paths.count(S))
    assert sum(counts) == pytest.approx(3000 * share * regions, abs=1.0)
    assert max(counts) == math.ceil(share * regions)


def test_quiet_frames_bring_no_burst() -> None:
    credit = 0.0
    for _ in range(100):
        paths, credit = within_share([F] * 4, [-1.0] * 4, 0.25, credit)
        assert paths == [F] * 4
    assert within_share([S] * 4, [1.0] * 4, 0.25, credit)[0].count(S) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"mode": "adaptive"}, "one of fixed, dynamic, rising"),
        ({"target": 100.1}, "target is 100.1; it must be from 0 to 100$"),
        ({"target": math.nan}, "target is nan"),
        ({"decrease": -1.0}, "decrease is -1"),
        ({"decrease": 100.1}, "decrease is 100.1; it must be from 0 to 100$"),
        ({"increase": 100.1}, "increase is 100.1; it must be from 0 to 100$"),
        ({"share": 1.1}, "share is 1.1; it must be from 0 to 1$"),
        ({"max_share": -0.1}, "max_share is -0.1; it must be from 0 to 1$"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Schedule(**{"mode": "fixed", "target": 90.0, **arguments})  # type: ignore[arg-type]


def test_the_ends_of_each_range_are_taken() -> None:
    Schedule("dynamic", 100.0, decrease=100.0, increase=100.0, share=1.0, max_share=1.0)
    Schedule("dynamic", 0.0, decrease=0.0, increase=0.0, share=0.0, max_share=0.0)
