"""Segmentations that no network made."""

from __future__ import annotations

import math

import numpy as np

from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import Path
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation

STAMP = 1_700_000_000_123_456_789


def segmentation(
    index: int, height: int = 48, width: int = 64, *, confidence: bool = False
) -> Segmentation:
    """The segmentation of frame `index`: noise, and one region on each path."""
    noise = np.random.default_rng(index).integers(0, 11, (2, height, width), np.uint8)
    grid = RegionGrid(height, width, 1, 2, 16)
    left, right = grid.regions
    decisions = (
        RegionDecision(left, Path.SEGMENTATION, math.nan, 90.1, STAMP, 0),
        RegionDecision(right, Path.FLOW, 90.1 + 1e-9, 90.1, STAMP - 1, index),
    )
    return Segmentation(noise[0], noise[1] if confidence else None, decisions, grid, {}, None)
