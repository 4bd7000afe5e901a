"""Stand-ins for networks that a checkpoint lacks, where nothing asks what they say."""

from __future__ import annotations

from dataclasses import replace

from dvsnet_ros.core.checkpoint import Checkpoint, new_checkpoint
from dvsnet_ros.core.networks import NetworkSpec


def with_stand_ins(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with tiny, untrained networks in place of a missing flow or decision network.

    A VideoSegmenter wants all three. What it says of first frames depends on the segmentation
    network alone, and what it says under fixed intervals does not depend on the decision network.
    """
    flow = NetworkSpec("flow_net", {"num_classes": len(checkpoint.label_set.classes), "width": 1})
    channels = getattr(checkpoint.networks.get("flow"), "feature_channels", 16)
    small = {"feature_channels": channels, "channels": 1, "hidden": 1}
    specs = {"flow": flow, "decision": NetworkSpec("decision_network", small)}
    missing = {name: spec for name, spec in specs.items() if name not in checkpoint.networks}
    fresh = new_checkpoint(missing, checkpoint.label_set)
    return replace(
        checkpoint,
        networks={**checkpoint.networks, **fresh.networks},
        specs={**checkpoint.specs, **missing},
    )
