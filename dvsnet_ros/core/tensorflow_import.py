"""The authors' TensorFlow variables as this project's networks.

TensorFlow itself is not needed here: the variables come as numpy arrays, by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dvsnet_ros.core.checkpoint import Checkpoint, CheckpointError, new_checkpoint, original_specs
from dvsnet_ros.core.label_sets import CITYSCAPES

Array = NDArray[np.float32]

BATCH_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
DECISION_LAYERS = {
    "conv": "Conv",
    "dense1": "fully_connected",
    "dense2": "fully_connected_1",
    "dense3": "fully_connected_2",
    "dense4": "fully_connected_3",
}
PERMUTATIONS = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}
"""Axes of TensorFlow's layout in the order of ours, by the number of axes.

A convolution is [kh, kw, in, out] there and [out, in, kh, kw] here; a transposed one
[kh, kw, out, in] and [in, out, kh, kw]; a dense layer [in, out] and [out, in].
"""
IGNORED = ("Adam", "Adam_1", "Momentum", "global_step", "beta1_power", "beta2_power")
"""Last parts of names that TensorFlow's optimisers leave in checkpoints."""


@dataclass(frozen=True)
class Variable:
    """Where a tensor of ours is in the TensorFlow checkpoint.

    Attributes:
        name: the variable's name.
        shape: its shape there.
        permutation: axes of the variable in the order of our tensor's.
    """

    name: str
    shape: tuple[int, ...]
    permutation: tuple[int, ...]


def variables_of(network: str, module: nn.Module) -> dict[str, Variable]:
    """The TensorFlow variable of each tensor of a network (`segmentation`, `flow`, `decision`)."""
    name_of = {"segmentation": _segmentation_name, "flow": _flow_name, "decision": _decision_name}
    return {
        key: _variable(name_of[network](key), key, module)
        for key in module.state_dict()
        if not key.endswith("num_batches_tracked")
    }


def import_variables(variables: Mapping[str, Array]) -> Checkpoint:
    """Make a checkpoint of the original's variables; without a decision network if there is none.

    Raises:
        CheckpointError: naming every variable that is missing, extra or of the wrong shape.
    """
    checkpoint = new_checkpoint(original_specs(len(CITYSCAPES.classes)), CITYSCAPES)
    if not any(name.startswith("decision/") for name in variables):
        del checkpoint.networks["decision"], checkpoint.specs["decision"]
    wanted = {
        network: variables_of(network, module) for network, module in checkpoint.networks.items()
    }
    problems = list(_problems(wanted, variables))
    if problems:
        raise CheckpointError(
            f"the TensorFlow checkpoint is not the original DVSNet's: {'; '.join(problems)}"
        )
    for network, module in checkpoint.networks.items():
        module.load_state_dict(
            {
                key: torch.from_numpy(
                    np.ascontiguousarray(variables[variable.name].transpose(variable.permutation))
                )
                for key, variable in wanted[network].items()
            },
            strict=False,  # num_batches_tracked has no counterpart
        )
    return checkpoint


def _problems(
    wanted: Mapping[str, Mapping[str, Variable]], variables: Mapping[str, Array]
) -> Iterator[str]:
    expected = {
        variable.name: variable.shape
        for network in wanted.values()
        for variable in network.values()
    }
    for name, shape in expected.items():
        if name not in variables:
            yield f"missing {name} {list(shape)}"
        elif tuple(variables[name].shape) != shape:
            yield f"{name} has shape {list(variables[name].shape)} instead of {list(shape)}"
    for name in variables:
        if name not in expected and name.rsplit("/", 1)[-1] not in IGNORED:
            yield f"extra {name} {list(variables[name].shape)}"


def _variable(name: str, key: str, module: nn.Module) -> Variable:
    tensor = module.state_dict()[key]
    permutation = PERMUTATIONS[tensor.dim()]
    shape = [0] * tensor.dim()
    for ours, theirs in enumerate(permutation):
        shape[theirs] = tensor.shape[ours]
    return Variable(name, tuple(shape), permutation)


def _segmentation_name(key: str) -> str:
    """`stage4.3.spatial.conv.weight` is `res4b3_branch2b/weights`, and so on."""
    *scope, layer, kind = key.split(".")
    if key == "classify.weight":
        return "fc_out/weights"
    convolution, norm = _segmentation_scopes(scope)
    if layer == "norm":
        return f"{norm}/{BATCH_NORM[kind]}"
    return f"{convolution}/{'weights' if kind == 'weight' else 'biases'}"


def _segmentation_scopes(scope: list[str]) -> tuple[str, str]:
    """Scopes of a convolution and of its batch norm."""
    if scope == ["stem"]:
        return "conv1", "bn_conv1"
    if scope == ["fuse"]:
        return "fc_oooo", "fc_oooo_bn"
    if scope[0] == "heads":
        return f"fc1_voc12_c{scope[1]}", f"fc1_voc12_c{scope[1]}_bn"
    stage, block, part = scope
    number = int(stage.removeprefix("stage"))
    branch = {
        "shortcut": "branch1",
        "reduce": "branch2a",
        "spatial": "branch2b",
        "expand": "branch2c",
    }[part]
    unit = f"{number}{_block_name(number, int(block))}_{branch}"
    return f"res{unit}", f"bn{unit}"


def _block_name(stage: int, block: int) -> str:
    """a, b, c in the short stages 2 and 5; a, b1, b2, ... in the long stages 3 and 4."""
    if stage in (2, 5):
        return "abc"[block]
    return "a" if block == 0 else f"b{block}"


def _flow_name(key: str) -> str:
    layer, _, kind = key.rpartition(".")
    if layer.startswith("refine"):
        scope, part = layer.split(".")
        fine = int(scope.removeprefix("refine"))
        layer = {
            "predict_flow": f"predict_flow{fine + 1}",
            "deconv": f"deconv{fine}",
            "upsample_flow": f"upsample_flow{fine + 1}to{fine}",
        }[part]
    return f"FlowNets/{layer}/{'weights' if kind == 'weight' else 'biases'}"


def _decision_name(key: str) -> str:
    layer, kind = key.split(".")
    return f"decision/{DECISION_LAYERS[layer]}/{'weights' if kind == 'weight' else 'biases'}"
