"""The next step's batch, made while the networks are busy with this one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Gives `make(step)`, and has `make(step + 1)` made in a thread in the meantime.

    Nobody else may call `make`; what it gives must follow from the step alone.
    """

    def __init__(self, make: Callable[[int], T], steps: int) -> None:
        self._make = make
        self._steps = steps
        self._thread = ThreadPoolExecutor(1, "ahead")
        self._made: dict[int, Future[T]] = {}

    def __call__(self, step: int) -> T:
        """What is made for a step; raises what making it raised."""
        made = self._made.pop(step, None) or self._thread.submit(self._make, step)
        if step + 1 < self._steps and step + 1 not in self._made:
            self._made[step + 1] = self._thread.submit(self._make, step + 1)
        return made.result()

    def close(self) -> None:
        """Wait for what is being made, and drop it."""
        self._thread.shutdown(cancel_futures=True)
