"""What a command prints is written, or it is said why not; either way, it does its work."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO, cast


@contextmanager
def printing() -> Iterator[None]:
    """A block that prints; where that can't be written, the process ends after it with status 1.

    A sentence says why; but where nobody reads on, as in `dvsnet --help | head -1`, nobody wants
    one. What is printed to a stream that was closed is dropped.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    printed = _Printed(sys.stdout)
    try:
        with redirect_stdout(cast("TextIO", printed)):
            yield
    finally:
        printed.flush()
        if printed.error is not None:
            _drop_the_rest()
            if not isinstance(printed.error, BrokenPipeError):
                why = printed.error.strerror
                print(f"dvsnet: what it prints can't be written: {why}", file=sys.stderr)
    if printed.error is not None:
        raise SystemExit(1)


class _Printed:
    """A stream that keeps its first error for the end, and drops what is printed after it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, act: Callable[[], object]) -> None:
        if self.error is None:
            try:
                act()
            except OSError as error:
                self.error = error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _drop_the_rest() -> None:
    """Let what is still to be written go nowhere, or Python tries once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
