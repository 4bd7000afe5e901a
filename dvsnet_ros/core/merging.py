"""From the regions' logits to the frame's mask: which region speaks for a pixel that several show.

Source: `inference.py` of the original, where the larger logit wins. That the younger key frame
counts for something is our own: with 2x2 regions that overlap by 64 pixels each side, half of a
frame of 480x360 is in two regions or more, and often one of them was just segmented.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.decode import confidence_of, decode
from dvsnet_ros.core.regions import RegionGrid

AGE_DISCOUNT = 0.3
"""What a region's logits lose, in the comparison, with each frame of its key frame's age. Logits
are logarithms of odds, so e^0.3 = 1.35 of these; from 0.1 to 0.5 works (docs/ablations.md)."""


def merge(
    logits: Sequence[Tensor],
    ages: Sequence[int],
    grid: RegionGrid,
    *,
    age_discount: float,
    confidence: bool,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Mask [H, W], and each pixel's confidence (0-255) if wanted, of a frame.

    Where regions overlap, the larger logit wins, the earlier region on ties.

    Args:
        logits: of each region, [C, h, w] float32.
        ages: of their key frames, in frames; 0 was segmented in this one.
        grid: where the regions are.
        age_discount: what a logit counts less with each frame of that age, 0 or more.
        confidence: whether to compute it.

    Raises:
        ValueError: if logits are not finite.
    """
    device = logits[0].device
    size = (grid.height, grid.width)
    mask = torch.zeros(size, dtype=torch.uint8, device=device)
    best = torch.full(size, -math.inf, device=device)
    confidences = torch.zeros(size, device=device) if confidence else None
    for region, region_logits, age in zip(grid.regions, logits, ages, strict=True):
        labels = decode(region_logits, region.height, region.width)
        values = labels.values - age_discount * age
        place = region.slices
        wins = values > best[place]
        mask[place] = torch.where(wins, labels.classes, mask[place])
        best[place] = torch.where(wins, values, best[place])
        if confidences is not None:
            winning = confidence_of(region_logits, labels)
            confidences[place] = torch.where(wins, winning, confidences[place])
    if not best.isfinite().all():
        raise ValueError(
            "the networks gave logits that are not finite, so there is no mask; use precision "
            "float32, or another checkpoint"
        )
    if confidences is None:
        return mask.cpu().numpy(), None
    return mask.cpu().numpy(), (confidences * 255).round_().to(torch.uint8).cpu().numpy()
