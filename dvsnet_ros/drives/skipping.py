"""Frames that are of no use to who goes through a drive: reported as broken ones are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from dvsnet_ros.drives.frame import Frame

MOST_SKIPPED: Final = 32
"""Frames from a drive's start after which, if none is of use, nobody waits for one more."""

_log = logging.getLogger(__name__)


class SkippedFrames:
    """Reports them as warnings; or, where a drive has no others, the first one's as an error.

    Args:
        name: of the drive.
        begun: whether a frame before these was of use.
    """

    def __init__(self, name: str, begun: bool = False) -> None:
        self._name = name
        self._begun = begun
        self._held: list[tuple[int, str]] = []  # not the errors, which hold on to their frames

    def add(self, index: int, why: str) -> None:
        """Take the next one; raises ValueError if it is the last of MOST_SKIPPED at the start."""
        self._held.append((index, why))
        if self._begun:
            self._report()
        elif len(self._held) >= MOST_SKIPPED:
            self.end()

    def go_on(self) -> None:
        """Know that a frame was of use."""
        self._begun = True
        self._report()

    def end(self) -> None:
        """Know that no more frames come; raises ValueError if none was of use."""
        if self._held:
            raise ValueError(self._held[0][1])

    def _report(self) -> None:
        for index, why in self._held:
            _log.warning("%s: frame %d is skipped: %s", self._name, index, why)
        self._held = []


def fitting_frames(
    frames: Iterable[Frame],
    name: str,
    check: Callable[[int, int], object],
    forget: Callable[[], object] = lambda: None,
) -> Iterator[Frame]:
    """The frames of a size that can be worked on.

    Args:
        frames: in order.
        name: of the drive.
        check: raises ValueError for a height and width that can't.
        forget: called where a frame is left out, before the next one comes: what goes on over
            frames, such as key frames, ends there.

    Raises:
        ValueError: if no frame can, or none of the first MOST_SKIPPED; the sentence says why the
            first can't.
    """
    skipped = SkippedFrames(name)
    for frame in frames:
        try:
            check(*frame.image.shape[:2])
        except ValueError as error:
            why = str(error)
        else:
            skipped.go_on()
            yield frame
            continue
        forget()
        skipped.add(frame.index, why)
    skipped.end()
