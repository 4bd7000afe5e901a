"""What a report keeps of a drive: numbers, and a bounded set of frames."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.commands.report.worst_frames import WorstFrames
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.drives.frame import NANOSECONDS, Frame


@dataclass
class DriveRecord:
    """A run through a drive, frame by frame; F frames, R regions, C classes.

    Attributes:
        labels: the classes.
        shown: how many frames to keep as pictures.
        size: height and width of the last frame.
        grid: rows and columns of its regions.
        worst: the pictures.
    """

    labels: LabelSet
    shown: int
    size: tuple[int, int] = (0, 0)
    grid: tuple[int, int] = (0, 0)
    _stamps: array[int] = field(default_factory=lambda: array("q"))
    _numbers: array[int] = field(default_factory=lambda: array("q"))
    _rows: dict[str, array[float]] = field(default_factory=dict)
    _widths: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.worst = WorstFrames(self.shown, self.labels)

    def __len__(self) -> int:
        return len(self._stamps)

    def add(
        self, frame: Frame, segmentation: Segmentation, reference: Segmentation, latency: float
    ) -> None:
        """Take the next frame, with per-frame segmentation's answer and the seconds it took."""
        height, width = self.size = (frame.image.shape[0], frame.image.shape[1])
        self.grid = (segmentation.grid.rows, segmentation.grid.columns)
        segmentation = segmentation.resized(height, width)
        reference = reference.resized(height, width)
        self.worst.add(len(self), frame, segmentation, reference)
        decisions = segmentation.decisions
        counts = np.bincount(segmentation.mask.ravel(), minlength=len(self.labels.classes))
        self._stamps.append(frame.stamp)
        self._numbers.append(frame.index)
        self._keep("paths", [float(decision.path) for decision in decisions])
        self._keep("scores", [decision.expected_confidence for decision in decisions])
        self._keep("targets", [decision.target for decision in decisions])
        self._keep("agreement", [float((segmentation.mask == reference.mask).mean())])
        self._keep("latencies", [latency])
        self._keep("class_shares", (counts / counts.sum()).tolist())

    def _keep(self, name: str, row: list[float]) -> None:
        self._rows.setdefault(name, array("d")).extend(row)
        self._widths[name] = len(row)

    def _table(self, name: str) -> NDArray[np.float64]:
        return np.array(self._rows[name]).reshape(len(self), self._widths[name])

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Each frame's number in the drive, in which those that are left out count, [F]."""
        return np.array(self._numbers)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Time in the drive, from its first frame on, [F]."""
        stamps = np.array(self._stamps)
        seconds: NDArray[np.float64] = (stamps - stamps[0]) / NANOSECONDS
        return seconds

    @property
    def paths(self) -> NDArray[np.float64]:
        """Path of each region, as its number, [F, R]."""
        return self._table("paths")

    @property
    def scores(self) -> NDArray[np.float64]:
        """Expected confidence scores, 0-100, NaN where there was none, [F, R]."""
        return self._table("scores")

    @property
    def targets(self) -> NDArray[np.float64]:
        """Targets, [F, R]."""
        return self._table("targets")

    @property
    def agreement(self) -> NDArray[np.float64]:
        """Share of the pixels that say what per-frame segmentation says, 0-1, [F]."""
        return self._table("agreement")[:, 0]

    @property
    def latencies(self) -> NDArray[np.float64]:
        """Seconds that the video segmenter took, [F]."""
        return self._table("latencies")[:, 0]

    @property
    def class_shares(self) -> NDArray[np.float64]:
        """Share of each class of the mask, 0-1, [F, C]."""
        return self._table("class_shares")
