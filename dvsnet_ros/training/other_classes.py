"""Starting from a network that was trained for another number of classes."""

from __future__ import annotations

import copy

from torch import nn

from dvsnet_ros.core.networks.compact import CompactSegmenter
from dvsnet_ros.core.networks.flow_net import FlowNet


def for_its_classes(
    start: nn.Module, network: CompactSegmenter | FlowNet, share: float
) -> nn.Module:
    """A network to start from, with as many classes as the one to train.

    Args:
        start: the network to start from.
        network: the one to train, with its initial weights.
        share: of the weights of `start` in those that are written, 0-1.

    Returns:
        `start`, if it has as many classes; else a copy whose layers that depend on the classes
        (`CLASS_LAYERS`) are those of `network`.

    Raises:
        ValueError: if a share is to be written of a network of another number of classes.
    """
    classes = getattr(start, "num_classes", network.num_classes)
    if classes == network.num_classes:
        return start
    if share:
        raise ValueError(
            f"a share of weights for {classes} classes can't be written for {network.num_classes}; "
            "leave --start-share out, or start from a network of the same classes"
        )
    copied = copy.deepcopy(start)
    present, new = dict(copied.named_modules()), dict(network.named_modules())
    for layer in network.CLASS_LAYERS:
        if layer in present and layer in new:
            parent, _, name = layer.rpartition(".")
            setattr(present[parent], name, copy.deepcopy(new[layer]))
    return copied
