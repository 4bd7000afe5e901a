"""What is painted over a frame."""

import numpy as np

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.overlay import BORDER_COLORS, paint_overlay
from dvsnet_ros.core.regions import Region
from dvsnet_ros.core.schedule import Path
from helpers.segmentations import segmentation


def borders(height: int, width: int) -> dict[Path, np.ndarray]:
    """Where the borders are, of the left region, segmented, and of the right one, which overlap."""
    black = np.zeros((height, width, 3), np.uint8)
    painted = paint_overlay(black, segmentation(0, height, width), CAMVID, opacity=0.0)
    return {path: (painted == color).all(-1) for path, color in BORDER_COLORS.items()}


def outline(region: Region, height: int, width: int) -> np.ndarray:
    """The outermost pixels of a region."""
    filled = np.zeros((height, width), bool)
    filled[region.slices] = True
    rows, columns = region.slices
    inner = np.zeros_like(filled)
    inner[rows.start + 1 : rows.stop - 1, columns.start + 1 : columns.stop - 1] = True
    return filled & ~inner


def test_borders_are_the_outermost_pixels_of_regions_and_segmentation_hides_flow() -> None:
    left, right = (decision.region for decision in segmentation(0, 48, 64).decisions)
    seen, segmented = borders(48, 64), outline(left, 48, 64)
    np.testing.assert_array_equal(seen[Path.SEGMENTATION], segmented)
    np.testing.assert_array_equal(seen[Path.FLOW], outline(right, 48, 64) & ~segmented)


def test_borders_of_large_frames_are_wider() -> None:
    left = segmentation(0, 600, 800).decisions[0].region
    end = left.x + left.width
    row = borders(600, 800)[Path.SEGMENTATION][300]
    assert row[end - 20 : end + 20].sum() >= 3
