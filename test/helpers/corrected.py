"""Checkpoints whose flow path corrects what it warped, and whose scores are known."""

from dataclasses import replace

import torch

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.networks import NetworkSpec, build_network
from dvsnet_ros.core.networks.decision import DecisionNetwork
from dvsnet_ros.core.networks.flow_net import FlowNet


def with_correction(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with a random correction.

    Scores are 100 less ten times the flow path's mean doubt.
    """
    spec = checkpoint.specs["flow"]
    flow_spec = NetworkSpec(spec.architecture, {**spec.arguments, "correction": 8})
    flow = build_network(flow_spec)
    assert isinstance(flow, FlowNet)
    flow.load_state_dict(checkpoint.networks["flow"].state_dict(), strict=False)
    sizes = {"feature_channels": flow.feature_channels, "channels": 1, "hidden": 1}
    decision_spec = NetworkSpec("decision_network", sizes)
    decision = build_network(decision_spec)
    assert isinstance(decision, DecisionNetwork)
    _score_by_doubt(decision)
    return replace(
        checkpoint,
        networks={**checkpoint.networks, "flow": flow, "decision": decision},
        specs={**checkpoint.specs, "flow": flow_spec, "decision": decision_spec},
    )


@torch.no_grad()
def _score_by_doubt(network: DecisionNetwork) -> None:
    for parameter in network.parameters():
        parameter.zero_()
    network.conv.weight[0, 0, 1, 1] = 10.0  # the flow path's doubt
    network.dense1.weight.fill_(1.0 / network.dense1.in_features)
    for layer in (network.dense2, network.dense3):
        layer.weight[0] = 1.0
    network.dense4.weight[0, 0] = -1.0
    network.dense4.bias.fill_(100.0)
