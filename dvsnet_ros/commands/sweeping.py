"""What the commands have in common that put a drive through many settings."""

from __future__ import annotations

import argparse
import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dvsnet_ros.commands.broken_frames import reported_before
from dvsnet_ros.commands.flags import number, whole_number
from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.drives import Drive, DriveError, Frame, drive
from dvsnet_ros.drives.skipping import fitting_frames
from dvsnet_ros.evaluation.segmenters import Segmenters

_log = logging.getLogger(__name__)

TARGETS = (40, 60, 70, 75, 80, 84, 87, 90, 92, 94, 95, 96, 97, 98, 99)
INTERVALS = (1, 2, 3, 5, 7, 10, 15, 20)
TIMED_FRAMES = 4


def add_sweep_flags(flags: argparse._ActionsContainer) -> None:
    """Those that say what a drive is put through."""
    flags.add_argument(
        "--targets", type=number, nargs="*", default=TARGETS, metavar="TARGET",
        help="of the expected confidence score, 0-100 (default: "
        f"{' '.join(map(str, TARGETS))}); nothing: none",
    )  # fmt: skip
    flags.add_argument(
        "--intervals", type=whole_number, nargs="*", default=INTERVALS, metavar="FRAMES",
        help="from key frame to key frame, in place of decisions (default: "
        f"{' '.join(map(str, INTERVALS))}); nothing: none",
    )  # fmt: skip
    flags.add_argument(
        "--frames", type=whole_number, help="of the drive, from its start (default: all)"
    )


def segmenters_of(checkpoint: Checkpoint, options: argparse.Namespace) -> Segmenters:
    """The segmenters that networks', gap's and device's flags describe (see `flags`)."""
    return Segmenters(
        checkpoint,
        size=(options.height, options.width),
        rows=options.rows,
        columns=options.columns,
        overlap=options.overlap,
        max_gap=options.max_gap,
        device=options.device,
        precision=options.precision,
    )


class Footage:
    """A drive, or its first frames, to be gone through several times behind a bar.

    Frames that are too small for the regions are left out, as broken ones are.

    Args:
        source: as `drive` takes it.
        segmenters: what it is put through. Labels of another label set than theirs are left aside,
            which is said once.
        most: frames at most; None is all.

    Raises:
        DriveError: if it is no drive, or fewer than two of its frames can be segmented.
        ValueError: if all are too small; see `fitting_frames`.
    """

    def __init__(self, source: str | Path, segmenters: Segmenters, most: int | None = None) -> None:
        if most is not None and most < 2:
            raise DriveError(f"--frames is {most}; it must be at least 2")
        self.drive: Drive = drive(source)
        self._segmenters = segmenters
        self._label_set = segmenters.checkpoint.label_set.name
        self._reported = False  # the frames that are left out
        self._said = False  # that its labels are left aside
        self.count = min(len(self.drive), most or len(self.drive))
        if len(self.first(2)) < 2:
            for _ in self._fitting():
                pass  # what is wrong with each of the others is said
            raise DriveError(f"{self.drive.name} has fewer than two frames that can be segmented")

    def first(self, count: int) -> list[NDArray[np.uint8]]:
        """The images of so many frames, or of all if there are fewer."""
        with reported_before():
            return [frame.image for frame in itertools.islice(self._fitting(), count)]

    def frames(self, doing: str, forget: Callable[[], object]) -> Iterator[Frame]:
        """All frames; the bar says what is being done. Those left out are reported once.

        As in the node, one that is too small costs the key frames: there, `forget` is called.
        """
        frames = self._fitting(forget)
        with reported_before(self._reported):
            for frame in tqdm(frames, doing, self.count, unit="frame", dynamic_ncols=True):
                yield self._with_fitting_labels(frame)
        self._reported = True

    def _fitting(self, forget: Callable[[], object] = lambda: None) -> Iterator[Frame]:
        frames = itertools.islice(self.drive, self.count)
        return fitting_frames(frames, self.drive.name, self._segmenters.layout.grid, forget)

    def _with_fitting_labels(self, frame: Frame) -> Frame:
        if frame.labels is None or frame.label_set in ("", self._label_set):
            return frame
        if not self._said:
            self._said = True
            _log.warning(
                "%s: its labels are of the label set %s, the checkpoint's classes of %s, so its "
                "labels are left aside",
                self.drive.name, frame.label_set, self._label_set,
            )  # fmt: skip
        return replace(frame, labels=None)
