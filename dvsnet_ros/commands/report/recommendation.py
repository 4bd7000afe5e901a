"""Which target to choose: the cheapest that is good enough, or the best that is fast enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.schedule import NEARLY_ALL
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
    """A setting, whether it does what was wished, and what is to be said against it."""

    outcome: Outcome
    fulfils: bool
    caveat: str = ""


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
    if good:
        best = min(good, key=lambda outcome: outcome.share)
    else:
        best = max(outcomes, key=lambda outcome: outcome.agreement)
    return Recommendation(best, bool(good), _caveat(best, outcomes))


def _caveat(best: Outcome, outcomes: Sequence[Outcome]) -> str:
    """What a wished agreement costs, if that is nearly all, and what there is instead."""
    if best.share <= NEARLY_ALL:
        return ""
    cheaper = [outcome for outcome in outcomes if outcome.share <= NEARLY_ALL]
    if not cheaper:
        return "it segments nearly all regions and saves next to nothing, as all targets tried do"
    other = max(cheaper, key=lambda outcome: outcome.agreement)
    return (
        "it segments nearly all regions and saves next to nothing; of the targets that do save, "
        f"{other.setting.value:.6g} agrees best: {100 * other.agreement:.2f} % at "
        f"{100 * other.share:.1f} % of the regions"
    )
