"""Checkpoints: one safetensors file that holds the networks and says all that a node must know.

The tensors are named `segmentation.*`, `flow.*` and `decision.*`. The metadata entry `dvsnet` is a
JSON object:

    {"format": 1,
     "networks": {"segmentation": {"architecture": "deeplab_fast", "num_classes": 19, ...}, ...},
     "label_set": {"name": ..., "classes": [...], "colors": [[r, g, b], ...]},
     "input": {"mean": [...], "scale": ..., "channel_order": "bgr", "magnification": 1.0}}

A checkpoint may lack networks (the decision network before it is trained, say). Weights may be
stored as float16 to halve the file; they are float32 once loaded. Loading one never runs code that
it brings: an architecture is a name, of this package's or of one that is installed beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from dvsnet_ros.core.label_sets import CAMVID, LabelSet
from dvsnet_ros.core.networks import ARCHITECTURES, NetworkSpec, build_network
from dvsnet_ros.core.networks.installed import installed_architectures
from dvsnet_ros.core.sentences import one_line

FORMAT = 1
NETWORKS = {
    "segmentation": ("compact", "deeplab_fast"),
    "flow": ("flow_net",),
    "decision": ("decision_network", "cell_decision"),
}
"""The networks, and this package's architectures that do the work of each."""

CHANNEL_ORDERS = ("bgr", "rgb")

# What reading metadata raises that somebody else, or nobody, has written.
UNUSABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)


class CheckpointError(ValueError):
    """A checkpoint that can't be used; the message is one line that says why."""


@dataclass(frozen=True)
class InputFormat:
    """What the segmentation network expects of a region: `(pixel - mean) * scale`, magnified.

    Attributes:
        mean: one value a channel, in the channel order below, 0-255.
        scale: factor after the subtraction.
        channel_order: `bgr` or `rgb`.
        magnification: how many times larger than it is the network sees a region, 0.25-4.
    """

    mean: tuple[float, float, float] = (103.939, 116.779, 123.68)
    scale: float = 1.0
    channel_order: str = "bgr"
    magnification: float = 1.0

    def __post_init__(self) -> None:
        if self.channel_order not in CHANNEL_ORDERS:
            raise ValueError(
                f"channel order '{self.channel_order}' is unknown; use "
                f"{' or '.join(CHANNEL_ORDERS)}"
            )
        if len(self.mean) != 3:
            raise ValueError(f"the input's mean has {len(self.mean)} values; it needs 3")
        if not all(map(math.isfinite, (*self.mean, self.scale))):
            raise ValueError(
                f"the input's mean is {self.mean} and its scale {self.scale}; both must be finite"
            )
        if not 0.25 <= self.magnification <= 4.0:
            raise ValueError(
                f"the input's magnification is {self.magnification}; it must be from 0.25 to 4"
            )


@dataclass
class Checkpoint:
    """Networks and what they need to be used.

    Attributes:
        networks: the modules, by `segmentation`, `flow` and `decision`; some may be missing.
        specs: architecture and constructor arguments of each.
        label_set: what the class ids mean.
        input: what the segmentation network expects.
        path: the file it came from, None if it came from none.
    """

    networks: dict[str, nn.Module]
    specs: dict[str, NetworkSpec]
    label_set: LabelSet
    input: InputFormat = field(default_factory=InputFormat)
    path: Path | None = None

    def require(self, names: Iterable[str]) -> None:
        """Check that these networks are here.

        Raises:
            CheckpointError: naming those that are missing.
        """
        missing = [name for name in names if name not in self.networks]
        if missing:
            raise CheckpointError(
                f"{_origin(self.path)} lacks the {' and the '.join(missing)} network; it holds "
                f"{', '.join(self.networks) or 'none'}"
            )


def new_checkpoint(
    specs: Mapping[str, NetworkSpec], label_set: LabelSet, input_format: InputFormat | None = None
) -> Checkpoint:
    """A checkpoint of freshly initialised networks."""
    networks = {name: build_network(spec) for name, spec in specs.items()}
    return Checkpoint(networks, dict(specs), label_set, input_format or InputFormat())


def original_specs(num_classes: int) -> dict[str, NetworkSpec]:
    """The three networks of the original, at their original sizes."""
    return {
        "segmentation": NetworkSpec("deeplab_fast", {"num_classes": num_classes}),
        "flow": NetworkSpec("flow_net", {"num_classes": num_classes}),
        "decision": NetworkSpec("decision_network"),
    }


