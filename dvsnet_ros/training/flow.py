"""Training the flow network: first for the flow, then for the segmenter that it serves.

Every random choice of step N follows from (seed, N) alone, so a run that was interrupted and goes
on from its state ends as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvsnet_ros.core.checkpoint import Checkpoint, save_checkpoint
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.networks.flow_net import LEAK, FlowNet
from dvsnet_ros.core.region_networks import half_size, warp_and_scale
from dvsnet_ros.training.augmentation import relight
from dvsnet_ros.training.averaging import WeightAverage
from dvsnet_ros.training.flow_losses import distillation_loss, endpoint_error, flow_loss
from dvsnet_ros.training.flow_pairs import PairSource
from dvsnet_ros.training.footage import SegmentedFootage
from dvsnet_ros.training.state import TrainingLog, load_state, save_state

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
WEIGHTS_FILE = "flow.safetensors"

GRID = 8
"""Pixels of a frame to one of the flow."""

SMALLEST_MIXED = 64
"""Inputs whose sides are larger may be computed in less than float32. In smaller ones some weights
of conv6 see nothing but padding, and torch's bfloat16 gradients of these are not zero on a CPU but
whatever lay in memory."""

OUTSIDE = 32
"""Pixels beyond a crop's border up to which flow is learned, though the key crop does not show it:
the field goes on smoothly there."""


@dataclass(frozen=True)
class FlowRecipe:
    """Everything that decides what comes out of a training, beside the frames.

    Attributes:
        steps: on pairs with known flow.
        distil_steps: after them, on footage, for the segmenter's logits.
        batch_size: regions a step.
        learning_rate: highest one of the first part; each part has a warm-up and a cosine to 0.
        distil_learning_rate: highest one of the second part.
        warm_up: steps of linear rise.
        crop: height and width of the crops of the first part, multiples of 16; about a region.
        temperature: of the distillation.
        average_decay: of the weight average.
        width: of the network.
        seed: of everything random.

    Raises:
        ValueError: if the crop's sides are no such multiples.
    """

    steps: int = 20000
    distil_steps: int = 10000
    batch_size: int = 8
    learning_rate: float = 5e-4
    distil_learning_rate: float = 1e-4
    warm_up: int = 200
    crop: tuple[int, int] = (240, 304)
    temperature: float = 1.0
    average_decay: float = 0.998
    width: int = 24
    seed: int = 0

    def __post_init__(self) -> None:
        if any(side < 2 * GRID or side % (2 * GRID) for side in self.crop):
            raise ValueError(
                f"crops of {self.crop[0]}x{self.crop[1]} don't work; both sides must be multiples "
                f"of {2 * GRID}"
            )


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
        start: weights to start from instead of random ones, as a state dict.
        log_every: steps between two records of the log.
        save_every: steps between two states.

    Raises:
        ValueError: if a part of the recipe has steps but nothing to learn from, frames are smaller
            than the crop, or `out` holds another recipe's state.
    """

    recipe: FlowRecipe
    pairs: Sequence[PairSource]
    footage: Sequence[SegmentedFootage]
    out: Path
    beside: Checkpoint | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: torch.dtype = torch.float32
    start: dict[str, Tensor] | None = None
    log_every: int = 100
    save_every: int = 500

    def __post_init__(self) -> None:
        self._check()
        self.label_set = self.beside.label_set if self.beside else CAMVID
        classes = len(self.label_set.classes)
        self.spec = NetworkSpec("flow_net", {"num_classes": classes, "width": self.recipe.width})
        torch.manual_seed(self.recipe.seed)
        self.network = FlowNet(**self.spec.arguments)
        initialise(self.network)
        if self.start is not None:
            self.network.load_state_dict(self.start)
        self.network.to(  # type: ignore[call-overload]  # torch's types lack the memory format
            self.device, memory_format=torch.channels_last
        )
        self.average = WeightAverage(self.network, self.recipe.average_decay)
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.step = 0
        self._sums: dict[str, float] = {}
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / STATE_FILE).exists():
            self._load()
        self.log = TrainingLog(self.out / LOG_FILE, self.step)

    def _check(self) -> None:
        if self.recipe.steps and not self.pairs:
            raise ValueError("there are no pairs with known flow; give some, or 0 steps on them")
        if self.recipe.distil_steps and not self.footage:
            raise ValueError("there is nothing to distil from; give drives, or 0 steps on them")
        height, width = self.recipe.crop
        for source in self.pairs:
            if source.size[0] < height or source.size[1] < width:
                raise ValueError(
                    f"frames of {source.size[0]}x{source.size[1]} are smaller than the crop of "
                    f"{height}x{width}; give a smaller crop"
                )

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.recipe.steps + self.recipe.distil_steps

    def run(self) -> Iterator[FlowProgress]:
        """Train from where the state stands to the end, then write the averaged weights.

        Stopping in between loses what came after the last state; `save` writes one.
        """
        while self.step < self.steps:
            figures = self.train_step(self.step)
            self.average.update(self.network, self.step)
            self.step += 1
            logged = self._note(figures)
            if self.step % self.save_every == 0:
                self.save()
            yield FlowProgress(self.step, self.steps, figures["loss"], logged)
        self.save()
        self.export(self.out / WEIGHTS_FILE)

    def train_step(self, step: int) -> dict[str, float]:
        """One step of the optimizer; returns its loss and what helps to judge it."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(step)
        self.network.train()
        self.optimizer.zero_grad()
        distils = step >= self.recipe.steps
        loss, figures = self._distil(step) if distils else self._supervise(step)
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

    def _supervise(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """Loss on known flow; errors in pixels of the frame, also of no flow at all."""
        crops = [self._crop(random) for random in self._randoms(step)]
        current, key = self._inputs([crop[:2] for crop in crops])
        target = torch.from_numpy(np.stack([crop[2] for crop in crops])).to(self.device)
        with self._autocast(current):
            fields = self.network(current, key)
        with torch.no_grad():
            error = endpoint_error(fields.flow.float(), target)
            still = endpoint_error(torch.zeros_like(target), target)
        figures = {"error": GRID * float(error), "error_of_no_flow": GRID * float(still)}
        return flow_loss(fields, target), figures

    def _crop(
        self, random: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """A crop of a pair, relit, and its flow [2, h / 8, w / 8] on the 1/8 grid."""
        source = self.pairs[int(random.integers(len(self.pairs)))]
        pair = source.pair(random)
        height, width = self.recipe.crop
        top = int(random.integers(source.size[0] - height + 1))
        left = int(random.integers(source.size[1] - width + 1))
        place = (slice(top, top + height), slice(left, left + width))
        current, key = _relight(pair.current[place], pair.key[place], random)
        return current, key, _flow_on_grid(pair.flow[place])

    def _distil(self, step: int) -> tuple[Tensor, dict[str, float]]:
        """Loss on the segmenter's logits; agreement with it (0-1), also of unmoved key logits."""
        choice = np.random.default_rng([self.recipe.seed, 3, step])
        footage = self.footage[int(choice.integers(len(self.footage)))]
        crops = []
        wanted, keys = [], []
        for random in self._randoms(step):
            current, key, current_logits, key_logits = footage.draw(random)
            crops.append(_relight(current, key, random))
            wanted.append(current_logits)
            keys.append(key_logits)
        currents, key_images = self._inputs(crops)
        target = torch.stack(wanted).to(self.device).float()
        unmoved = torch.stack(keys).to(self.device).float()
        with self._autocast(currents):
            fields = self.network(currents, key_images)
        logits = warp_and_scale(unmoved, fields.flow, fields.scale)
        figures = {
            "agreement": _agreement(logits, target),
            "agreement_unmoved": _agreement(unmoved, target),
        }
        return distillation_loss(logits, target, self.recipe.temperature), figures

    def _randoms(self, step: int) -> list[np.random.Generator]:
        seed = self.recipe.seed
        return [np.random.default_rng([seed, 1, step, n]) for n in range(self.recipe.batch_size)]

    def _inputs(
        self, crops: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
    ) -> tuple[Tensor, Tensor]:
        """Crops [h, w, 3] of current and key frames as the network's inputs."""
        current, key = (
            half_size(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)).to(self.device)
            for images in zip(*crops, strict=True)
        )
        return current, key

    def export(self, path: Path) -> None:
        """Write the averaged weights as a checkpoint, with the segmenter that they serve."""
        networks: dict[str, nn.Module] = {"flow": self.average.network}
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
    """Random weights after He et al. (2015), no biases, and a scale field that is 1 everywhere."""
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


