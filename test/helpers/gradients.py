"""Which parameters a training step leaves out."""

from torch import nn


def silent_parameters(network: nn.Module) -> list[str]:
    """The names of those that the last backward pass gave no gradient, or only zeros."""
    return [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    ]
