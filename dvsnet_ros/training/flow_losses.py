"""What the flow network is trained to make small."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from dvsnet_ros.core.networks.flow_net import FlowFields
from dvsnet_ros.training.losses import JACCARD_WEIGHT, jaccard_loss

COARSE_WEIGHT = 0.25
"""Weight of each coarse estimate's error; the flow's own weighs 1."""

_SMOOTH = 1e-4


def endpoint_error(flow: Tensor, target: Tensor) -> Tensor:
    """Mean distance between flows [N, 2, h, w], in their unit, over where the target is known.

    Where the target is NaN it counts for nothing; 0, still differentiable, if it is nowhere known.
    """
    known = torch.isfinite(target).all(1)
    difference = torch.where(known.unsqueeze(1), flow - target.nan_to_num(), 0.0)
    distance = (difference.square().sum(1) + _SMOOTH).sqrt() * known
    return distance.sum() / known.sum().clamp(min=1)


def flow_loss(fields: FlowFields, target: Tensor) -> Tensor:
    """End-point error of a flow and of the coarse estimates that lead to it.

    Args:
        fields: of N regions.
        target: the true flow [N, 2, h, w] on the 1/8 grid, in its pixels; NaN where unknown.
    """
    loss = endpoint_error(fields.flow.float(), target)
    finer = target
    for estimate in reversed(fields.coarse_flows):
        finer = finer[..., ::2, ::2]
        loss = loss + COARSE_WEIGHT * endpoint_error(estimate.float(), finer)
    return loss


def distillation_loss(logits: Tensor, wanted: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence of logits [N, C, h, w] from wanted ones, and a Jaccard loss.

    The divergence is the mean over the pixels. Logits are divided by the temperature for it, and it
    is multiplied by the temperature's square, so that the gradient stays as large (Hinton et al.,
    2015). The Jaccard loss of the probabilities makes a bicyclist count as much as the road.
    """
    classes = logits.shape[1]
    student = functional.log_softmax(logits / temperature, 1)
    teacher = functional.log_softmax(wanted / temperature, 1)
    divergence = functional.kl_div(student, teacher, reduction="sum", log_target=True)
    divergence = divergence * temperature**2 * classes / logits.numel()
    return divergence + JACCARD_WEIGHT * jaccard_loss(logits.softmax(1), wanted.softmax(1))
