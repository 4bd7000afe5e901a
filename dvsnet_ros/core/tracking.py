"""Tracking: what has moved from frame to frame, added up since the key frame.

Not in the paper, whose flow network looks from the current frame straight at the key frame. From
one frame to the next the motion is small, and a search for small motion is exact to a fraction of a
pixel, where a network is not; added up (`add_flows`), it leads to the key frame with errors that
grow slowly. What the flow network then has to find is what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.regions import RegionGrid

SMALLEST = 12
"""Pixels; in what is smaller on both sides the search finds no motion."""
FINEST_ROWS = 180
"""Rows, about, of the finest grid on which motion is searched for; smaller views are that grid."""
PATCH = 8
"""Pixels; the side of what is searched for. On a grid narrower than that, there is none to find."""


@dataclass(frozen=True)
class Track:
    """Where R regions were in their key frames.

    Attributes:
        motion: [R, 2, h, w] float32, from a pixel of the region to its place in the key frame, in
            pixels.
        ages: of the key frames, in frames, 1 or more.
    """

    motion: Tensor
    ages: Sequence[int]


def tracking_view(frame: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """What tracking sees of a frame [H, W, 3] BGR: grey, half the processing height and width."""
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    half = cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(half, np.uint8)


def motion_between(current: NDArray[np.uint8], previous: NDArray[np.uint8]) -> Tensor:
    """Motion [1, 2, h, w] (x, y) in pixels, from a pixel of the current view to the previous one.

    Dense inverse search (Kroeger et al., "Fast optical flow using dense inverse search", ECCV
    2016), without variational refinement. The same on any device, and with any number of threads.
    """
    if max(current.shape) < SMALLEST:
        return torch.zeros(1, 2, *current.shape)
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    halvings = round(math.log2(current.shape[0] / FINEST_ROWS))
    most = int(math.log2(min(current.shape) / PATCH))
    search.setFinestScale(max(0, min(halvings, most)))
    motion = search.calc(current, previous, None)  # type: ignore[call-overload]
    return torch.from_numpy(motion).permute(2, 0, 1).unsqueeze(0)


def region_motion(motion: Tensor, grid: RegionGrid) -> Tensor:
    """A frame's motion [1, 2, h, w] on each of its regions at half their size: [R, 2, h', w']."""
    height, width = grid.region_height // 2, grid.region_width // 2
    corners = ((region.y // 2, region.x // 2) for region in grid.regions)
    return torch.cat([motion[..., y : y + height, x : x + width] for y, x in corners])
