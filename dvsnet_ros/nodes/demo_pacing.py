"""How fast ``dvsnet demo`` plays a drive."""

from __future__ import annotations

from typing import Final

from dvsnet_ros.core.schedule import DEFAULT_MAX_GAP
from dvsnet_ros.nodes.messages import NANOSECONDS

LONGEST_STEP: Final = DEFAULT_MAX_GAP
"""Seconds between two frames over which the node forgets its key frames: the drive was elsewhere,
and nobody wants to wait."""

LONGEST_GUESS: Final = 1.0


class Spacing:
    """The time between frames: that of their stamps, but where these jump.

    Args:
        rate: of the drive, in frames a second.
    """

    def __init__(self, rate: float) -> None:
        self._usual = min(1 / rate, LONGEST_GUESS)

    def between(self, stamp: int, next_stamp: int) -> float:
        """Seconds, more than 0, from a frame to the next one, whose stamps are in nanoseconds.

        Where stamps do not rise, or by more than LONGEST_STEP, it is as long as the time before.
        """
        seconds = (next_stamp - stamp) / NANOSECONDS
        if 0 < seconds <= LONGEST_STEP:
            self._usual = seconds
        return self._usual