def untrained_checkpoint(
    label_set: LabelSet = CAMVID, seed: int = 0, size: str = "tiny"
) -> Checkpoint:
    """Networks with random weights, the same for the same seed; their masks mean nothing.

    Args:
        label_set: the classes.
        seed: seed of the weights.
        size: `full` for the original's sizes, `tiny` for networks of the same kind that run
            anywhere in milliseconds.

    Raises:
        ValueError: if the size is neither.
    """
    classes = len(label_set.classes)
    if size == "full":
        specs = original_specs(classes)
    elif size == "tiny":
        small: dict[str, Any] = {"blocks": [1, 1, 2, 1], "width": 8, "head_channels": 16}
        specs = {
            "segmentation": NetworkSpec("deeplab_fast", {"num_classes": classes, **small}),
            "flow": NetworkSpec("flow_net", {"num_classes": classes, "width": 4}),
            "decision": NetworkSpec(
                "decision_network", {"feature_channels": 64, "channels": 8, "hidden": 16}
            ),
        }
    else:
        raise ValueError(f"there is no untrained checkpoint of size '{size}'; use tiny or full")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        checkpoint = new_checkpoint(specs, label_set)
        for network in checkpoint.networks.values():
            network.apply(_initialise)
    with torch.no_grad():
        checkpoint.networks["flow"].get_parameter("predict_scale.bias").fill_(1.0)
        # Scores around the default target, so that both paths occur.
        checkpoint.networks["decision"].get_parameter("dense4.weight").mul_(10.0)
        checkpoint.networks["decision"].get_parameter("dense4.bias").fill_(87.0)
    return checkpoint


