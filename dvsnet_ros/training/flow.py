"""Training the flow network: first for the flow, then for the segmenter that it serves.

Every random choice of step N follows from (seed, N) alone, so on a CPU a run that was interrupted
and goes on from its state ends as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from dvsnet_ros.core.checkpoint import Checkpoint, save_checkpoint
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.core.networks.layers import LEAK, lay_out
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.region_networks import flow_path_logits
from dvsnet_ros.training.averaging import WeightAverage, between
from dvsnet_ros.training.batches import batches, workers_beside
from dvsnet_ros.training.flow_batches import (
    GRID,
    DrawnPairs,
    FlowBatches,
    FlowRecipe,
    KnownFlow,
    KnownLogits,
)
from dvsnet_ros.training.flow_losses import distillation_loss, endpoint_error, flow_loss
from dvsnet_ros.training.flow_pairs import PairSource
from dvsnet_ros.training.footage import SegmentedFootage
from dvsnet_ros.training.other_classes import for_its_classes
from dvsnet_ros.training.state import (
    TrainingLog,
    check_start,
    fitted,
    load_state,
    save_state,
    start_from,
)

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
WEIGHTS_FILE = "flow.safetensors"

SMALLEST_MIXED = 64
"""Inputs whose sides are larger may be computed in less than float32. In smaller ones some weights
of conv6 see nothing but padding, and torch's bfloat16 gradients of these are not zero on a CPU but
whatever lay in memory."""


@dataclass(frozen=True)
class FlowProgress:
    """Where a training stands after a step; `figures` only where they were logged."""

    step: int
    steps: int
    loss: float
    figures: dict[str, float] | None = None


@dataclass
class FlowTraining:
    """One training run, in the folder `out`.

    Args:
        recipe: how to train; a state in `out` of another recipe is refused.
        pairs: sources of pairs with known flow, each drawn as often.
        footage: what the segmenter says of frames, each drawn as often.
        out: folder of the state, the log and the weights; made if it is not there.
        beside: a checkpoint whose segmentation network and label set are written with the weights;
            without one the flow network is written alone, for CamVid's classes.
        device: where to train.
        precision: of the convolutions; the weights are float32 whatever it is.
        start: a network of the same widths whose weights to start from, instead of random ones; one
            with larger kernels or without a track is fitted; if it has another number of classes,
            the layers that depend on it start anew.
        log_every: steps between two records of the log.
        save_every: steps between two states.

    Raises:
        ValueError: if a part of the recipe has steps but nothing to learn from, frames are smaller
            than the crop, a share of the start is to be kept and there is none, or `out` holds
            another recipe's state.
    """

    recipe: FlowRecipe
    pairs: Sequence[PairSource]
    footage: Sequence[SegmentedFootage]
    out: Path
    beside: Checkpoint | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = torch.float32
    start: nn.Module | None = None
    log_every: int = 100
    save_every: int = 500

    def __post_init__(self) -> None:
        self._batches = FlowBatches(self.recipe, self.pairs, self.footage)
        self.label_set = self.beside.label_set if self.beside else CAMVID
        classes = len(self.label_set.classes)
        names = ("width", "correction", "tracked", "kernels")
        sizes = {name: getattr(self.recipe, name) for name in names}
        self.spec = NetworkSpec("flow_net", {"num_classes": classes, **sizes})
        torch.manual_seed(self.recipe.seed)
        self.network = FlowNet(**self.spec.arguments)
        initialise(self.network)
        check_start(self.recipe.start_share, self.start)
        if self.start is not None:
            same = for_its_classes(self.start, self.network, self.recipe.start_share)
            self.start = fitted(same, self.network)
            start_from(self.network, self.start)
        lay_out(self.network.to(self.device), torch.channels_last)
        self.average = WeightAverage(self.network, self.recipe.average_decay)
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        self.step = 0
        self._sums: dict[str, float] = {}
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / STATE_FILE).exists():
            self._load()
        self.log = TrainingLog(self.out / LOG_FILE, self.step)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.recipe.steps + self.recipe.distil_steps

    def run(self) -> Iterator[FlowProgress]:
        """Train from where the state stands to the end, then write the averaged weights.

        Stopping in between loses what came after the last state; `save` writes one.
        """
        for step, drawn in self._drawn():
            figures = self.train_step(step, self._batches.complete(drawn))
            self.average.update(self.network, step)
            self.step = step + 1
            logged = self._note(figures)
            if self.step % self.save_every == 0:
                self.save()
            yield FlowProgress(self.step, self.steps, figures["loss"], logged)
        self.save()
        self.export(self.out / WEIGHTS_FILE)

    def train_step(self, step: int, batch: KnownFlow | KnownLogits) -> dict[str, float]:
        """One step of the optimizer on its batch; returns its loss and what helps to judge it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(step)
        self.network.train()
        self.optimizer.zero_grad()
        if isinstance(batch, KnownFlow):
            loss, figures = self._supervise(batch)
        else:
            loss, figures = self._distil(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return {"loss": float(loss.detach()), **figures}

    def learning_rate(self, step: int) -> float:
        """In each part a linear warm-up, then a cosine to 0."""
        recipe = self.recipe
        rate, steps = recipe.learning_rate, recipe.steps
        if step >= recipe.steps:
            rate, steps, step = recipe.distil_learning_rate, recipe.distil_steps, step - steps
        rise = min(1.0, (step + 1) / max(1, recipe.warm_up))
        return rate * rise * 0.5 * (1 + math.cos(math.pi * step / steps))

    def batch(self, step: int) -> KnownFlow | KnownLogits:
        """What a step learns from."""
        return self._batches.complete(self._batches.draw(step))

    def _drawn(self) -> Iterator[tuple[int, KnownFlow | DrawnPairs]]:
        """The steps that are left, and what each learns from.

        One process alone makes pairs with known flow: it keeps them in memory, gigabytes of them.
        """
        known, draw = self.recipe.steps, self._batches.draw
        distilling = max(self.step, known)
        yield from batches(draw, self.step, known, workers=1)
        yield from batches(draw, distilling, self.steps, workers_beside(self.device))

    def _supervise(self, batch: KnownFlow) -> tuple[Tensor, dict[str, float]]:
        """Loss on known flow; errors in pixels of the frame, also of no flow at all."""
        current, key, target = (
            tensor.to(self.device) for tensor in (batch.current, batch.key, batch.flow)
        )
        with self._autocast(current):
            fields = self.network(current, key)
        with torch.no_grad():
            error = endpoint_error(fields.flow.float(), target)
            still = endpoint_error(torch.zeros_like(target), target)
        figures = {"error": GRID * float(error), "error_of_no_flow": GRID * float(still)}
        return flow_loss(fields, target), figures

    def _distil(self, batch: KnownLogits) -> tuple[Tensor, dict[str, float]]:
        """Loss on the segmenter's logits; agreement with it (0-1), also of unmoved key logits."""
        current, key = batch.current.to(self.device), batch.key.to(self.device)
        track = None if batch.track is None else batch.track.to(self.device)
        target, unmoved = (
            logits.to(self.device).float() for logits in (batch.logits, batch.key_logits)
        )
        with self._autocast(current):
            fields = self.network(current, key, track)
            logits = flow_path_logits(self.network, unmoved, fields)
        target, unmoved = (resize_bilinear(t, *logits.shape[-2:]) for t in (target, unmoved))
        figures = {
            "agreement": _agreement(logits, target),
            "agreement_unmoved": _agreement(unmoved, target),
        }
        return distillation_loss(logits, target, self.recipe.temperature), figures

    def export(self, path: Path) -> None:
        """Write the averaged weights as a checkpoint, with the segmenter that they serve."""
        averaged = self.average.network
        if self.start is not None:
            averaged = between(averaged, self.start, self.recipe.start_share)
        networks: dict[str, nn.Module] = {"flow": averaged}
        specs = {"flow": self.spec}
        if self.beside is None:
            save_checkpoint(path, Checkpoint(networks, specs, self.label_set))
            return
        networks["segmentation"] = self.beside.networks["segmentation"]
        specs["segmentation"] = self.beside.specs["segmentation"]
        save_checkpoint(path, Checkpoint(networks, specs, self.label_set, self.beside.input))

    def save(self) -> None:
        """Write the state to go on from."""
        state = {
            "step": self.step,
            "sums": self._sums,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_state(self.out / STATE_FILE, self.recipe, state)

    def _load(self) -> None:
        state = load_state(self.out / STATE_FILE, self.recipe)
        self.step = state["step"]
        self._sums = state["sums"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _note(self, figures: dict[str, float]) -> dict[str, float] | None:
        """Add up what a step gave; log the means where a record is due."""
        for name, value in {**figures, "count": 1.0}.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        if self.step % self.log_every and self.step not in (self.recipe.steps, self.steps):
            return None
        count = self._sums.pop("count")
        means = {name: total / count for name, total in self._sums.items()}
        self._sums = {}
        self.log.write(self.step, **means)
        return means

    def _autocast(self, inputs: Tensor) -> torch.autocast:
        large = min(inputs.shape[-2:]) > SMALLEST_MIXED
        mixed = large and self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision if mixed else None, enabled=mixed)


def initialise(network: FlowNet) -> None:
    """Random weights after He et al. (2015), no biases, a scale of 1 everywhere, no correction."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, LEAK)
        elif isinstance(module, nn.ConvTranspose2d):
            taps = module.weight[0, 0].numel() // math.prod(module.stride)
            gain = nn.init.calculate_gain("leaky_relu", LEAK)
            nn.init.normal_(module.weight, 0.0, gain / math.sqrt(module.in_channels * taps))
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    nn.init.zeros_(network.predict_scale.weight)
    nn.init.constant_(network.predict_scale.bias, 1.0)  # type: ignore[arg-type]  # it has one
    if network.correction is not None:
        nn.init.zeros_(network.correction.predict.weight)


@torch.no_grad()
def _agreement(logits: Tensor, wanted: Tensor) -> float:
    return float((logits.argmax(1) == wanted.argmax(1)).float().mean())
