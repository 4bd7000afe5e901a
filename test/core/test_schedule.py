import math

import pytest

from dvsnet_ros.core.schedule import Path, Schedule


def test_a_score_below_the_target_is_segmented() -> None:
    schedule = Schedule(target=90.0)
    assert schedule.path(89.999, 90.0, 1) is Path.SEGMENTATION
    assert schedule.path(90.0, 90.0, 1000) is Path.FLOW
    assert schedule.path(math.nan, 90.0, 1) is Path.SEGMENTATION


def test_a_fixed_target_stays() -> None:
    schedule = Schedule("fixed", 80.0)
    assert [schedule.next_target(80.0, path) for path in Path] == [80.0, 80.0]


def test_a_dynamic_target_moves() -> None:
    schedule = Schedule("dynamic", 80.0, decrease=2.0, increase=0.5)
    assert schedule.next_target(80.0, Path.SEGMENTATION) == 78.0
    assert schedule.next_target(80.0, Path.FLOW) == 80.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"mode": "adaptive"}, "fixed or dynamic"),
        ({"target": 101.0}, "target is 101"),
        ({"target": math.nan}, "target is nan"),
        ({"decrease": -1.0}, "decrease is -1"),
        ({"increase": 1000.0}, "increase is 1000"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Schedule(**arguments)  # type: ignore[arg-type]
