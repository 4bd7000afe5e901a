"""Schedules that heed no score: what the decision network's choices are held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dvsnet_ros.core.schedule import Path


@dataclass(frozen=True)
class IntervalSchedule:
    """Every region is segmented in every `interval`-th frame; 1 is per-frame segmentation.

    Raises:
        ValueError: if the interval is less than 1.
    """

    interval: int
    mode: str = "interval"
    target: float = 0.0  # of no meaning here
    max_share: float = 1.0

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ValueError(f"a key-frame interval is {self.interval}; it must be 1 or more")

    def path(self, score: float, target: float, key_age: int) -> Path:  # noqa: ARG002
        """The path of a region whose key frame is of this age."""
        return Path.SEGMENTATION if key_age >= self.interval else Path.FLOW

    def next_target(self, target: float, path: Path, score: float) -> float:  # noqa: ARG002
        """The same."""
        return target


@dataclass(frozen=True)
class RepeatedSchedule:
    """Hands out paths in turn, region by region, and forgets nothing between frames.

    Attributes:
        paths: where they come from; one that never ends, such as an `itertools.cycle`.
    """

    paths: Iterator[Path]
    mode: str = "repeated"
    target: float = 0.0  # of no meaning here
    max_share: float = 1.0

    def path(self, score: float, target: float, key_age: int) -> Path:  # noqa: ARG002
        """The next path."""
        return next(self.paths)

    def next_target(self, target: float, path: Path, score: float) -> float:  # noqa: ARG002
        """The same."""
        return target
