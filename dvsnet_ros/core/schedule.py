"""The schedule: what turns expected confidence scores into paths.

Source: section 3.3 of the DVSNet paper and `inference.py` of the original (`--target`,
`--dynamic`). The rising mode and the largest share are our own.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MODES = ("fixed", "dynamic", "rising")

ROUNDING = 1e-6
"""Of a region; by less than that, sums of shares are off."""

KEPT = 1.0 - 2.0 * ROUNDING
"""Regions that a credit keeps at most, less than one."""


class Path(enum.IntEnum):
    """The way by which a region gets its labels; values as in the message PathDecision."""

    SEGMENTATION = 0
    FLOW = 1

    @property
    def label(self) -> str:
        """The word used in files and pictures: `segmentation` or `flow`."""
        return self.name.lower()


class Scheduling(Protocol):
    """What the video segmenter asks of its schedule."""

    @property
    def mode(self) -> str:
        """What it is called."""
        ...

    @property
    def target(self) -> float:
        """Where every region's target starts."""
        ...

    @property
    def max_share(self) -> float:
        """The largest share of the regions on the segmentation path, 0-1; 1 is no limit."""
        ...

    def path(self, score: float, target: float, key_age: int) -> Path:
        """The path of a region.

        Args:
            score: its expected confidence score.
            target: its own, at this frame.
            key_age: frames since its key frame, 1 or more.
        """
        ...

    def next_target(self, target: float, path: Path, score: float) -> float:
        """A region's target for the next frame, after it took `path` under `target`.

        Args:
            target: its own, at this frame.
            path: the one it took.
            score: its expected confidence score at this frame.
        """
        ...


@dataclass(frozen=True)
class Schedule:
    """A target for the expected confidence score, and how it moves.

    The rising mode is for drives on which some regions lose much with every frame, whatever the
    age of their key frame: each segmentation serves one frame there, and a fixed target spends
    them all on these regions. A target that rises with what a region has lost since its key frame
    gives every region its turn, the sooner the more it loses, and none stays unsegmented for ever.

    Where targets ask for more segmentation than there is time for, as on a camera unlike the
    training's, the largest share goes to the regions that lack the most (`within_share`).

    Attributes:
        mode: `fixed`; `dynamic`: a region's own target falls by `decrease` after each segmentation
            and rises by `increase` after each flow path; or `rising`: after each flow path it rises
            by `share` of what the score lacks of 100, and a segmentation takes it back to where it
            started.
        target: the score below which a region is segmented, 0-100; in the modes in which it moves,
            where every region starts.
        decrease: fall after a segmentation, 0-100 (the original: 1).
        increase: rise after a flow path, 0-100 (the original: 0.1).
        share: 0-1; 0 is a fixed target.
        max_share: largest share of the regions, 0-1, on the segmentation path; 1 is no limit.

    Raises:
        ValueError: if the mode is unknown or a number is out of its range.
    """

    mode: str
    target: float
    decrease: float = 1.0
    increase: float = 0.1
    share: float = 0.05
    max_share: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"the schedule is '{self.mode}'; it must be one of {', '.join(MODES)}")
        points = dict.fromkeys(("target", "decrease", "increase"), 100.0)
        limits = {**points, "share": 1.0, "max_share": 1.0}
        for name, limit in limits.items():
            value = getattr(self, name)
            if not 0.0 <= value <= limit:
                raise ValueError(
                    f"the schedule's {name} is {value}; it must be from 0 to {limit:g}"
                )

    def path(self, score: float, target: float, key_age: int) -> Path:  # noqa: ARG002
        """The path of a region with this score, whatever its key frame's age.

        A score that is not a number is segmented.
        """
        return Path.FLOW if score >= target else Path.SEGMENTATION

    def next_target(self, target: float, path: Path, score: float) -> float:
        """A region's target for the next frame, after it took `path` under `target`.

        As in the original, a target that moves is not held within 0-100.
        """
        segmented = path is Path.SEGMENTATION
        if self.mode == "dynamic":
            return target - self.decrease if segmented else target + self.increase
        if self.mode == "rising" and not segmented:
            return target + self.share * max(0.0, 100.0 - score)
        return self.target


def within_share(
    paths: Sequence[Path], lacks: Sequence[float], max_share: float, credit: float
) -> tuple[list[Path], float]:
    """The paths of a frame's regions where at most a share of them may be segmented.

    Each frame adds that share to the credit, in regions, and takes off what it segments. Of what is
    not used, less than one region is kept: so no frame segments more than the share's regions,
    rounded up, and quiet frames bring no burst after them.

    Args:
        paths: of all regions, as the schedule wants them.
        lacks: what each region's score lacks of its target; those that lack the most are segmented,
            and before them those whose score is no number.
        max_share: the largest share of the regions, 0-1; 1 is no limit.
        credit: regions, kept from the frames before.

    Returns:
        The paths, and the credit that is kept for the next frame.
    """
    if max_share == 1.0:
        return list(paths), 0.0
    credit += max_share * len(paths)
    wanted = [region for region, path in enumerate(paths) if path is Path.SEGMENTATION]
    wanted.sort(key=lambda region: -math.inf if math.isnan(lacks[region]) else -lacks[region])
    chosen = wanted[: int(credit + ROUNDING)]
    limited = [Path.SEGMENTATION if r in chosen else Path.FLOW for r in range(len(paths))]
    return limited, min(credit - len(chosen), KEPT)


DEFAULT_MAX_GAP = 10.0
"""Seconds between the stamps of two frames over which key frames are forgotten, where nothing else
is said."""

NEARLY_ALL = 0.9
"""Share of regions on the segmentation path over which the flow path saves next to nothing."""

DEFAULT_SCHEDULE = Schedule("rising", 95.1)
"""What is used where nothing else is said: of the shipped weights, on CamVid's drive, it segments
18 % of the regions (docs/model_card.md)."""
