"""From the regions' logits to the frame's mask: which region speaks for a pixel of several.

Source: `inference.py` of the original takes the largest logit. By confidence is our own: two
regions' logits are of different sizes, most of all where one comes from the flow path, which scales
them; their softmax is what they can be compared by.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.decode import confidence_of, decode
from dvsnet_ros.core.regions import RegionGrid

TRUST_LOST = 0.05
"""By how much the logarithm of a confidence falls with each frame of its key frame's age. At 5 %
of the regions segmented it brings half a point of mIoU, at 20 % nothing (docs/benchmarks.md)."""


class MergeRule(enum.Enum):
    """Which region a pixel's label is taken from, where regions overlap; the earlier on ties."""

    CONFIDENCE = "confidence"
    """The most confident one, the younger its key frame the better."""
    LOGIT = "logit"
    """That of the largest logit, as in the original."""


def merge(
    logits: Sequence[Tensor],
    ages: Sequence[int],
    grid: RegionGrid,
    rule: MergeRule,
    *,
    confidence: bool,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Mask [H, W], and each pixel's confidence (0-255) if wanted, of a frame.

    Args:
        logits: of each region, [C, h, w] float32.
        ages: of their key frames, in frames; 0 is segmented in this one.
        grid: where the regions are.
        rule: which region wins where they overlap.
        confidence: whether to compute it.

    Raises:
        ValueError: if logits are not finite.
    """
    if rule is MergeRule.CONFIDENCE:
        logits = [trusted(region, age) for region, age in zip(logits, ages, strict=True)]
    device = logits[0].device
    size = (grid.height, grid.width)
    mask = torch.zeros(size, dtype=torch.uint8, device=device)
    best = torch.full(size, -math.inf, device=device)
    confidences = torch.zeros(size, device=device) if confidence else None
    for region, region_logits in zip(grid.regions, logits, strict=True):
        labels = decode(region_logits, region.height, region.width)
        place = region.slices
        wins = labels.values > best[place]  # the earlier region on ties
        mask[place] = torch.where(wins, labels.classes, mask[place])
        best[place] = torch.where(wins, labels.values, best[place])
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


def trusted(logits: Tensor, age: int) -> Tensor:
    """Logits [C, h, w] that can be compared with other regions': the same labels, other values.

    What is taken off is the same for every class, at each place.
    """
    return logits.log_softmax(0) - TRUST_LOST * age
