"""What the video segmenter says of a frame."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.regions import Region, RegionGrid
from dvsnet_ros.core.schedule import Path


class ResetReason(enum.Enum):
    """Why the video segmenter forgot all key frames by itself; the values are for people."""

    NEW_IMAGE_SIZE = "new image size"
    STAMP_JUMPED_BACK = "stamp jumped back"
    GAP = "gap over max_gap"


@dataclass(frozen=True)
class RegionDecision:
    """The path of one region in one frame, and why.

    Attributes:
        region: the region, in pixels of the mask.
        path: the path it took.
        expected_confidence: the decision network's score, 0-100; NaN where there is none (the
            first frame after a reset).
        target: what the score was compared with.
        key_stamp: stamp of the region's key frame, in nanoseconds.
        key_age: frames since the key frame; 0 if this one is it.
    """

    region: Region
    path: Path
    expected_confidence: float
    target: float
    key_stamp: int
    key_age: int


@dataclass(frozen=True)
class Segmentation:
    """Labels of a frame and how each region came to them.

    Attributes:
        mask: [H, W] uint8 class ids.
        confidence: [H, W] uint8, softmax of the winning class times 255, if it was asked for.
        decisions: one a region, row by row.
        grid: the regions, at the processing size.
        timings: seconds spent in `flow`, `segmentation` and `decode`, and in `total`. On a CUDA
            device, which works asynchronously, only `total` says more than when work was handed
            over.
        reset_reason: why the segmenter forgot all key frames before this frame by itself, or None.
    """

    mask: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None
    decisions: tuple[RegionDecision, ...]
    grid: RegionGrid
    timings: Mapping[str, float]
    reset_reason: ResetReason | None

    def resized(self, height: int, width: int) -> Segmentation:
        """The same at another size: nearest neighbour, the decisions' regions scaled."""
        if self.mask.shape == (height, width):
            return self
        vertical, horizontal = height / self.mask.shape[0], width / self.mask.shape[1]
        confidence = self.confidence
        return replace(
            self,
            mask=_nearest(self.mask, height, width),
            confidence=None if confidence is None else _nearest(confidence, height, width),
            decisions=tuple(
                replace(decision, region=decision.region.scaled(vertical, horizontal))
                for decision in self.decisions
            ),
        )


def _nearest(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Nearest neighbour with pixel centres aligned."""
    rows = ((np.arange(height) + 0.5) * image.shape[0] / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * image.shape[1] / width).astype(np.intp)
    return np.ascontiguousarray(image[rows[:, None], columns])
