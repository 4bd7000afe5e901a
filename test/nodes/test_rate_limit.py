"""Which images of a stream are answered."""

import pytest

from dvsnet_ros.nodes.rate_limit import RateLimit


def admitted(rate: float, times: list[float]) -> list[float]:
    limit = RateLimit()
    return [time for time in times if limit.admits(time, rate)]


def test_every_image_is_answered_without_a_rate() -> None:
    assert admitted(0.0, [1.0, 1.0, 1.1]) == [1.0, 1.0, 1.1]


@pytest.mark.parametrize(("rate", "count"), [(5.0, 50), (7.0, 70), (20.0, 200), (40.0, 300)])
def test_the_mean_rate_is_kept_whatever_the_cameras_is(rate: float, count: int) -> None:
    times = [index / 30 for index in range(300)]
    assert len(admitted(rate, times)) == pytest.approx(count, abs=1)


def test_a_camera_of_that_very_rate_is_followed() -> None:
    late = [0.005, 0.0, 0.003, 0.001]
    times = [index / 10 + late[index % 4] for index in range(100)]
    assert len(admitted(10.0, times)) >= 98


def test_nothing_is_made_up_for_after_a_pause() -> None:
    assert admitted(1.0, [0.0, 100.0, 100.1, 100.2, 101.0]) == [0.0, 100.0, 101.0]


def test_a_higher_rate_counts_from_the_next_image_on() -> None:
    limit = RateLimit()
    assert limit.admits(0.0, 0.01)
    assert not limit.admits(20.0, 0.01)
    assert not limit.admits(20.1, 5.0)
    assert limit.admits(20.4, 5.0)
    assert limit.admits(20.41, 0.0)


def test_a_rate_after_none_counts_from_its_first_image_on() -> None:
    limit = RateLimit()
    assert limit.admits(0.0, 0.01)
    assert limit.admits(1.0, 0.0)
    assert limit.admits(1.1, 5.0)
    assert not limit.admits(1.15, 5.0)
