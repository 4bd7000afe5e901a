"""What the flow network learns from: batches of crops with known flow, and of known logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.region_networks import half_size
from dvsnet_ros.training.augmentation import relight
from dvsnet_ros.training.flow_pairs import PairSource
from dvsnet_ros.training.footage import Draw, SegmentedFootage
from dvsnet_ros.training.state import check_counts, check_rates, check_shares

GRID = 8
"""Pixels of a frame to one of the flow."""

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
        start_share: of the weights that a training starts from, in those that it writes, 0-1; what
            they knew and the training's frames don't show is less forgotten (Wortsman et al.,
            "Robust fine-tuning of zero-shot models", CVPR 2022).
        width: of the network.
        correction: channels of the correction of warped logits; 0 trains the original's network.
        tracked: whether the network starts from a track; such a one learns on footage alone.
        kernels: sides of the network's first three kernels.
        seed: of everything random.

    Raises:
        ValueError: if the crop's sides are no such multiples, the share is not from 0 to 1, a
            tracked network has steps on pairs with known flow, or another number does not work.
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
    start_share: float = 0.0
    width: int = 24
    correction: int = 48
    tracked: bool = False
    kernels: tuple[int, int, int] = (7, 5, 5)
    seed: int = 0

    def __post_init__(self) -> None:
        if any(side < 2 * GRID or side % (2 * GRID) for side in self.crop):
            raise ValueError(
                f"crops of {self.crop[0]}x{self.crop[1]} don't work; both sides must be multiples "
                f"of {2 * GRID}"
            )
        if min(self.steps, self.distil_steps, self.correction) < 0:
            raise ValueError(
                f"steps {self.steps}, distil steps {self.distil_steps} and correction "
                f"{self.correction} don't work; give 0 or more of each"
            )
        check_counts(batch_size=self.batch_size, width=self.width)
        check_rates(
            learning_rate=self.learning_rate,
            distil_learning_rate=self.distil_learning_rate,
            temperature=self.temperature,
        )
        check_shares(start_share=self.start_share)
        if self.tracked and self.steps:
            raise ValueError(
                "a tracked flow network learns on footage alone; give 0 steps on pairs with known "
                "flow, and start from a network that has learned on those without a track"
            )


@dataclass(frozen=True)
class KnownFlow:
    """N crops of pairs.

    Attributes:
        current, key: the network's inputs, [N, 3, h / 2, w / 2].
        flow: what it should be, [N, 2, h / 8, w / 8]; NaN where unknown.
    """

    current: Tensor
    key: Tensor
    flow: Tensor


@dataclass(frozen=True)
class KnownLogits:
    """N regions of pairs.

    Attributes:
        current, key: the network's inputs, [N, 3, h / 2, w / 2].
        track: [N, 2, h / 2, w / 2] in pixels; None for a network that does without.
        logits, key_logits: the segmenter's, [N, C, h', w'] float16, on the flow's grid or a finer
            one.
    """

    current: Tensor
    key: Tensor
    track: Tensor | None
    logits: Tensor
    key_logits: Tensor


@dataclass(frozen=True)
class DrawnPairs:
    """N regions of pairs whose logits are still to be looked up.

    Attributes:
        current, key: the network's inputs, [N, 3, h / 2, w / 2].
        track: [N, 2, h / 2, w / 2] in pixels; None for a network that does without.
        footage: index of what they were drawn from.
        draws: what was drawn, [N].
    """

    current: Tensor
    key: Tensor
    track: Tensor | None
    footage: int
    draws: Sequence[Draw]


class FlowBatches:
    """The batches of a training, each made from the recipe's seed and the step's number alone.

    Args:
        recipe: how to train.
        pairs: sources of pairs with known flow, each drawn as often.
        footage: what the segmenter says of frames, each drawn as often.

    Raises:
        ValueError: if a part of the recipe has steps but nothing to learn from, or frames are
            smaller than the crop.
    """

    def __init__(
        self,
        recipe: FlowRecipe,
        pairs: Sequence[PairSource],
        footage: Sequence[SegmentedFootage],
    ) -> None:
        self._recipe = recipe
        self._pairs = pairs
        self._footage = footage
        if self._recipe.steps and not self._pairs:
            raise ValueError("there are no pairs with known flow; give some, or 0 steps on them")
        if self._recipe.distil_steps and not self._footage:
            raise ValueError("there is nothing to distil from; give drives, or 0 steps on them")
        height, width = self._recipe.crop
        for source in self._pairs:
            if source.size[0] < height or source.size[1] < width:
                raise ValueError(
                    f"frames of {source.size[0]}x{source.size[1]} are smaller than the crop of "
                    f"{height}x{width}; give a smaller crop"
                )

    def draw(self, step: int) -> KnownFlow | DrawnPairs:
        """What a step learns from, but for the logits: what needs no network."""
        seed = self._recipe.seed
        randoms = [
            np.random.default_rng([seed, 1, step, n]) for n in range(self._recipe.batch_size)
        ]
        if step < self._recipe.steps:
            crops = [self._crop(random) for random in randoms]
            flow = torch.from_numpy(np.stack([crop[2] for crop in crops]))
            return KnownFlow(*_inputs([crop[:2] for crop in crops]), flow)
        choice = np.random.default_rng([seed, 3, step])
        index = int(choice.integers(len(self._footage)))
        footage = self._footage[index]
        draws = [footage.draw(random) for random in randoms]
        images = [
            _relight(*footage.images(draw), random)
            for draw, random in zip(draws, randoms, strict=True)
        ]
        tracked = self._recipe.tracked
        track = torch.stack([footage.track(draw) for draw in draws]) if tracked else None
        return DrawnPairs(*_inputs(images), track, index, draws)

    def complete(self, drawn: KnownFlow | DrawnPairs) -> KnownFlow | KnownLogits:
        """What a step learns from."""
        if isinstance(drawn, KnownFlow):
            return drawn
        logits = self._footage[drawn.footage].logits(drawn.draws)
        return KnownLogits(drawn.current, drawn.key, drawn.track, *logits)

    def _crop(
        self, random: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float32]]:
        """A crop of a pair, relit, and its flow [2, h / 8, w / 8] on the 1/8 grid."""
        source = self._pairs[int(random.integers(len(self._pairs)))]
        pair = source.pair(random)
        height, width = self._recipe.crop
        top = int(random.integers(source.size[0] - height + 1))
        left = int(random.integers(source.size[1] - width + 1))
        place = (slice(top, top + height), slice(left, left + width))
        current, key = _relight(pair.current[place], pair.key[place], random)
        return current, key, _flow_on_grid(pair.flow[place])


def _inputs(
    crops: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]],
) -> tuple[Tensor, Tensor]:
    """Crops [h, w, 3] of current and key frames as the network's inputs."""
    current, key = (np.stack(images).transpose(0, 3, 1, 2) for images in zip(*crops, strict=True))
    return half_size(torch.from_numpy(current)), half_size(torch.from_numpy(key))


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
