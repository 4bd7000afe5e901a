"""Which earlier frames of a drive may be the key frame of a frame, when pairs are made of it."""

from __future__ import annotations

from dataclasses import dataclass

NANOSECONDS = 1_000_000_000  # of drives/frame.py, which would load OpenCV for every `dvsnet --help`


@dataclass(frozen=True)
class KeyReach:
    """How far back key frames may lie.

    Attributes:
        frames: at most this many frames before.
        seconds: and at most this long before, by the stamps; 0 is no limit. It keeps frames apart
            that only stand side by side: recordings at 1 Hz, or a drive of several recordings.

    Raises:
        ValueError: if no frame lies within.
    """

    frames: int = 10
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"--max-distance is {self.frames}; it must be at least 1")
        if not self.seconds >= 0.0:
            raise ValueError(f"--max-seconds is {self.seconds}; it must be 0 (no limit) or more")

    def holds(self, key_stamp: int, stamp: int) -> bool:
        """Whether a key frame is near enough in time; stamps in nanoseconds."""
        return not self.seconds or 0 <= stamp - key_stamp <= self.seconds * NANOSECONDS