def _flow_on_grid(flow: NDArray[np.floating]) -> NDArray[np.float32]:
    """Flow [h, w, 2] of a crop as [2, h / 8, w / 8], unknown where it leads far out of the crop."""
    height, width = flow.shape[:2]
    coarse = np.asarray(np.moveaxis(flow[::GRID, ::GRID], 2, 0), np.float32)
    places = coarse + np.mgrid[0:height:GRID, 0:width:GRID][::-1]
    limits = np.array((width, height)).reshape(2, 1, 1)
    far = ((places < -OUTSIDE) | (places > limits + OUTSIDE)).any(0)
    coarse[:, far] = np.nan
    coarse /= GRID
    return coarse


def _relight(
    current: NDArray[np.uint8], key: NDArray[np.uint8], random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both under the same other light, then each with an exposure and a grain of its own."""
    seed = int(random.integers(2**32))
    current, key = (
        _expose(relight(i, np.random.default_rng(seed)), random) for i in (current, key)
    )
    return current, key


def _expose(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    grain = random.standard_normal(image.shape[:2], np.float32) * random.uniform(0.0, 4.0)
    exposed = image * np.float32(random.uniform(0.93, 1.07)) + grain[..., None].astype(np.float32)
    return np.asarray(np.clip(exposed, 0, 255), np.uint8)


@torch.no_grad()
def _agreement(logits: Tensor, wanted: Tensor) -> float:
    return float((logits.argmax(1) == wanted.argmax(1)).float().mean())
