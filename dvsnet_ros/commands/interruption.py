"""Stopping long work between two steps instead of anywhere."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Interruption:
    """Whether somebody asked to stop."""

    asked: bool = False

    def check(self) -> None:
        """Stop here if so, where a stop costs nothing; raises KeyboardInterrupt."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Note Ctrl-C and SIGTERM instead of dying of them; a second one works as usual."""
    noted = Interruption()
    signals = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.getsignal(number) for number in signals}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(*_: object) -> None:
        noted.asked = True
        restore()

    for number in signals:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        restore()
