"""The overlay: what a segmentation says, painted over its frame."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.schedule import Path
from dvsnet_ros.core.segmentation import Segmentation

BORDER_COLORS: Final = {Path.SEGMENTATION: (0, 0, 255), Path.FLOW: (0, 255, 0)}
"""BGR colours of a region's border in the overlay, by its path."""


def paint_overlay(
    frame: NDArray[np.uint8], segmentation: Segmentation, labels: LabelSet, opacity: float
) -> NDArray[np.uint8]:
    """The classes painted over the frame, region borders by path: uint8 [H, W, 3], BGR.

    Args:
        frame: [H, W, 3] uint8, BGR.
        segmentation: of that frame, at its size.
        labels: colours of the classes.
        opacity: 0 shows the frame alone, 1 the classes alone.
    """
    painted = labels.colorize(segmentation.mask)
    painted = np.asarray(cv2.addWeighted(painted, opacity, frame, 1.0 - opacity, 0.0), np.uint8)
    thickness = max(1, round(min(frame.shape[:2]) / 200))
    # The segmentation path's borders come last: where regions overlap, they are seen.
    for decision in sorted(segmentation.decisions, key=lambda decision: -decision.path):
        area, color = decision.region, BORDER_COLORS[decision.path]
        corner = (area.x + area.width - 1, area.y + area.height - 1)
        cv2.rectangle(painted, (area.x, area.y), corner, color, thickness)
    return painted
