"""A thread that works on the newest item only, so that the executor's thread stays free."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NewestWorker(Generic[Item]):
    """Calls `work(item)` in its own thread, always with the newest item offered.

    Args:
        work: what to do with an item; it must not raise.
    """

    def __init__(self, work: Callable[[Item], None]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._waiting: Item | None = None
        self._stopping = False
        self._began: float | None = None
        self._thread = threading.Thread(target=self._run, name="frames")
        self._thread.start()

    def offer(self, item: Item) -> bool:
        """Put the item in the one place that waits; returns whether an older one was dropped."""
        with self._changed:
            dropped = self._waiting is not None
            self._waiting = item
            self._changed.notify()
        return dropped

    def seconds_in_work(self) -> float:
        """For how long the item in work has been so; 0 if there is none."""
        with self._changed:
            return 0.0 if self._began is None else time.monotonic() - self._began

    def stop(self) -> bool:
        """Finish the item in work and end the thread; returns whether a waiting one was dropped."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        return self._waiting is not None

    def _run(self) -> None:
        while (item := self._next()) is not None:
            self._work(item)

    def _next(self) -> Item | None:
        """Wait for an item; None once stopped."""
        with self._changed:
            self._began = None
            self._changed.wait_for(lambda: self._stopping or self._waiting is not None)
            if self._stopping:
                return None
            item, self._waiting = self._waiting, None
            self._began = time.monotonic()
            return item
