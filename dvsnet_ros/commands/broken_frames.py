"""Broken frames are reported once, however often a command goes through a drive."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

DRIVES_LOG: Final = "dvsnet_ros.drives"


@contextmanager
def reported_before(before: bool = True) -> Iterator[None]:
    """Keep drives from warning of broken frames, if that was done before."""
    log = logging.getLogger(DRIVES_LOG)
    level = log.level
    log.setLevel(logging.ERROR if before else level)
    try:
        yield
    finally:
        log.setLevel(level)
