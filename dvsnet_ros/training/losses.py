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


JACCARD_WEIGHT = 0.5
"""What the Jaccard loss counts beside the cross entropy."""


def class_weights(frequencies: NDArray[np.float64], softness: float = 1.05) -> Tensor:
    """Weight of each class, 1 / log(softness + frequency), their mean 1.

    ENet's weighting (Paszke et al., 2016) with a milder ratio: about 6 between a class of 0.2 % of
    the pixels and one of 30 %.
    """
    weights = 1.0 / np.log(softness + frequencies)
    return torch.from_numpy(weights / weights.mean()).float()


def segmentation_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted cross entropy and soft Jaccard loss of logits, resized as in inference.

    Args:
        logits: [N, classes, h, w] at any stride, of the whole of `labels`.
        labels: class ids [N, H, W] uint8 or int64; ids of no class are void and count for nothing.
        weights: one a class, [classes], of the cross entropy.

    Returns:
        Their sum over what is not void; 0, still differentiable, where all is void.
    """
    height, width = labels.shape[-2:]
    sampled = labels[:, ::LABEL_STRIDE, ::LABEL_STRIDE].long()
    resized = resize_bilinear(
        logits.float(), *(-(-size // LABEL_STRIDE) for size in (height, width))
    )
    log_shares = functional.log_softmax(resized, 1)
    classes = logits.shape[1]
    truth = functional.one_hot(sampled.clamp(max=classes), classes + 1)[..., :classes]
    truth = truth.permute(0, 3, 1, 2).float()  # all 0 where void
    shares = log_shares.exp() * truth.sum(1, keepdim=True)
    entropy = weighted_cross_entropy(log_shares, sampled, weights)
    return entropy + JACCARD_WEIGHT * jaccard_loss(shares, truth)


def weighted_cross_entropy(log_shares: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy of log probabilities [N, C, H, W] under labels [N, H, W], the weighted mean."""
    void = log_shares.shape[1]
    target = labels.clamp(max=void)
    total = functional.nll_loss(
        log_shares, target.where(target < void, -100), weights, ignore_index=-100, reduction="sum"
    )
    counted = torch.cat((weights, weights.new_zeros(1)))[target].sum()
    return total / counted.clamp(min=torch.finfo(counted.dtype).tiny)


def jaccard_loss(shares: Tensor, truth: Tensor) -> Tensor:
    """1 - intersection over union of probabilities and true ones, each [N, C, H, W], 0-1.

    Over the whole batch, the mean of the classes that it shows, those with a true probability above
    a half: what a mean IoU asks for, where a pole counts as much as the sky. Of certain truths it
    is the soft Jaccard loss (Rahman and Wang, 2016); it is 0 at uncertain ones, too, where both are
    the same (the Jaccard metric loss of Wang et al., 2023).
    """
    pixels = (0, 2, 3)
    total = shares.sum(pixels) + truth.sum(pixels)
    difference = (shares - truth).abs().sum(pixels)
    shown = truth.amax(pixels) > 0.5
    losses = torch.where(shown, 2.0 * difference / (total + difference).clamp(min=1e-6), 0.0)
    return losses.sum() / shown.sum().clamp(min=1)
