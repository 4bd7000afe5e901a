"""The networks of DVSNet, each reading top-down as in its paper, and how to build one by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from dvsnet_ros.core.networks.compact import CompactSegmenter
from dvsnet_ros.core.networks.decision import CellDecision, DecisionNetwork
from dvsnet_ros.core.networks.deeplab_fast import DeepLabFast
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.core.networks.installed import installed_architecture
from dvsnet_ros.core.sentences import one_line

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "compact": CompactSegmenter,
    "deeplab_fast": DeepLabFast,
    "flow_net": FlowNet,
    "decision_network": DecisionNetwork,
    "cell_decision": CellDecision,
}


@dataclass(frozen=True)
class NetworkSpec:
    """A network by name: an architecture and the arguments of its constructor (JSON values)."""

    architecture: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def argument(self, name: str) -> Any:
        """An argument's value, the constructor's own where none is given; None if it has none."""
        if name in self.arguments:
            return self.arguments[name]
        parameter = inspect.signature(constructor_of(self.architecture)).parameters.get(name)
        return parameter.default if parameter else None


def constructor_of(architecture: str) -> Callable[..., nn.Module]:
    """What builds networks of an architecture: this package's, or one that another brings.

    Raises:
        ValueError: if there is none, or the package that brings it can't be imported.
    """
    return ARCHITECTURES.get(architecture) or installed_architecture(architecture)


def build_network(spec: NetworkSpec) -> nn.Module:
    """Build a network, in evaluation mode, with its random initial weights.

    Raises:
        ValueError: if the architecture is unknown, the arguments are not its own, or another
            package's constructor fails.
    """
    constructor = constructor_of(spec.architecture)
    try:
        return constructor(**spec.arguments).eval()
    except ValueError:
        raise
    except Exception as error:  # somebody else's code may raise anything
        raise ValueError(
            f"architecture '{spec.architecture}' can't be built with {dict(spec.arguments)}: "
            f"{type(error).__name__}: {one_line(error)}"
        ) from error
