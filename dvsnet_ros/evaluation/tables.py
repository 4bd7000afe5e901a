"""What `dvsnet evaluate` writes and prints: tables of its figures."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.evaluation.sweep import JudgedScores, Outcome
from dvsnet_ros.training.calibration import CalibrationRow
from dvsnet_ros.training.confusion import Confusion

TRADEOFF_COLUMNS = (
    "kind", "value", "share_of_segmentation", "agreement", "mean_iou", "pixel_accuracy",
    "frames_per_second", "regions", "segmented_regions", "score_error", "score_rank_correlation",
)  # fmt: skip


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table; it appears under its name when it is whole, floats with 6 digits."""
    part = path.with_name(path.name + ".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([f"{v:.6g}" if isinstance(v, float) else v for v in row])
    part.replace(path)


def write_confusion(folder: Path, confusion: Confusion, labels: LabelSet, images: int) -> None:
    """Write classes.csv, confusion.csv and summary.csv of labelled stills."""
    labelled, predicted = confusion.counts.sum(1), confusion.counts.sum(0)
    rows = zip(labels.classes, confusion.class_iou.tolist(), labelled, predicted, strict=True)
    write_csv(folder / "classes.csv", ("class", "iou", "labelled_pixels", "predicted_pixels"), rows)
    counts = zip(labels.classes, confusion.counts.tolist(), strict=True)
    write_csv(
        folder / "confusion.csv",
        ("labelled \\ predicted", *labels.classes),
        ([name, *row] for name, row in counts),
    )
    summary = (confusion.mean_iou, confusion.pixel_accuracy, images, int(labelled.sum()))
    columns = ("mean_iou", "pixel_accuracy", "images", "labelled_pixels")
    write_csv(folder / "summary.csv", columns, [summary])


def format_confusion(confusion: Confusion, labels: LabelSet) -> str:
    """IoU a class, and the means, in percent, for a terminal."""
    width = max(map(len, labels.classes))
    pixels = confusion.counts.sum(1)
    if not pixels.any():
        return (
            f"no pixel of the labels has an id of label set '{labels.name}': all is void, as in "
            "Cityscapes' test split, and there is nothing to measure"
        )
    lines = [f"{'class':{width}}   IoU %   share of the labels %"]
    for name, iou, count in zip(labels.classes, confusion.class_iou, pixels, strict=True):
        shown = f"{100 * iou:5.1f}" if np.isfinite(iou) else "    –"  # nowhere to be seen
        lines.append(f"{name:{width}}   {shown}   {100 * count / max(1, pixels.sum()):5.1f}")
    lines.append(
        f"mIoU {100 * confusion.mean_iou:.1f} %, pixel accuracy "
        f"{100 * confusion.pixel_accuracy:.1f} %"
    )
    return "\n".join(lines)


def write_tradeoff(
    path: Path, outcomes: Iterable[Outcome], frame_seconds: NDArray[np.float64]
) -> None:
    """Write tradeoff.csv, a row a setting; shares, agreement and IoU are 0-1, scores 0-100."""
    write_csv(
        path,
        TRADEOFF_COLUMNS,
        (
            (
                outcome.setting.kind,
                outcome.setting.value,
                outcome.share,
                outcome.agreement,
                outcome.confusion.mean_iou,
                outcome.confusion.pixel_accuracy,
                outcome.frames_per_second(frame_seconds),
                outcome.regions,
                outcome.segmented,
                outcome.scores.error,
                outcome.scores.rank_correlation,
            )
            for outcome in outcomes
        ),
    )


def format_tradeoff(
    outcomes: Iterable[Outcome], frame_seconds: NDArray[np.float64], *, labelled: bool
) -> str:
    """The same for a terminal, in percent; without mIoU where nothing is labelled."""
    quality = "   mIoU %   pixel accuracy %" if labelled else ""
    lines = [f"{'setting':16}  segmented %   agreement %{quality}   frames/s"]
    for outcome in outcomes:
        confusion = outcome.confusion
        figures = (
            f"   {100 * confusion.mean_iou:6.2f}   {100 * confusion.pixel_accuracy:16.2f}"
            if labelled
            else ""
        )
        lines.append(
            f"{outcome.setting.name:16}  {100 * outcome.share:11.2f}   "
            f"{100 * outcome.agreement:11.2f}{figures}   "
            f"{outcome.frames_per_second(frame_seconds):8.2f}"
        )
    return "\n".join(lines)


def format_matches(outcomes: Sequence[Outcome], *, labelled: bool) -> str:
    """Each interval beside the target whose share of segmentation is nearest, for a terminal.

    A table for each kind of schedule whose targets were searched. But not the interval 1, which
    leaves nothing to choose.
    """
    kinds = sorted({outcome.setting.kind for outcome in outcomes} - {"interval", "max_share"})
    intervals = [o for o in outcomes if o.setting.kind == "interval" and o.setting.value > 1]
    head = "   segmented %   agreement %" + ("   mIoU %" if labelled else "")
    lines = []
    for kind in kinds:
        lines.append(f"{'at equal shares':16}{head}   {'':16}{head}")
        targets = [outcome for outcome in outcomes if outcome.setting.kind == kind]
        for one in intervals:
            pair = (one, _nearest(targets, one.share))
            lines.append("   ".join(_match(outcome, labelled) for outcome in pair))
    return "\n".join(lines)


def _nearest(outcomes: Sequence[Outcome], share: float) -> Outcome:
    return min(outcomes, key=lambda outcome: abs(outcome.share - share))


def _match(outcome: Outcome, labelled: bool) -> str:
    mean_iou = f"   {100 * outcome.confusion.mean_iou:6.2f}" if labelled else ""
    return (
        f"{outcome.setting.name:16}   {100 * outcome.share:11.2f}   "
        f"{100 * outcome.agreement:11.2f}{mean_iou}"
    )


def write_scores(folder: Path, scores: JudgedScores, rows: Sequence[CalibrationRow]) -> None:
    """Write decision.csv, the decision network's figures, and calibration.csv."""
    figures = (len(scores.true), scores.error, scores.rank_correlation)
    columns = ("decisions", "mean_absolute_error", "rank_correlation")
    write_csv(folder / "decision.csv", columns, [figures])
    write_csv(
        folder / "calibration.csv",
        ("expected_from", "expected_to", "decisions", "mean_expected", "mean_true"),
        ((row.low, row.high, row.count, row.expected, row.true) for row in rows),
    )
