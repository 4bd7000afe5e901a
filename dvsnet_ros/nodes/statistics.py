"""What the node counts about its frames; fed by two threads, read once a second."""

from __future__ import annotations

import enum
import math
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dvsnet_ros.core.schedule import Path
from dvsnet_ros.core.segmentation import RegionDecision, ResetReason

WINDOW = 100
"""Frames over which latency, share of segmentation and scores are taken."""

RATE_SECONDS = 10.0
"""Seconds over which the frame rate is taken."""


class Case(enum.Enum):
    """What can happen around a frame; the values are the keys in the diagnostics."""

    UNKNOWN_ENCODING = "unknown encoding"
    INCONSISTENT_SIZE = "inconsistent size"
    ZERO_SIZE = "zero size"
    UNDECODABLE = "undecodable"
    FAILED = "failed frames"
    NEW_IMAGE_SIZE = "resets by a new image size"
    STAMP_JUMPED_BACK = "resets by a stamp that jumped back"
    GAP = "resets by a gap"
    SAME_STAMP = "stamps that stood still"
    LOST = "lost on the way"
    INCOMPATIBLE_QOS = "publishers with incompatible QoS"
    SILENCE = "silences explained"
    UNWANTED = "left unanswered without a subscriber"
    OVER_RATE = "left unanswered over max_rate"

    @classmethod
    def of_reset(cls, reason: ResetReason) -> Case:
        """The case of a reset; it bears the same name."""
        return cls[reason.name]


REFUSALS = (
    Case.UNKNOWN_ENCODING,
    Case.INCONSISTENT_SIZE,
    Case.ZERO_SIZE,
    Case.UNDECODABLE,
)
"""The cases in which a frame is skipped because its image can't be read."""


@dataclass(frozen=True)
class Summary:
    """The counts at one moment; NaN where nothing was measured yet.

    Attributes:
        received: images that arrived, whatever became of them.
        dropped: images that a newer one replaced before their turn.
        answered: frames whose mask was published.
        frame_rate: frames answered a second.
        latency_median: from an image's arrival to its published mask, in seconds.
        latency_99th: its 99th percentile.
        segmentation_share: share of regions on the segmentation path, 0-1.
        chosen_share: the same of the regions that had a choice, that is, a score.
        score_median: of the regions' expected confidence scores, 0-100.
        measured: frames that latency, share and scores are taken of, at most `WINDOW`.
        cases: how often each case occurred.
        last_error: the last sentence about a problem, or empty.
    """

    received: int
    dropped: int
    answered: int
    frame_rate: float
    latency_median: float
    latency_99th: float
    segmentation_share: float
    chosen_share: float
    score_median: float
    measured: int
    cases: dict[Case, int]
    last_error: str


class Statistics:
    """Counts frames and what went wrong with them. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = 0
        self._dropped = 0
        self._answered = 0
        self._cases: Counter[Case] = Counter()
        self._last_error = ""
        self._finished: deque[float] = deque()
        self._latencies: deque[float] = deque(maxlen=WINDOW)
        self._shares: deque[float] = deque(maxlen=WINDOW)
        self._choices: deque[list[tuple[float, float]]] = deque(maxlen=WINDOW)

    def begin(self) -> None:
        """Forget the frames that rate, latency, share and scores are taken of; counts go on."""
        with self._lock:
            for window in (self._finished, self._latencies, self._shares, self._choices):
                window.clear()

    def image_received(self) -> None:
        """Count an image that arrived."""
        with self._lock:
            self._received += 1

    def image_dropped(self) -> None:
        """Count an image that a newer one replaced while it waited."""
        with self._lock:
            self._dropped += 1

    def frame_answered(
        self, arrival: float, finished: float, decisions: Sequence[RegionDecision]
    ) -> None:
        """Count a published mask; both times in seconds of one steady clock."""
        scores = [decision.expected_confidence for decision in decisions]
        segmented = [float(decision.path is Path.SEGMENTATION) for decision in decisions]
        choices = [each for each in zip(scores, segmented, strict=True) if not math.isnan(each[0])]
        with self._lock:
            self._answered += 1
            self._finished.append(finished)
            self._latencies.append(finished - arrival)
            self._shares.append(sum(segmented) / len(segmented))
            self._choices.append(choices)

    def case(self, case: Case, count: int = 1) -> None:
        """Count what happened to a frame, or to several."""
        with self._lock:
            self._cases[case] += count

    def error(self, sentence: str) -> None:
        """Remember the last problem."""
        with self._lock:
            self._last_error = sentence

    def summary(self, now: float) -> Summary:
        """The counts at `now`, in seconds of the same steady clock."""
        with self._lock:
            while self._finished and self._finished[0] <= now - RATE_SECONDS:
                self._finished.popleft()
            latencies = list(self._latencies) or [math.nan]
            shares = list(self._shares) or [math.nan]
            choices = [each for frame in self._choices for each in frame] or [(math.nan, math.nan)]
            scores, chosen = zip(*choices, strict=True)
            return Summary(
                received=self._received,
                dropped=self._dropped,
                answered=self._answered,
                frame_rate=_rate(self._finished, now),
                latency_median=float(np.percentile(latencies, 50)),
                latency_99th=float(np.percentile(latencies, 99)),
                segmentation_share=float(np.mean(shares)),
                chosen_share=float(np.mean(chosen)),
                score_median=float(np.median(scores)),
                measured=len(self._shares),
                cases={case: self._cases[case] for case in Case},
                last_error=self._last_error,
            )


def _rate(times: Sequence[float], now: float) -> float:
    """How many a second, of the times in the last `RATE_SECONDS`; it falls while none comes."""
    if len(times) < 2 or times[-1] <= times[0]:
        return len(times) / RATE_SECONDS
    first, last = times[0], times[-1]
    # The last may have come after `now` was looked at.
    return min((len(times) - 1) / (last - first), len(times) / (max(now, last) - first))
