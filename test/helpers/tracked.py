"""Checkpoints whose flow path starts from a track."""

from dataclasses import replace

import torch

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.networks import NetworkSpec, build_network
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.training.state import fitted


@torch.no_grad()
def with_track(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with a flow network that starts from a track and says that nothing is left."""
    spec = checkpoint.specs["flow"]
    flow_spec = NetworkSpec(spec.architecture, {**spec.arguments, "tracked": True})
    flow = fitted(checkpoint.networks["flow"], build_network(flow_spec))
    assert isinstance(flow, FlowNet)
    for name in ("weight", "bias"):
        flow.get_parameter(f"predict_flow2.{name}").zero_()
        flow.get_parameter(f"predict_scale.{name}").fill_(float(name == "bias"))
    decision = checkpoint.specs["decision"]
    sizes = {**decision.arguments, "feature_channels": flow.feature_channels}
    decision_spec = NetworkSpec(decision.architecture, sizes)
    return replace(
        checkpoint,
        networks={
            **checkpoint.networks,
            "flow": flow,
            "decision": fitted(checkpoint.networks["decision"], build_network(decision_spec)),
        },
        specs={**checkpoint.specs, "flow": flow_spec, "decision": decision_spec},
    )
