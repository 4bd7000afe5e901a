import math

import numpy as np
import pytest

from dvsnet_ros.training.calibration import (
    calibration_table,
    format_calibration,
    mean_absolute_error,
    rank_correlation,
)


def test_mean_absolute_error() -> None:
    assert mean_absolute_error(np.array([90.0, 80.0]), np.array([92.0, 79.0])) == 1.5


def test_rank_correlation_sees_order_alone() -> None:
    true = np.array([10.0, 20.0, 30.0, 40.0])
    assert rank_correlation(true**3, true) == pytest.approx(1.0)
    assert rank_correlation(-true, true) == pytest.approx(-1.0)
    assert rank_correlation(np.array([1.0, 3.0, 2.0, 4.0]), true) == pytest.approx(0.8)


def test_rank_correlation_of_ties() -> None:
    """Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5)."""
    tied = np.array([1.0, 2.0, 2.0, 3.0])
    assert rank_correlation(tied, np.arange(4.0)) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(rank_correlation(np.ones(4), np.arange(4.0)))


def test_calibration_table() -> None:
    expected = np.array([-3.0, 91.0, 94.0, 99.0, 100.0, 104.0])
    rows = calibration_table(expected, expected - 1)
    counts = {(row.low, row.high): row.count for row in rows if row.count}
    assert counts == {(0.0, 50.0): 1, (90.0, 95.0): 2, (97.5, 100.0): 3}
    row = next(row for row in rows if row.low == 90.0)
    assert (row.expected, row.true) == (92.5, 91.5)
    text = format_calibration(rows)
    assert len(text.splitlines()) == 4
    assert "92.50" in text
