"""The schedule: what turns expected confidence scores into paths.

Source: section 3.3 of the DVSNet paper and `inference.py` of the original (`--target`,
`--dynamic`).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

MODES = ("fixed", "dynamic")


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

    def next_target(self, target: float, path: Path) -> float:
        """A region's target for the next frame, after it took `path` under `target`."""
        ...


@dataclass(frozen=True)
class Schedule:
    """A target for the expected confidence score, fixed or moving with each decision.

    Attributes:
        mode: `fixed`, or `dynamic`: a region's own target falls by `decrease` after each
            segmentation and rises by `increase` after each flow path.
        target: the score below which a region is segmented, 0-100; in dynamic mode, where every
            region starts.
        decrease: fall after a segmentation, 0-100 (the original: 1).
        increase: rise after a flow path, 0-100 (the original: 0.1).

    Raises:
        ValueError: if the mode is unknown or a number is out of its range.
    """

    mode: str = "fixed"
    target: float = 94.0
    decrease: float = 1.0
    increase: float = 0.1

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"the schedule is '{self.mode}'; it must be {' or '.join(MODES)}")
        for name in ("target", "decrease", "increase"):
            value = getattr(self, name)
            if not 0.0 <= value <= 100.0:
                raise ValueError(f"the schedule's {name} is {value}; it must be from 0 to 100")

    def path(self, score: float, target: float, key_age: int) -> Path:  # noqa: ARG002
        """The path of a region with this score, whatever its key frame's age.

        A score that is not a number is segmented.
        """
        return Path.FLOW if score >= target else Path.SEGMENTATION

    def next_target(self, target: float, path: Path) -> float:
        """A region's target for the next frame, after it took `path` under `target`.

        As in the original, a dynamic target is not held within 0-100.
        """
        if self.mode == "fixed":
            return self.target
        return target - self.decrease if path is Path.SEGMENTATION else target + self.increase
