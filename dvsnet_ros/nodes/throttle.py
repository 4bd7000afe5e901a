"""Says a kind of thing at once, then at most once in a while, with the number left unsaid."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Final

PERIOD: Final = 5.0
"""Seconds between two log lines of the same kind."""


class Throttle:
    """Lets one line of each kind through every `PERIOD` seconds; for any number of threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[Hashable, float] = {}
        self._unsaid: dict[Hashable, int] = {}

    def line(self, kind: Hashable, sentence: str) -> str | None:
        """The line to log, or None where one of its kind was logged just before."""
        with self._lock:
            now = self._clock()
            if now - self._last.get(kind, -PERIOD) < PERIOD:
                self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
                return None
            self._last[kind] = now
            unsaid = self._unsaid.pop(kind, 0)
        return f"{sentence} (and {unsaid} more like it since)" if unsaid else sentence
