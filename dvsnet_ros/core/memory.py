"""Memory that a frame has used and the next will use again."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

TRIM_THRESHOLD: Final = -1
TOP_PAD: Final = -2
MMAP_MAX: Final = -4
ARENA_MAX: Final = -8
"""Names of mallopt(3)'s settings, from glibc's malloc.h."""

MOST_KEPT: Final = 2**31 - 1
"""Bytes; mallopt takes no more."""
GROWTH: Final = 64 * 2**20
"""Bytes by which the heap grows at least."""


def keep_freed_memory() -> bool:
    """Have this process keep the memory that it frees, up to 2 GB, for what it allocates next.

    A network on a CPU allocates tens of megabytes a layer and frees them at once. By default, the
    C library gives blocks this large back to the system, which then has to hand out and clear every
    page of the next one: of the original's segmentation network at 1024x2048, a quarter to a third
    of the time (docs/benchmarks.md, Memory). For the whole process, so for its `main` to call,
    before it starts threads. Other allocators (jemalloc, tcmalloc) don't mind.

    Returns:
        Whether it will; only with glibc, so on most Linux.
    """
    set_option = _of_glibc("mallopt")
    if set_option is None:
        return False
    settings = {
        ARENA_MAX: 1,  # the arenas of threads are too small for such blocks
        MMAP_MAX: 0,
        TRIM_THRESHOLD: MOST_KEPT,
        TOP_PAD: GROWTH,
    }
    return all(set_option(name, value) == 1 for name, value in settings.items())


def give_back_freed_memory() -> None:
    """Give what was kept, and nobody uses now, back to the system; only with glibc."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_glibc(name: str) -> Any:
    """A function of the C library that only glibc has, or None."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
