"""What the page shows, as JSON values: numbers rounded to what can be seen, NaN as null."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.commands.report.binning import bin_edges, binned
from dvsnet_ros.commands.report.drive_record import DriveRecord
from dvsnet_ros.commands.report.origin import Entries
from dvsnet_ros.commands.report.recommendation import Recommendation, Wish
from dvsnet_ros.commands.report.worst_frames import ShownFrame
from dvsnet_ros.core.schedule import Path
from dvsnet_ros.evaluation.sweep import JudgedScores, Outcome, Sweep
from dvsnet_ros.training.calibration import calibration_table

LATENCY_BINS = 32


@dataclass(frozen=True)
class Findings:
    """All that a report is made of.

    Attributes:
        record: the run that is shown.
        sweep: the same drive under many settings.
        shown: the one of them that the run has.
        frame_seconds: how long a frame takes, by its segmented regions.
        wish: what a target is recommended by.
        recommendation: the target for it.
        origin: what ran: headings, and entries below them.
    """

    record: DriveRecord
    sweep: Sweep
    shown: Outcome
    frame_seconds: NDArray[np.float64]
    wish: Wish
    recommendation: Recommendation
    origin: dict[str, Entries]


def page_data(findings: Findings, title: str) -> dict[str, Any]:
    """Everything that the page's script draws."""
    record = findings.record
    labels = record.labels
    return {
        "title": title,
        "run": _run(findings),
        "grid": dict(zip(("rows", "columns"), record.grid, strict=True)),
        "wish": str(findings.wish),
        "fulfilled": findings.recommendation.fulfils,
        "caveat": findings.recommendation.caveat,
        "classes": [
            {"name": name, "color": "#{:02x}{:02x}{:02x}".format(*color)}
            for name, color in zip(labels.classes, labels.colors, strict=True)
        ],
        "settings": [_setting(outcome, findings) for outcome in _ordered(findings.sweep)],
        "timeline": _timeline(record),
        "latency": _latency(record),
        "decision": _decision(findings.sweep.scores),
        "frames": [_frame(shown, record) for shown in record.worst.frames],
        "origin": [
            {"heading": heading, "entries": entries} for heading, entries in findings.origin.items()
        ],
    }


def _run(findings: Findings) -> dict[str, Any]:
    """The figures of the setting that is shown, and of per-frame segmentation."""
    per_frame = findings.sweep.per_frame
    return {
        **_setting(findings.shown, findings),
        "frames": len(findings.record),
        "per_frame_mean_iou": _rounded(per_frame.confusion.mean_iou, 4),
        "per_frame_fps": _rounded(per_frame.frames_per_second(findings.frame_seconds), 2),
    }


def _ordered(sweep: Sweep) -> list[Outcome]:
    return sorted(sweep.outcomes, key=lambda o: (o.setting.kind == "interval", o.setting.value))


def _setting(outcome: Outcome, findings: Findings) -> dict[str, Any]:
    return {
        "kind": outcome.setting.kind,
        "value": outcome.setting.value,
        "share": _rounded(outcome.share, 4),
        "agreement": _rounded(outcome.agreement, 5),
        "mean_iou": _rounded(outcome.confusion.mean_iou, 4),
        "fps": _rounded(outcome.frames_per_second(findings.frame_seconds), 2),
        "recommended": outcome is findings.recommendation.outcome,
    }


def _timeline(record: DriveRecord) -> dict[str, Any]:
    """Series over time; where frames are many, of parts of the drive. A list a region or class."""
    edges = bin_edges(len(record))
    segmented = (record.paths == Path.SEGMENTATION).astype(np.float64)
    return {
        "first_frames": record.numbers[edges[:-1]].tolist(),
        "last_frames": record.numbers[edges[1:] - 1].tolist(),
        "seconds": _rounded(record.seconds[edges[:-1]], 3),
        "end": _rounded(_end(record.seconds), 3),
        "segmented": _rounded(binned(segmented, edges).T, 3),
        "scores": _rounded(binned(record.scores, edges).T, 2),
        "targets": _rounded(binned(record.targets, edges).T, 2),
        "agreement": _rounded(binned(record.agreement, edges), 4),
        "class_shares": _rounded(binned(record.class_shares, edges).T, 4),
    }


def _end(seconds: NDArray[np.float64]) -> float:
    """When the last frame ends: it lasts as long as the one before."""
    return float(2 * seconds[-1] - seconds[-2])


def _latency(record: DriveRecord) -> dict[str, Any]:
    """Histograms of milliseconds: one for each number of segmented regions."""
    milliseconds = 1e3 * record.latencies
    segmented = (record.paths == Path.SEGMENTATION).sum(axis=1)
    top = float(np.percentile(milliseconds, 99.5)) * 1.05
    edges = np.linspace(0.0, top, LATENCY_BINS + 1)
    within = np.minimum(milliseconds, top)  # the last bin takes what lies beyond
    regions = record.paths.shape[1]
    return {
        "edges": _rounded(edges, 3),
        "counts": [
            np.histogram(within[segmented == number], edges)[0].tolist()
            for number in range(regions + 1)
        ],
        **{
            f"p{percentile}": _rounded(np.percentile(milliseconds, percentile), 2)
            for percentile in (50, 95, 99)
        },
    }


def _decision(scores: JudgedScores) -> dict[str, Any]:
    expected, true = np.array(scores.expected), np.array(scores.true)
    return {
        "count": len(expected),
        "error": _rounded(scores.error, 2),
        "rank_correlation": _rounded(scores.rank_correlation, 3),
        "calibration": [
            {
                "low": row.low,
                "high": row.high,
                "count": row.count,
                "expected": _rounded(row.expected, 2),
                "true": _rounded(row.true, 2),
            }
            for row in calibration_table(expected, true)
            if row.count
        ],
    }


def _frame(shown: ShownFrame, record: DriveRecord) -> dict[str, Any]:
    return {
        "number": int(record.numbers[shown.index]),
        "seconds": _rounded(record.seconds[shown.index], 2),
        "agreement": _rounded(shown.agreement, 4),
        "regions": [
            {
                "path": decision.path.label,
                "score": _rounded(decision.expected_confidence, 1),
                "target": _rounded(decision.target, 2),
                "age": decision.key_age,
            }
            for decision in shown.decisions
        ],
        "views": shown.views,
    }


def _rounded(value: float | NDArray[np.float64] | np.floating[Any], digits: int) -> Any:
    """A number, or an array as nested lists; what is not finite becomes None."""
    if isinstance(value, np.ndarray):
        return [_rounded(part, digits) for part in value]
    return round(float(value), digits) if math.isfinite(value) else None
