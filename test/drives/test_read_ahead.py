"""Reading ahead goes so far and no farther, passes errors on, and ends when it is left."""

import itertools
import threading
from collections.abc import Iterator

import pytest

from dvsnet_ros.drives.read_ahead import ReadAhead


def counted(made: list[int], end: int | None = None) -> Iterator[int]:
    for number in itertools.count():
        if number == end:
            return
        made.append(number)
        yield number


def broken_after(count: int) -> Iterator[int]:
    yield from range(count)
    raise ValueError("the source broke")


def test_everything_comes_in_order() -> None:
    with ReadAhead(range(100), depth=3) as ahead:
        assert list(ahead) == list(range(100))


def test_no_more_is_read_than_wanted() -> None:
    made: list[int] = []
    with ReadAhead(counted(made), depth=3) as ahead:
        ahead.fill()
        assert made == [0, 1, 2]
        items = iter(ahead)
        assert next(items) == 0
        ahead.fill()
        assert made == [0, 1, 2, 3]
    assert made == [0, 1, 2, 3]


def test_a_short_source_is_full_when_it_is_over() -> None:
    made: list[int] = []
    with ReadAhead(counted(made, end=2), depth=3) as ahead:
        ahead.fill()
        assert list(ahead) == [0, 1]


def test_the_thread_ends_with_the_block() -> None:
    before = threading.active_count()
    with ReadAhead(itertools.count(), depth=3):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_an_error_comes_after_what_was_read_before_it() -> None:
    with ReadAhead(broken_after(2), depth=3) as ahead:
        ahead.fill()
        items = iter(ahead)
        assert [next(items), next(items)] == [0, 1]
        with pytest.raises(ValueError, match="the source broke"):
            next(items)


def test_an_error_at_the_beginning_is_known_once_it_is_filled() -> None:
    with ReadAhead(broken_after(0), depth=3) as ahead, pytest.raises(ValueError, match="broke"):
        ahead.fill()
