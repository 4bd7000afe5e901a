"""An average of a network's weights over the steps of its training; it beats the last ones."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class WeightAverage:
    """Exponential moving average of a network, batch norm statistics included.

    Args:
        network: the network that is trained.
        decay: share of the old average that each step keeps, below 1; smaller in the first steps,
            so that the random initial weights are soon forgotten.

    Attributes:
        network: the averaged network, in evaluation mode.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after step `step` (counted from 0)."""
        keep = min(self.decay, (1.0 + step) / (10.0 + step))
        _move(self.network, network, 1.0 - keep)


@torch.no_grad()
def between(network: Network, other: nn.Module, share: float) -> Network:
    """A copy of a network whose weights are moved towards another's by `share`, 0-1."""
    mixed = copy.deepcopy(network)
    _move(mixed, other, share)
    return mixed


def _move(network: nn.Module, other: nn.Module, share: float) -> None:
    """Move a network's weights towards another's, in place; what is counted becomes the other's."""
    theirs = other.state_dict()
    weights, towards = [], []
    for name, weight in network.state_dict().items():
        if weight.dtype.is_floating_point:
            weights.append(weight)
            towards.append(theirs[name].to(weight))
        else:
            weight.copy_(theirs[name])
    torch._foreach_lerp_(weights, towards, share)
