"""One drive under many settings at once: what each costs, and how good its masks are.

Every setting has its own VideoSegmenter. They go through the drive in step and share networks that
remember the current frame, so that many settings cost little more than one, and memory does not
grow with the drive beyond a few numbers a frame.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.schedule import DEFAULT_SCHEDULE, Path, Schedule, Scheduling
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.evaluation.fixed_schedules import IntervalSchedule
from dvsnet_ros.evaluation.remembering import RememberingNetworks
from dvsnet_ros.evaluation.segmenters import Segmenters
from dvsnet_ros.evaluation.true_scores import TrueScores
from dvsnet_ros.training.calibration import mean_absolute_error, rank_correlation
from dvsnet_ros.training.confusion import Confusion


@dataclass(frozen=True)
class Setting:
    """One way to choose paths.

    Attributes:
        kind: `target` (fixed), `dynamic` or `rising` (a target that moves), `max_share` (one that
            has a largest share) or `interval` (no decisions).
        value: the target, where it starts, the share, or the frames from key frame to key frame.
        schedule: what does so.
    """

    kind: str
    value: float
    schedule: Scheduling

    @property
    def name(self) -> str:
        """For people: `target 90`."""
        return f"{self.kind} {self.value:.6g}"


def target_setting(target: float, mode: str = "fixed") -> Setting:
    """The decision network under this target; raises ValueError beyond 0-100."""
    return Setting("target" if mode == "fixed" else mode, target, Schedule(mode, target))


def max_share_setting(share: float) -> Setting:
    """The default schedule within this share of the regions; raises ValueError beyond 0-1."""
    return Setting("max_share", share, replace(DEFAULT_SCHEDULE, max_share=share))


def interval_setting(interval: int) -> Setting:
    """Key frames at this interval; raises ValueError under 1."""
    return Setting("interval", float(interval), IntervalSchedule(interval))


PER_FRAME = interval_setting(1)
"""Per-frame segmentation: what masks are held against."""


@dataclass
class JudgedScores:
    """Expected confidence scores and what came true, 0-100; one a region that was decided on."""

    expected: array[float] = field(default_factory=lambda: array("d"))
    true: array[float] = field(default_factory=lambda: array("d"))

    def add(self, expected: float, true: float) -> None:
        """Add a region."""
        self.expected.append(expected)
        self.true.append(true)

    @property
    def error(self) -> float:
        """Mean absolute error in points; NaN without a region."""
        if not self.true:
            return math.nan
        return mean_absolute_error(np.array(self.expected), np.array(self.true))

    @property
    def rank_correlation(self) -> float:
        """Spearman's, -1 to 1; NaN where there is none."""
        if not self.true:
            return math.nan
        return rank_correlation(np.array(self.expected), np.array(self.true))


@dataclass
class Outcome:
    """What came of a setting.

    Attributes:
        setting: which.
        confusion: of its masks with the labels, where frames have labels.
        frames: how many frames had how many regions on the segmentation path.
        regions: regions of all frames.
        agreeing, pixels: those of all masks that say what per-frame segmentation says, and all.
        scores: what its decisions were made on; empty for intervals.
        lost: frames without a mask, since logits are not finite; they count for nothing else.
    """

    setting: Setting
    confusion: Confusion
    frames: Counter[int] = field(default_factory=Counter)
    regions: int = 0
    agreeing: int = 0
    pixels: int = 0
    scores: JudgedScores = field(default_factory=JudgedScores)
    lost: int = 0

    @property
    def segmented(self) -> int:
        """Regions on the segmentation path."""
        return sum(regions * frames for regions, frames in self.frames.items())

    @property
    def share(self) -> float:
        """Share of the regions on the segmentation path, 0-1, the first frame's included."""
        return self.segmented / self.regions

    @property
    def agreement(self) -> float:
        """Share of the pixels that say what per-frame segmentation says, 0-1."""
        return self.agreeing / self.pixels

    def frames_per_second(self, frame_seconds: NDArray[np.float64]) -> float:
        """Frames a second, where a frame with s segmented regions takes `frame_seconds[s]`."""
        seconds = sum(frame_seconds[regions] * frames for regions, frames in self.frames.items())
        return float(self.frames.total() / seconds)

    def add(
        self,
        segmentation: Segmentation,
        reference: Segmentation,
        labels: NDArray[np.uint8] | None,
    ) -> None:
        """Count a frame's masks; `reference` is per-frame segmentation's."""
        paths = [decision.path for decision in segmentation.decisions]
        self.frames[paths.count(Path.SEGMENTATION)] += 1
        self.regions += len(paths)
        self.agreeing += int((segmentation.mask == reference.mask).sum())
        self.pixels += segmentation.mask.size
        if labels is not None:
            self.confusion.add(segmentation.resized(*labels.shape).mask, labels)


