"""What the commands have in common that put a drive through many settings."""

from __future__ import annotations

import argparse
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dvsnet_ros.commands.broken_frames import reported_before
from dvsnet_ros.commands.flags import number, whole_number
from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.drives import Drive, DriveError, Frame, drive
from dvsnet_ros.drives.skipping import MOST_SKIPPED, SkippedFrames, fitting_frames
from dvsnet_ros.evaluation.segmenters import Segmenters
from dvsnet_ros.evaluation.sweep import Sweep

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

    Frames that can't be segmented (too small for the regions, or with logits that are not finite)
    are left out, as broken ones are.

    Args:
        source: as `drive` takes it.
        segmenters: what it is put through. Labels of another label set than theirs are left aside,
            which is said once.
        most: frames at most; None is all.

    Attributes:
        timed: images of the first TIMED_FRAMES frames that could be segmented when it was last gone
            through.

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
        self._reported = False  # the frames that the drive leaves out, and those too small
        self._left_out: set[int] = set()  # other frames, which are reported too
        self._said = False  # that its labels are left aside
        self.timed: list[NDArray[np.uint8]] = []
        self.count = min(len(self.drive), most or len(self.drive))
        with reported_before():
            fitting = len(list(itertools.islice(self._fitting(), 2)))
        if fitting < 2:
            for _ in self._fitting():
                pass  # what is wrong with each of the others is said
        self._check_enough(fitting)

    def go_through(
        self, doing: str, take: Callable[[Frame], object], forget: Callable[[], object]
    ) -> None:
        """Give every frame to `take`; the bar says what is being done.

        Frames that are left out are reported once. As in the node, one that can't be segmented,
        because it is too small or `take` raises ValueError, costs the key frames: there, `forget`
        is called.

        Raises:
            DriveError: if fewer than two frames can be segmented.
            ValueError: if none can, or none of the first ones; see `SkippedFrames`.
        """
        left_out: dict[int, str] = {}
        taken = 0
        self.timed = []
        frames = self._fitting(forget)
        with reported_before(self._reported):
            for frame in tqdm(frames, doing, self.count, unit="frame", dynamic_ncols=True):
                try:
                    take(self._with_fitting_labels(frame))
                except ValueError as error:
                    forget()
                    left_out[frame.index] = str(error)
                    if not taken and len(left_out) == MOST_SKIPPED:
                        break
                else:
                    taken += 1
                    if taken <= TIMED_FRAMES:
                        self.timed.append(frame.image)
        self._reported = True
        self._report(left_out, begun=taken > 0)
        self._check_enough(taken)

    def _report(self, left_out: Mapping[int, str], *, begun: bool) -> None:
        skipped = SkippedFrames(self.drive.name, begun)
        for index, why in left_out.items():
            if index not in self._left_out:
                skipped.add(index, why)
        skipped.end()
        self._left_out.update(left_out)

    def _check_enough(self, frames: int) -> None:
        if frames < 2:
            raise DriveError(f"{self.drive.name} has fewer than two frames that can be segmented")

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


def sweep_through(footage: Footage, sweep: Sweep, doing: str) -> None:
    """Put all frames through a sweep, and warn of settings that lost some; see `go_through`."""
    footage.go_through(doing, sweep.add, sweep.reset)
    for outcome in sweep.outcomes:
        if outcome.lost:
            _log.warning(
                "%s: %s has no mask of %d of the frames, and its figures are of the others: the "
                "flow path's logits are not finite; precision float32 may mend that",
                footage.drive.name, outcome.setting.name, outcome.lost,
            )  # fmt: skip
