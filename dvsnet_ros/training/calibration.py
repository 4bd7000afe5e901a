"""How well expected confidence scores foretell the scores that came true."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]

BIN_EDGES = (0.0, 50.0, 60.0, 70.0, 80.0, 85.0, 90.0, 95.0, 97.5, 100.0)
"""Of the calibration table: finer where targets are set."""


def mean_absolute_error(expected: Scores, true: Scores) -> float:
    """Mean distance of expected scores [N] from the true ones [N], in points."""
    return float(np.abs(expected - true).mean())


def rank_correlation(expected: Scores, true: Scores) -> float:
    """Spearman's rank correlation, -1 to 1; equal scores share their mean rank.

    NaN where one side has fewer than two different scores.
    """
    ranks = np.stack((_ranks(expected), _ranks(true)))
    ranks -= ranks.mean(1, keepdims=True)
    spread = np.sqrt((ranks**2).sum(1)).prod()
    return float((ranks[0] * ranks[1]).sum() / spread) if spread else float("nan")


def _ranks(scores: Scores) -> NDArray[np.float64]:
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank: NDArray[np.float64] = (last - (counts - 1) / 2.0)[place.reshape(-1)]
    return mean_rank


@dataclass(frozen=True)
class CalibrationRow:
    """What came true where scores between `low` and `high` were expected.

    Attributes:
        low, high: bounds of the expected score; `high` is not included, but in the last row.
        count: regions; the means are NaN where it is 0.
        expected: mean expected score.
        true: mean true score.
    """

    low: float
    high: float
    count: int
    expected: float
    true: float


def calibration_table(expected: Scores, true: Scores) -> list[CalibrationRow]:
    """One row a bin of the expected score; scores beyond 0-100 fall into the outer bins."""
    bins = np.clip(np.digitize(expected, BIN_EDGES) - 1, 0, len(BIN_EDGES) - 2)
    rows = []
    for index, (low, high) in enumerate(pairwise(BIN_EDGES)):
        inside = bins == index
        count = int(inside.sum())
        means = [float(side[inside].mean()) if count else np.nan for side in (expected, true)]
        rows.append(CalibrationRow(low, high, count, *means))
    return rows


def format_calibration(rows: list[CalibrationRow]) -> str:
    """The table as text, for a terminal; bins without a region are left out."""
    lines = ["expected score   regions   mean expected   mean true"]
    lines += [
        f"{row.low:5.1f} to {row.high:5.1f}  {row.count:8d}  {row.expected:14.2f}  {row.true:10.2f}"
        for row in rows
        if row.count
    ]
    return "\n".join(lines)
