"""Reading ahead: a thread makes the next items while the one before is in use."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Iterates over a source that is read by a thread, in a ``with`` block that ends with it.

    An error of the source is raised where its next item would have come.

    Args:
        source: what is read, in the thread alone.
        depth: how many items are read ahead at most, 1 or more.
    """

    def __init__(self, source: Iterable[T], depth: int) -> None:
        self._depth = depth
        self._items: deque[T] = deque()
        self._error: Exception | None = None
        self._is_over = False
        self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(source,), name="read ahead")

    def __enter__(self) -> ReadAhead[T]:
        self._thread.start()
        return self

    def fill(self) -> None:
        """Wait until as much is read ahead as may be, or the source is over.

        An error of the source is raised here where nothing came before it.
        """
        with self._changed:
            self._changed.wait_for(self._is_full_or_over)
        if self._error is not None and not self._items:
            raise self._error

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._is_over)
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
        if self._error is not None:
            raise self._error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _is_full_or_over(self) -> bool:
        return self._is_over or len(self._items) >= self._depth

    def _read(self, source: Iterable[T]) -> None:
        try:
            for item in source:
                with self._changed:
                    self._items.append(item)
                    self._changed.notify_all()
                    self._changed.wait_for(self._has_room_or_is_closed)
                    if self._is_closed:
                        return
        except Exception as error:  # raised in the thread that reads the items
            self._error = error
        finally:
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _has_room_or_is_closed(self) -> bool:
        return self._is_closed or len(self._items) < self._depth