class _Run:
    """A setting's segmenter, and the ages that its key frames will have in the next frame."""

    def __init__(self, segmenter: VideoSegmenter) -> None:
        self._segmenter = segmenter
        self._ages: list[int] = []

    def reset(self) -> None:
        """Forget the key frames."""
        self._segmenter.reset()

    def segment(self, frame: Frame) -> tuple[Segmentation, list[tuple[int, float]]]:
        """The segmentation; and of each region the key age and the score it was decided on.

        Both are there even of a region that was then segmented. Of a first frame, there are none.
        """
        segmentation = self._segmenter.segment(frame.image, frame.stamp)
        scores = [decision.expected_confidence for decision in segmentation.decisions]
        decided = list(zip(self._ages, scores, strict=True)) if self._ages else []
        self._ages = [decision.key_age + 1 for decision in segmentation.decisions]
        return segmentation, decided


class Sweep:
    """Goes through a drive, given frame by frame, under all settings at once.

    Args:
        segmenters: how they are made; here they share networks.
        settings: at least one.

    Attributes:
        outcomes: one a setting.
        per_frame: per-frame segmentation's outcome.
        scores: each decision that any target led to, once: the same pair of frames and region comes
            up under many of them.
        labelled: frames that had labels.

    Raises:
        CheckpointError: if a network is missing.
        ValueError: if something else does not work; see VideoSegmenter.
    """

    def __init__(self, segmenters: Segmenters, settings: Sequence[Setting]) -> None:
        networks = segmenters.networks(RememberingNetworks)
        classes = len(segmenters.checkpoint.label_set.classes)
        self.per_frame, *self.outcomes = (
            Outcome(setting, Confusion(classes)) for setting in (PER_FRAME, *settings)
        )
        self._reference, *self._runs = (
            _Run(segmenters.new(setting.schedule, networks)) for setting in (PER_FRAME, *settings)
        )
        self.scores = JudgedScores()
        self.labelled = 0
        self._truth = TrueScores(networks, segmenters.layout)

    def reset(self) -> None:
        """Forget all key frames, as the node does where a frame can't be segmented."""
        for run in self._runs:
            run.reset()

    def add(self, frame: Frame) -> None:
        """Take the drive's next frame.

        A setting that gives no mask of it loses it, and its own key frames, as the node would.

        Raises:
            ValueError: if it can't be segmented whole, see VideoSegmenter.segment; no setting has
                taken it then, and it is for the caller to `reset`.
        """
        reference, _ = self._reference.segment(frame)
        self.labelled += frame.labels is not None
        self._truth.add(frame.image)
        self.per_frame.add(reference, reference, frame.labels)
        decided = []
        for run, outcome in zip(self._runs, self.outcomes, strict=True):
            decisions: list[tuple[int, float]] = []
            try:
                segmentation, decisions = run.segment(frame)
            except ValueError:  # logits of the flow path; those of the other one are finite
                run.reset()
                outcome.lost += 1
            else:
                outcome.add(segmentation, reference, frame.labels)
            decided.append([] if outcome.setting.kind == "interval" else decisions)
        self._judge(decided)

    def _judge(self, decided: Sequence[Sequence[tuple[int, float]]]) -> None:
        """Hold the scores that each setting's regions were decided on against the true ones."""
        seen = set()
        for outcome, decisions in zip(self.outcomes, decided, strict=True):
            for region, (key_age, expected) in enumerate(decisions):
                true = self._truth.of(key_age)
                if true is None or not math.isfinite(expected):  # a first frame after a reset
                    continue
                outcome.scores.add(expected, float(true[region]))
                if (region, key_age) not in seen:
                    seen.add((region, key_age))
                    self.scores.add(expected, float(true[region]))
