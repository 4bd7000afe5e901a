"""Which target to choose: the cheapest that is good enough, or the best that is fast enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.evaluation.sweep import Outcome


@dataclass(frozen=True)
class Wish:
    """What a target is chosen by; one of the two.

    Attributes:
        agreement: with per-frame segmentation at least, 0-1.
        fps: frames a second at least.

    Raises:
        ValueError: if the number is out of range.
    """

    agreement: float | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.agreement is not None and not 0.0 < self.agreement <= 1.0:
            raise ValueError(
                f"--agreement is {self.agreement:g}; it is a share, more than 0 and at most 1"
            )
        if self.fps is not None and not 0.0 < self.fps < float("inf"):
            raise ValueError(f"--fps is {self.fps:g}; it must be more than 0 frames a second")

    def __str__(self) -> str:
        if self.fps is not None:
            return f"at least {self.fps:g} frames/s"
        return f"at least {100 * (self.agreement or 0.0):g} % agreement"


@dataclass(frozen=True)
class Recommendation:
    """A setting, and whether it does what was wished."""

    outcome: Outcome
    fulfils: bool


def recommend(
    outcomes: Sequence[Outcome], wish: Wish, frame_seconds: NDArray[np.float64]
) -> Recommendation:
    """The best of those that fulfil the wish; if none does, the one that comes closest.

    Args:
        outcomes: to choose from, at least one.
        wish: what must be.
        frame_seconds: how long a frame takes, by its segmented regions.
    """

    def fps(outcome: Outcome) -> float:
        return outcome.frames_per_second(frame_seconds)

    if wish.fps is not None:
        fast = [outcome for outcome in outcomes if fps(outcome) >= wish.fps]
        if not fast:
            return Recommendation(max(outcomes, key=fps), False)
        return Recommendation(max(fast, key=lambda outcome: outcome.agreement), True)
    good = [outcome for outcome in outcomes if outcome.agreement >= (wish.agreement or 0.0)]
    if not good:
        return Recommendation(max(outcomes, key=lambda outcome: outcome.agreement), False)
    return Recommendation(min(good, key=lambda outcome: outcome.share), True)
