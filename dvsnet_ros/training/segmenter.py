"""Training the compact segmentation network on labelled stills.

Every random choice of step N follows from (seed, N) alone, so on a CPU a run that was interrupted
and goes on from its state ends as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dvsnet_ros.core.checkpoint import Checkpoint, InputFormat, save_checkpoint
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.networks.compact import CompactSegmenter
from dvsnet_ros.core.networks.layers import lay_out
from dvsnet_ros.core.networks.resize import magnify, resize_bilinear
from dvsnet_ros.training.augmentation import Crop, random_crop
from dvsnet_ros.training.averaging import WeightAverage, between
from dvsnet_ros.training.batches import batches, workers_beside
from dvsnet_ros.training.confusion import Confusion
from dvsnet_ros.training.data import LabelledImage, class_frequencies
from dvsnet_ros.training.losses import class_weights, segmentation_loss
from dvsnet_ros.training.other_classes import for_its_classes
from dvsnet_ros.training.pasting import Pasting
from dvsnet_ros.training.state import (
    TrainingLog,
    check_counts,
    check_rates,
    check_shares,
    check_start,
    load_state,
    save_state,
    start_from,
)

INPUT = InputFormat(scale=1.0 / 64.0, magnification=1.2)
"""Of the network that comes out. Most crops show things larger than the stills do, and shown
regions a little larger than they are, the network does best (Touvron et al., "Fixing the train-test
resolution discrepancy", NeurIPS 2019)."""

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
WEIGHTS_FILE = "segmenter.safetensors"


@dataclass(frozen=True)
class Stage:
    """A part of the training with one kind of crop.

    Attributes:
        epochs: how often it goes through the stills.
        crop: what it cuts out of them; sizes in multiples of 8.
    """

    epochs: int
    crop: Crop


SMALL_CROP = Crop(160, 208, (0.4, 1.0))
LARGE_CROP = Crop(256, 336, (0.6, 2.4))

UNWEIGHTED = 0.5
"""How much of the class weights is taken back after training. They make the logits of a class
larger by the logarithm of its weight, so that rare classes are found, and found too often; half of
it did best on sequences held back (1 would be the unweighted answer; Menon et al., 2021)."""


def progressive_stages(epochs: int, small_share: float) -> tuple[Stage, ...]:
    """Small crops of shrunken stills first, at a third of the time a step, then large ones.

    Args:
        epochs: of both together.
        small_share: share of them on small crops, 0-1.

    Raises:
        ValueError: if one is out of range.
    """
    if epochs < 1 or not 0.0 <= small_share <= 1.0:
        raise ValueError(
            f"{epochs} epochs with a share of {small_share} on small crops do not work; take at "
            "least one epoch and a share of 0 to 1"
        )
    small = round(epochs * small_share)
    stages = (Stage(small, SMALL_CROP), Stage(epochs - small, LARGE_CROP))
    return tuple(stage for stage in stages if stage.epochs)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out of a training, beside the stills.

    Attributes:
        stages: in order; small crops first make most of the steps cheap.
        batch_size: crops a step.
        learning_rate: highest one, after the warm-up; a cosine takes it to 0.
        warm_up: steps of linear rise to it.
        weight_decay: of AdamW, on convolution weights.
        average_decay: of the weight average.
        start_share: of the weights that a training starts from, in those that it writes, 0-1; it
            keeps what long training on few stills forgets of other cameras (Wortsman et al.,
            "Robust fine-tuning of zero-shot models", CVPR 2022).
        pasted: share of the crops into which objects of other stills are set, 0-1.
        width: of the network.
        seed: of everything random.

    Raises:
        ValueError: if a share is not from 0 to 1, or another number does not work.
    """

    stages: tuple[Stage, ...]
    batch_size: int = 8
    learning_rate: float = 1.5e-3
    warm_up: int = 200
    weight_decay: float = 0.02
    average_decay: float = 0.998
    start_share: float = 0.0
    pasted: float = 0.0
    width: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        check_counts(batch_size=self.batch_size)
        check_rates(learning_rate=self.learning_rate)
        check_shares(start_share=self.start_share, pasted=self.pasted)


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a step; `mean_iou` only where it was measured."""

    step: int
    steps: int
    loss: float
    mean_iou: float | None = None


@dataclass
class SegmenterTraining:
    """One training run, in the folder `out`.

    Args:
        recipe: how to train; a state in `out` of another recipe is refused.
        training: stills to learn from.
        held_back: stills to measure on; may be empty.
        label_set: the classes.
        out: folder of the state, the log and the weights; made if it is not there.
        device: where to train.
        precision: of the convolutions; the weights are float32 whatever it is.
        start: a network of the same widths whose weights to start from, instead of random ones; if
            it has another number of classes, the layers that depend on it start anew.
        objects_of: stills whose objects are pasted into crops (`Recipe.pasted`); `training` where
            there are none given.
        measure_every: epochs between two measurements on what is held back, which also save the
            state.

    Raises:
        ValueError: if there are fewer stills than a batch, none of them shows a class, objects are
            to be pasted and none of the classes is one of objects, a share of the start is to be
            kept and there is none, or `out` holds another recipe's state.
    """

    recipe: Recipe
    training: Sequence[LabelledImage]
    held_back: Sequence[LabelledImage]
    label_set: LabelSet
    out: Path
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = torch.float32
    start: nn.Module | None = None
    objects_of: Sequence[LabelledImage] | None = None
    measure_every: int = 10

    def __post_init__(self) -> None:
        if len(self.training) < self.recipe.batch_size:
            raise ValueError(
                f"{len(self.training)} stills are fewer than a batch of {self.recipe.batch_size}; "
                "give more, or a smaller batch"
            )
        check_start(self.recipe.start_share, self.start)
        stills = self.training if self.objects_of is None else self.objects_of
        self.paste = Pasting(stills, self.recipe.pasted, self.label_set)
        classes = len(self.label_set.classes)
        self.spec = NetworkSpec("compact", {"num_classes": classes, "width": self.recipe.width})
        torch.manual_seed(self.recipe.seed)
        self.network = CompactSegmenter(**self.spec.arguments)
        if self.start is not None:
            self.start = for_its_classes(self.start, self.network, self.recipe.start_share)
            start_from(self.network, self.start)
        lay_out(self.network.to(self.device), torch.channels_last)
        self.average = WeightAverage(self.network, self.recipe.average_decay)
        self.optimizer = torch.optim.AdamW(_parameter_groups(self.network, self.recipe), fused=True)
        # A mean over many pixels has gradients that are too small for float16.
        scaled = self.precision == torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=scaled)
        self.frequencies = class_frequencies(self.training, classes)
        if not self.frequencies.any():
            raise ValueError(
                f"no pixel of the labels has an id of label set '{self.label_set.name}', 0 to "
                f"{classes - 1}; all is void, and there is nothing to learn"
            )
        self.weights = class_weights(self.frequencies).to(self.device)
        self.step = 0
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / STATE_FILE).exists():
            self._load()
        self.log = TrainingLog(self.out / LOG_FILE, self.step)

    @property
    def steps_per_epoch(self) -> int:
        """Steps that an epoch takes; stills that fill no batch are left to the next shuffle."""
        return len(self.training) // self.recipe.batch_size

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.steps_per_epoch * sum(stage.epochs for stage in self.recipe.stages)

    def run(self) -> Iterator[Progress]:
        """Train from where the state stands to the end, then write the result.

        Stopping in between loses what came after the last state; `save` writes one.
        """
        workers = workers_beside(self.device)
        for step, batch in batches(self.batch, self.step, self.steps, workers):
            loss = self.train_step(*batch)
            self.average.update(self.network, step)
            self.step = step + 1
            mean_iou = None
            if self.step % self.steps_per_epoch == 0:
                mean_iou = self._finish_epoch(loss)
            yield Progress(self.step, self.steps, loss, mean_iou)
        self.save()
        self.export(self.out / WEIGHTS_FILE)

    def train_step(self, images: Tensor, labels: Tensor) -> float:
        """One step of the optimizer on a batch (see `batch`); returns the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(self.step)
        torch.manual_seed(_seed_of(self.recipe.seed, self.step))  # of the dropout
        self.network.train()
        self.optimizer.zero_grad()
        with self._autocast():
            logits = self.network(normalise(images.to(self.device)))
        loss = segmentation_loss(logits, labels.to(self.device), self.weights)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return float(loss.detach())

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, then a cosine to 0."""
        rise = min(1.0, (step + 1) / max(1, self.recipe.warm_up))
        return self.recipe.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """BGR images [N, h, w, 3] and labels [N, h, w] of a step, both uint8."""
        epoch, index = divmod(step, self.steps_per_epoch)
        size, seed = self.recipe.batch_size, self.recipe.seed
        order = np.random.default_rng([seed, 0, epoch]).permutation(len(self.training))
        crop = self._crop(epoch)
        crops = [
            random_crop(self.training[still], crop, np.random.default_rng([seed, 1, step, place]))
            for place, still in enumerate(order[index * size : (index + 1) * size])
        ]
        images, labels = (np.stack(parts) for parts in zip(*crops, strict=True))
        for place in range(size):
            random = np.random.default_rng([seed, 3, step, place])
            self.paste(images[place], labels[place], random)
        return torch.from_numpy(images), torch.from_numpy(labels)

    def measure(self) -> Confusion:
        """The result so far on whole held-back stills, with the labels at their own size."""
        network = self.result()
        confusion = Confusion(len(self.label_set.classes))
        for still in self.held_back:
            image = normalise(torch.from_numpy(still.image[None]).to(self.device))
            with torch.no_grad(), self._autocast():
                logits = network(magnify(image, INPUT.magnification))
            resized = resize_bilinear(logits.float(), *still.labels.shape)
            confusion.add(resized[0].argmax(0).byte().cpu().numpy(), still.labels)
        return confusion

    @torch.no_grad()
    def result(self) -> CompactSegmenter:
        """The averaged network, with the class weights taken back in part (`UNWEIGHTED`).

        A share of what the training started from is mixed in (`Recipe.start_share`).
        """
        network = CompactSegmenter(**self.spec.arguments).to(self.device).eval()
        network.load_state_dict(self.average.network.state_dict())
        network.correct.get_parameter("bias").sub_(UNWEIGHTED * self.weights.log())
        if self.start is not None:
            network = between(network, self.start, self.recipe.start_share)
        return network

    def export(self, path: Path) -> None:
        """Write the result as a checkpoint that holds only a segmentation network."""
        networks: dict[str, nn.Module] = {"segmentation": self.result()}
        save_checkpoint(
            path, Checkpoint(networks, {"segmentation": self.spec}, self.label_set, INPUT)
        )

    def save(self) -> None:
        """Write the state to go on from."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        save_state(self.out / STATE_FILE, self.recipe, state)

    def _load(self) -> None:
        state = load_state(self.out / STATE_FILE, self.recipe)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state.get("scaler"):  # nothing, where the steps before were of another precision
            self.scaler.load_state_dict(state["scaler"])

    def _crop(self, epoch: int) -> Crop:
        for stage in self.recipe.stages:
            if epoch < stage.epochs:
                return stage.crop
            epoch -= stage.epochs
        return self.recipe.stages[-1].crop

    def _finish_epoch(self, loss: float) -> float | None:
        epoch = self.step // self.steps_per_epoch
        figures: dict[str, Any] = {"epoch": epoch, "loss": loss}
        mean_iou = None
        due = epoch % self.measure_every == 0 or self.step == self.steps
        if due and self.held_back:
            confusion = self.measure()
            mean_iou = confusion.mean_iou
            figures["mean_iou"] = mean_iou
            figures["pixel_accuracy"] = confusion.pixel_accuracy
            figures["class_iou"] = [float(iou) for iou in confusion.class_iou]
        self.log.write(self.step, **figures)
        if due:
            self.save()
        return mean_iou

    def _autocast(self) -> torch.autocast:
        mixed = self.precision != torch.float32
        return torch.autocast(self.device.type, self.precision if mixed else None, enabled=mixed)


def normalise(images: Tensor) -> Tensor:
    """BGR images [N, H, W, 3], uint8, as the network's input [N, 3, H, W], channels last."""
    mean = torch.tensor(INPUT.mean, device=images.device)
    return ((images.float() - mean) * INPUT.scale).permute(0, 3, 1, 2)


def _parameter_groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Weight decay on what multiplies the image; not on biases and batch norms."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _seed_of(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, 2, step]).generate_state(1)[0])
