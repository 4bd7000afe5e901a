"""Segmentations come back from disk as they were."""

import math
from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation
from dvsnet_ros.core.segmentation_file import Stamped, load_segmentations, save_segmentations

STAMP = 1_700_000_000_123_456_789


def stamped(index: int, height: int, confidence: bool) -> Stamped:
    random = np.random.default_rng(index)
    grid = RegionGrid(height, 64, 1, 2, 16)
    left, right = grid.regions
    decisions = (
        RegionDecision(left, RegionPath.SEGMENTATION, math.nan, 90.1, STAMP, 0),
        RegionDecision(right, RegionPath.FLOW, 90.1 + 1e-9, 90.1, STAMP - 1, index),
    )
    mask, sure = random.integers(0, 256, (2, height, 64), np.uint8)
    return Stamped(
        STAMP + index, Segmentation(mask, sure if confidence else None, decisions, grid, {}, None)
    )


@pytest.mark.parametrize("confidence", [False, True])
def test_what_is_saved_comes_back(tmp_path: Path, confidence: bool) -> None:
    saved = [stamped(0, 32, confidence), stamped(1, 32, confidence), stamped(2, 48, confidence)]
    save_segmentations(tmp_path / "stretch", saved)
    for before, after in zip(saved, load_segmentations(tmp_path / "stretch"), strict=True):
        assert after.stamp == before.stamp
        one, two = before.segmentation, after.segmentation
        np.testing.assert_array_equal(one.mask, two.mask)
        assert two.mask.dtype == np.uint8
        assert two.grid == one.grid
        if confidence:
            np.testing.assert_array_equal(one.confidence, two.confidence)
        else:
            assert two.confidence is None
        assert str(two.decisions) == str(one.decisions)  # nan is unlike itself
