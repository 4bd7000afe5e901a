"""What the networks are trained to make small."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.networks.resize import resize_bilinear

LABEL_STRIDE = 2
"""Labels are compared at every second pixel: a quarter of the work, and the crops' random places
make every pixel count in turn."""


def class_weights(frequencies: NDArray[np.float64], softness: float = 1.05) -> Tensor:
    """Weight of each class, 1 / log(softness + frequency), their mean 1.

    ENet's weighting (Paszke et al., 2016) with a milder ratio: about 6 between a class of 0.2 % of
    the pixels and one of 30 %.
    """
    weights = 1.0 / np.log(softness + frequencies)
    return torch.from_numpy(weights / weights.mean()).float()


def segmentation_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross entropy of logits [N, classes, h, w], resized as in inference.

    Args:
        logits: at any stride, of the whole of `labels`.
        labels: class ids [N, H, W] uint8 or int64; ids of no class are void and count for nothing.
        weights: one a class, [classes].

    Returns:
        The mean over what is not void; 0, still differentiable, where all is void.
    """
    height, width = labels.shape[-2:]
    sampled = labels[:, ::LABEL_STRIDE, ::LABEL_STRIDE].long()
    resized = resize_bilinear(
        logits.float(), *(-(-size // LABEL_STRIDE) for size in (height, width))
    )
    known = sampled < logits.shape[1]
    target = torch.where(known, sampled, -100)
    total = functional.cross_entropy(resized, target, weights, ignore_index=-100, reduction="sum")
    counted = weights[sampled[known]].sum()
    return total / counted.clamp(min=torch.finfo(counted.dtype).tiny)
