"""What a command prints is written, or it is said why not."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn


@contextmanager
def printing() -> Iterator[None]:
    """A block that prints; ends the process with a sentence where that can't be written.

    Where nobody reads on, as in `dvsnet --help | head -1`, nobody wants a sentence either. What is
    printed to a stream that was closed is dropped.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    try:
        yield
    except SystemExit:  # of argparse, when it has explained a command
        _flush()
        raise
    except OSError as error:  # of a print, where that is not buffered
        if _can_print():
            raise
        _stop_printing(error)
    _flush()


def _flush() -> None:
    """Write what was printed, as long as an error of it can be told in a sentence."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _stop_printing(error)


def _can_print() -> bool:
    try:
        os.write(sys.stdout.fileno(), b"\n")
    except OSError:
        return False
    return True


def _stop_printing(error: OSError) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more
    if not isinstance(error, BrokenPipeError):
        print(f"dvsnet: what it prints can't be written: {error.strerror}", file=sys.stderr)
    raise SystemExit(1) from error
