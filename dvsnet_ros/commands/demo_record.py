"""What ``dvsnet demo`` keeps of a drive."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.drives.decision_log import DecisionLog
from dvsnet_ros.nodes.demo_pacing import Spacing
from dvsnet_ros.nodes.demo_recorder import RecordedFrame

SHOTS = 6
"""Frames that are kept for the summary."""


@dataclass
class DemoRecord:
    """A drive's answers, without most of its images.

    Args:
        expected_frames: about how many frames will come; the summary shows one of each sixth.
        drive_rate: frames a second of the drive.

    Attributes:
        stamps: nanoseconds, a frame.
        times: seconds on the steady clock when a frame was recorded.
        latencies: seconds, a frame.
        paths: a frame, then a region.
        scores: expected confidence scores, a frame, then a region; NaN where there is none.
        targets: a frame, then a region.
        shots: index and answers of the frames that are kept whole, one of each sixth of the drive.
    """

    expected_frames: int
    drive_rate: float
    stamps: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    paths: list[list[RegionPath]] = field(default_factory=list)
    scores: list[list[float]] = field(default_factory=list)
    targets: list[list[float]] = field(default_factory=list)
    shots: dict[int, tuple[int, RecordedFrame]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.stamps)

    def add(self, frame: RecordedFrame, now: float) -> None:
        """Add the next frame, recorded at this time of the steady clock, in seconds."""
        decisions = frame.decisions.decisions
        self._keep_if_best(frame)
        self.stamps.append(frame.stamp)
        self.times.append(now)
        self.latencies.append(frame.latency)
        self.paths.append([RegionPath(decision.path) for decision in decisions])
        self.scores.append([decision.expected_confidence for decision in decisions])
        self.targets.append([decision.target for decision in decisions])

    def _keep_if_best(self, frame: RecordedFrame) -> None:
        """Keep the first frame of each sixth of the drive, or the first that shows both paths."""
        slot = min(len(self) * SHOTS // self.expected_frames, SHOTS - 1)
        if slot not in self.shots or _variety(frame) > _variety(self.shots[slot][1]):
            self.shots[slot] = (len(self), frame)

    @property
    def rate(self) -> float:
        """Frames a second on the way through the node; NaN of a single frame."""
        return (len(self) - 1) / self._elapsed

    @property
    def speed(self) -> float:
        """How fast that was, where 1 is as fast as the drive; NaN of a single frame."""
        return float(self.seconds[-1]) / self._elapsed

    @property
    def _elapsed(self) -> float:
        seconds = self.times[-1] - self.times[0]
        return seconds if seconds > 0 else float("nan")

    @property
    def seconds(self) -> NDArray[np.float64]:
        """Time of each frame from the first one on, as it is played: without long gaps."""
        spacing = Spacing(self.drive_rate)
        steps = (spacing.between(*stamps) for stamps in pairwise(self.stamps))
        return np.array(list(accumulate(steps, initial=0.0)))

    def share(self, path: RegionPath) -> float:
        """Share of the regions that took this path, 0-1."""
        return float(np.mean([region == path for frame in self.paths for region in frame]))

    def latency(self, percentile: float) -> float:
        """A percentile, 0-100, of the latencies, in seconds."""
        return float(np.percentile(self.latencies, percentile))

    def write_decisions(self, path: Path) -> None:
        """Write decisions.csv."""
        with DecisionLog(path) as log:
            for index, regions in enumerate(self.paths):
                rows = zip(regions, self.scores[index], self.targets[index], strict=True)
                for region, (chosen, score, target) in enumerate(rows):
                    log.add(index, region, chosen.label, score, target)


def _variety(frame: RecordedFrame) -> int:
    """How many different paths a frame shows."""
    return len({decision.path for decision in frame.decisions.decisions})
