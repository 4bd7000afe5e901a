"""The schedule: what turns expected confidence scores into paths.

Source: section 3.3 of the DVSNet paper and `inference.py` of the original (`--target`,
`--dynamic`). The rising mode is our own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

MODES = ("fixed", "dynamic", "rising")


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

    Raises:
        ValueError: if the mode is unknown or a number is out of its range.
    """

    mode: str
    target: float
    decrease: float = 1.0
    increase: float = 0.1
    share: float = 0.05

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"the schedule is '{self.mode}'; it must be one of {', '.join(MODES)}")
        limits = {"target": 100.0, "decrease": 100.0, "increase": 100.0, "share": 1.0}
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


DEFAULT_MAX_GAP = 10.0
"""Seconds between the stamps of two frames over which key frames are forgotten, where nothing else
is said."""

NEARLY_ALL = 0.9
"""Share of regions on the segmentation path over which the flow path saves next to nothing."""

DEFAULT_SCHEDULE = Schedule("rising", 95.1)
"""What is used where nothing else is said: of the shipped weights, on CamVid's drive, it segments
18 % of the regions (docs/model_card.md)."""
