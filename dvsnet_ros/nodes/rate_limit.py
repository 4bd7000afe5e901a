"""Which images of a stream are answered, where not all are to be."""

from __future__ import annotations

import math


class RateLimit:
    """Admits so many images a second at most; times are seconds of one steady clock."""

    def __init__(self) -> None:
        self._due = -math.inf

    def admits(self, time: float, rate: float) -> bool:
        """Whether an image that came at `time` is to be answered; a rate of 0 admits all.

        The next one is due a period after this one was, so that the mean rate is kept although
        images don't come when they are due; but no earlier than half a period after it came. The
        rate may be another one each time.
        """
        if rate <= 0.0:
            self._due = -math.inf
            return True
        period = 1.0 / rate
        self._due = min(self._due, time + period)  # where the rate was lower before
        if time < self._due:
            return False
        self._due = max(self._due, time - period / 2) + period
        return True