def _initialise(layer: nn.Module) -> None:
    """Random weights that keep the size of what passes through (He et al., 2015), biases 0."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, a=0.1)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def save_checkpoint(path: str | Path, checkpoint: Checkpoint, *, half: bool = False) -> None:
    """Write a checkpoint; the file appears under its name only when it is whole.

    Args:
        path: the file.
        checkpoint: what to write.
        half: whether to round the weights of convolutions and dense layers to float16. What they
            compute changes by about 0.1 %, less than in bfloat16.

    Raises:
        OSError: if the file can't be written.
    """
    path = Path(path)
    tensors = {
        f"{name}.{key}": _stored(value, half)
        for name, network in checkpoint.networks.items()
        for key, value in network.state_dict().items()
    }
    description = {
        "format": FORMAT,
        "networks": {
            name: {"architecture": spec.architecture, **spec.arguments}
            for name, spec in checkpoint.specs.items()
        },
        "label_set": asdict(checkpoint.label_set),
        "input": asdict(checkpoint.input),
    }
    temporary = path.with_name(path.name + ".part")
    try:
        # Not save_file, whose files only their owner can read.
        temporary.write_bytes(save(tensors, {"dvsnet": json.dumps(description)}))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _stored(value: Tensor, half: bool) -> Tensor:
    """As a file holds it. Biases and batch norms are few, and their statistics can be large."""
    # Copied, since tensors that share memory, as tied weights do, can't be written.
    value = value.detach().cpu().clone(memory_format=torch.contiguous_format)
    return value.half() if half and value.ndim > 1 and value.is_floating_point() else value


def load_checkpoint(path: str | Path, decision_path: str | Path | None = None) -> Checkpoint:
    """Read a checkpoint; with `decision_path`, its decision network is taken from there.

    Raises:
        CheckpointError: if a file is missing, damaged, of another kind or does not fit; the
            message is one line that says which file and what.
    """
    checkpoint = _read(Path(path).expanduser())
    if decision_path is not None:
        other = _read(Path(decision_path).expanduser())
        other.require(["decision"])
        checkpoint.networks["decision"] = other.networks["decision"]
        checkpoint.specs["decision"] = other.specs["decision"]
    _check_fit(checkpoint)
    return checkpoint


def _read(path: Path) -> Checkpoint:
    if not path.is_file():
        if path.is_dir():
            what, advice = "is a folder", " (TensorFlow: see dvsnet import-tensorflow)"
        else:
            what, advice = "does not exist", ""
        raise CheckpointError(f"checkpoint '{path}' {what}; give a .safetensors file{advice}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"checkpoint '{path}' can't be read as safetensors ({one_line(error)}); it may be "
            "truncated, or of another format (TensorFlow: see dvsnet import-tensorflow)"
        ) from error
    if "dvsnet" not in metadata:
        raise CheckpointError(
            f"checkpoint '{path}' is a safetensors file, but not one of dvsnet_ros: its metadata "
            "has no entry 'dvsnet'"
        )
    try:
        checkpoint = _describe(json.loads(metadata["dvsnet"]))
    except UNUSABLE as error:
        raise CheckpointError(
            f"the metadata of checkpoint '{path}' can't be used: {one_line(error)}"
        ) from error
    checkpoint.path = path
    _load_tensors(checkpoint, tensors)
    return checkpoint


def _describe(description: Mapping[str, Any]) -> Checkpoint:
    if description["format"] != FORMAT:
        raise ValueError(f"it has format {description['format']}, this version reads {FORMAT}")
    specs = {}
    for name, entry in description["networks"].items():
        if name not in NETWORKS:
            raise ValueError(f"it holds an unknown network '{name}'")
        arguments = dict(entry)
        architecture = arguments.pop("architecture")
        _check_architecture(name, architecture)
        specs[name] = NetworkSpec(architecture, arguments)
    labels = description["label_set"]
    label_set = LabelSet(
        str(labels["name"]),
        tuple(map(str, labels["classes"])),
        tuple((int(red), int(green), int(blue)) for red, green, blue in labels["colors"]),
    )
    mean = tuple(map(float, description["input"]["mean"]))
    input_format = InputFormat(
        mean,  # type: ignore[arg-type]  # its length is checked there
        float(description["input"]["scale"]),
        str(description["input"]["channel_order"]),
        float(description["input"].get("magnification", 1.0)),  # older files have none
    )
    # The tensors come from the file; but other packages' networks may have some that aren't in it.
    brought = any(spec.architecture not in ARCHITECTURES for spec in specs.values())
    with torch.random.fork_rng(devices=[]), torch.device("cpu" if brought else "meta"):
        return new_checkpoint(specs, label_set, input_format)


def _check_architecture(network: str, architecture: str) -> None:
    known: Sequence[str] = NETWORKS[network]
    if architecture in known:
        return
    elsewhere = ""
    if network == "segmentation":
        brought = installed_architectures()
        if architecture in brought:
            return
        known = [*known, *brought]
        elsewhere = "; a package that brings it must be installed beside this one"
    raise ValueError(
        f"architecture '{architecture}' is unknown for the {network} network; this version has "
        f"{', '.join(known)}{elsewhere}"
    )


def _load_tensors(checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> None:
    """Fill the networks, naming the first tensor that is missing, extra, misshapen or no weight."""
    expected = {
        f"{name}.{key}": value
        for name, network in checkpoint.networks.items()
        for key, value in network.state_dict().items()
    }
    problems = [f"it lacks '{name}'" for name in expected if name not in tensors]
    problems += [f"it has an extra '{name}'" for name in tensors if name not in expected]
    problems += [
        f"'{name}' has shape {tuple(tensors[name].shape)} instead of {tuple(value.shape)}"
        for name, value in expected.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    problems += [
        f"'{name}' holds {_kind(tensors[name])} instead of {_kind(value)}"
        for name, value in expected.items()
        if name in tensors and _kind(tensors[name]) != _kind(value)
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise CheckpointError(
            f"checkpoint '{checkpoint.path}' does not fit the architecture it names: "
            f"{problems[0]}{more}"
        )
    for name, network in checkpoint.networks.items():
        prefix = f"{name}."
        network.load_state_dict(
            {
                key.removeprefix(prefix): tensor.float() if tensor.is_floating_point() else tensor
                for key, tensor in tensors.items()
                if key.startswith(prefix)
            },
            assign=True,
        )


def _kind(tensor: Tensor) -> str:
    """Floating-point numbers of any size are weights, and integers of any size count batches."""
    if tensor.is_floating_point():
        return "floating-point numbers"
    return "complex numbers" if tensor.is_complex() else "whole numbers"


def _check_fit(checkpoint: Checkpoint) -> None:
    """Check that the networks fit each other and the label set."""
    classes = len(checkpoint.label_set.classes)
    for name in ("segmentation", "flow"):
        spec = checkpoint.specs.get(name)
        own = spec.argument("num_classes") if spec else classes
        if own != classes:
            raise CheckpointError(
                f"the {name} network of {_origin(checkpoint.path)} has {own} classes, its label "
                f"set '{checkpoint.label_set.name}' has {classes}"
            )
    if "flow" in checkpoint.networks and "decision" in checkpoint.networks:
        flow_channels = checkpoint.networks["flow"].feature_channels
        decision_channels = checkpoint.networks["decision"].feature_channels
        if flow_channels != decision_channels:
            raise CheckpointError(
                f"the flow network of {_origin(checkpoint.path)} gives {flow_channels} feature "
                f"channels, the decision network reads {decision_channels}; give a decision "
                "network that was trained for this flow network"
            )


def _origin(path: Path | None) -> str:
    return f"checkpoint '{path}'" if path else "the checkpoint"
