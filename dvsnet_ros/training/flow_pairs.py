"""Pairs of frames whose flow is known: rendered drives, and stills set in motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.drives import SyntheticDrive
from dvsnet_ros.training.data import LabelledImage
from dvsnet_ros.training.moving_objects import (
    Cutout,
    cut_out,
    draw_placement,
    moving_classes,
)

SKY: Final = ("sky",)
GROUND: Final = ("road", "pavement", "sidewalk")
"""Names of classes, CamVid's and Cityscapes', that decide how far away a pixel of a still is taken
to be."""


@dataclass(frozen=True)
class FlowPair:
    """A frame, a key frame, and the flow between them.

    Attributes:
        current: uint8 [H, W, 3] BGR.
        key: uint8 [H, W, 3] BGR.
        flow: float [H, W, 2], (dx, dy) in pixels from a pixel of the current frame to the same
            point in the key frame; NaN where it is unknown.
    """

    current: NDArray[np.uint8]
    key: NDArray[np.uint8]
    flow: NDArray[np.floating]


class PairSource(Protocol):
    """Something that gives pairs of frames of one size."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        ...

    def pair(self, random: np.random.Generator) -> FlowPair:
        """Draw a pair."""
        ...


class MovedStills(PairSource, Protocol):
    """A source of pairs that can be stopped on their way."""

    def pair(self, random: np.random.Generator, part: float = 1.0) -> FlowPair:
        """Draw a pair, its current frame as it is after this part (0-1) of the motion."""
        ...


class RenderedPairs:
    """Pairs of frames of a synthetic drive, the key frame 1 to `max_distance` before the other.

    When first drawn from, the whole drive is rendered, because going to and fro between drives
    builds their streets again and again; it stays in memory, 1.2 MB a frame of 480x360. Each frame
    keeps the one key frame that was drawn for it: as many pairs as frames.

    Raises:
        ValueError: if the drive has no two frames.
    """

    def __init__(self, drive: SyntheticDrive, max_distance: int) -> None:
        if len(drive) < 2:
            raise ValueError(f"'{drive.name}' has {len(drive)} frames; a pair needs two")
        self._drive = drive
        order = np.random.default_rng([drive.seed, max_distance])
        furthest = np.minimum(np.arange(1, len(drive)), max_distance)
        self._distances = order.integers(1, furthest + 1)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return self._drive.height, self._drive.width

    def pair(self, random: np.random.Generator) -> FlowPair:
        """Draw a pair."""
        return self._pairs[int(random.integers(len(self._pairs)))]

    @cached_property
    def _pairs(self) -> list[FlowPair]:
        images = [self._drive.image(0)]
        pairs = []
        for index, distance in enumerate(self._distances, 1):
            images.append(self._drive.image(index))
            # Right after its image, while the drive remembers what that was drawn from.
            flow = self._drive.flow(index, index - int(distance)).astype(np.float16)
            pairs.append(FlowPair(images[index], images[index - distance], flow))
        return pairs


class RememberedPairs:
    """The first `count` pairs of a source, each made when it is first drawn and then kept.

    A pair of stills of 480x360 takes 18 ms to make and 1.7 MB to keep.
    """

    def __init__(self, source: PairSource, count: int, seed: int) -> None:
        if count < 1:
            raise ValueError(f"{count} pairs are none; give at least 1")
        self._source = source
        self._count = count
        self._seed = seed
        self._pairs: dict[int, FlowPair] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return self._source.size

    def pair(self, random: np.random.Generator) -> FlowPair:
        """Draw a pair."""
        number = int(random.integers(self._count))
        if number not in self._pairs:
            made = self._source.pair(np.random.default_rng([self._seed, number]))
            self._pairs[number] = replace(made, flow=made.flow.astype(np.float16))
        return self._pairs[number]


@dataclass(frozen=True)
class MagnifiedPairs:
    """A source's pairs as through a longer lens: a window of each, as large as the whole was.

    Args:
        source: where the pairs come from.
        largest: each is magnified by 1 to this much, evenly in the logarithm.

    Raises:
        ValueError: if they would be made smaller.
    """

    source: MovedStills
    largest: float

    def __post_init__(self) -> None:
        if self.largest < 1.0:
            raise ValueError(f"pairs can't be magnified {self.largest} times; give 1 or more")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return self.source.size

    def pair(self, random: np.random.Generator, part: float = 1.0) -> FlowPair:
        """Draw a pair; see MovedStills."""
        drawn = self.source.pair(random, part)
        height, width = self.size
        times = self.largest ** random.random()
        left, top = random.random(2) * (width - 1, height - 1) * (times - 1.0)
        window = np.array(((times, 0.0, -left), (0.0, times, -top)))
        current, key = (
            np.asarray(cv2.warpAffine(image, window, (width, height)), np.uint8)
            for image in (drawn.current, drawn.key)
        )
        # The nearest, because between a known flow and an unknown one there is none.
        flow = cv2.warpAffine(
            np.asarray(drawn.flow, np.float32), window, (width, height), flags=cv2.INTER_NEAREST
        )
        return FlowPair(current, key, np.float32(times) * flow)


@dataclass(frozen=True)
class Motion:
    """How a camera in a car moves from the key frame to the current one; the largest values.

    Each pair takes a share of all of them, drawn from 0 to 1, as frames that are near each other or
    far apart do.

    Attributes:
        forward: metres; seldom a third of it backward.
        turn: of the image, in shares of its width, by yaw.
        nod: of the image, in shares of its height, by pitch.
        roll: degrees.
        object_shift: of an object's own motion to the side, in shares of its width.
        object_zoom: logarithm of the growth of an object that comes nearer; a third of it, of the
            shrinking of one that goes.
    """

    forward: float = 12.0
    turn: float = 0.06
    nod: float = 0.02
    roll: float = 1.0
    object_shift: float = 0.35
    object_zoom: float = 1.0

    def times(self, share: float) -> Motion:
        """The same motion in a share of the time."""
        return Motion(**{name: share * value for name, value in asdict(self).items()})


@dataclass
class StillPairs:
    """Pairs made of labelled stills: the still is the key frame, and is moved to be the current.

    The street is a box: ground and walls are planes, each of which moves by its homography, as
    seen by a camera that drives forward and turns; what is labelled sky is far away. Objects cut
    out of other stills move over it by themselves.

    Args:
        stills: of one size.
        label_set: of their labels. Sky, ground and objects are known by the names of their classes
            (`SKY`, `GROUND`, `MOVING_CLASSES`); all else is walls, as far as it is beside the way.
        objects: at most how many objects to move over a still.
    """

    stills: Sequence[LabelledImage]
    label_set: LabelSet
    objects: int = 6
    motion: Motion = field(default_factory=Motion)

    def __post_init__(self) -> None:
        if not self.stills:
            raise ValueError("there are no stills to make pairs of")
        if len({still.labels.shape for still in self.stills}) > 1:
            raise ValueError("the stills differ in size; make pairs of each size by themselves")
        self._moving = moving_classes(self.label_set)
        classes = np.array(self.label_set.classes)
        self._sky = np.flatnonzero(np.isin(classes, SKY))
        self._ground = np.flatnonzero(np.isin(classes, GROUND))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        height, width = self.stills[0].labels.shape
        return height, width

    def pair(self, random: np.random.Generator, part: float = 1.0) -> FlowPair:
        """Draw a pair; see MovedStills."""
        still = self._still(random)
        motion = self.motion.times(part * random.random())
        vanishing = random.uniform((0.4, 0.35), (0.6, 0.5)) * self.size[::-1]
        sky, ground = (np.isin(still.labels, ids) for ids in (self._sky, self._ground))
        places = _street_places(sky, ground, vanishing, motion, random)
        moved = cv2.remap(
            still.image, places[..., 0], places[..., 1], cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )  # fmt: skip
        current = np.asarray(moved, np.uint8)
        key = still.image.copy()
        for cutout in self._cutouts(random):
            placement = draw_placement(cutout, self.size, random)
            moved_by = _object_motion(cutout, placement, vanishing, motion, random)
            cutout.paint(key, placement)
            covered = cutout.paint(current, moved_by @ placement)
            back = np.linalg.inv(moved_by)[:2]
            rows, columns = np.nonzero(covered)
            here = np.stack((columns, rows, np.ones_like(rows))).astype(np.float32)
            places[rows, columns] = (back @ here).T
        return FlowPair(current, key, _flow_to(places))

    def _still(self, random: np.random.Generator) -> LabelledImage:
        still = self.stills[int(random.integers(len(self.stills)))]
        if random.random() < 0.5:
            return still
        mirrored = still.image[:, ::-1].copy(), still.labels[:, ::-1].copy()
        return LabelledImage(still.name, *mirrored)

    def _cutouts(self, random: np.random.Generator) -> list[Cutout]:
        count = int(random.integers(self.objects + 1))
        drawn = [cut_out(self._still(random), self._moving, random) for _ in range(count)]
        return [cutout for cutout in drawn if cutout is not None]


def _object_motion(
    cutout: Cutout,
    placement: NDArray[np.float64],
    vanishing: NDArray[np.float64],
    motion: Motion,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """From the key frame's pixels to the current frame's, [3, 3].

    What comes twice as near is twice as large, and twice as far from the vanishing point: oncoming
    cars go both fast.
    """
    zoom = np.exp(motion.object_zoom * random.uniform(-0.3, 1.0))
    reach = motion.object_shift * cutout.alpha.shape[1] * placement[0, 0]
    shift = reach * random.uniform(-1, 1, 2) * (1.0, 0.3)
    moved_by = np.diag((zoom, zoom, 1.0))
    moved_by[:2, 2] = (1.0 - zoom) * vanishing + shift
    return moved_by


def _street_places(
    sky: NDArray[np.bool_],
    on_ground: NDArray[np.bool_],
    vanishing: NDArray[np.float64],
    motion: Motion,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Where each pixel of the current frame lies in the key frame, [H, W, 2] (x, y)."""
    height, width = sky.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    right, down = x - np.float32(vanishing[0]), y - np.float32(vanishing[1])
    focal = width * random.uniform(0.8, 1.3)
    ground = np.maximum(down, 0) / (focal * random.uniform(1.2, 1.8))
    walls = np.abs(right) / (focal * random.uniform(4.0, 20.0))
    nearness = np.maximum(ground, walls)  # one over metres
    nearness[sky & (down < 0)] = 0.0
    nearness[on_ground] = ground[on_ground]
    forward = motion.forward * random.uniform(-0.3, 1.0)
    shrink = 1.0 / np.maximum(1.0 + forward * nearness, 0.4)
    roll = np.deg2rad(motion.roll) * random.uniform(-1, 1)
    turn = motion.turn * width * np.clip(random.normal(0, 0.4), -1, 1)
    nod = motion.nod * height * np.clip(random.normal(0, 0.4), -1, 1)
    right, down = right * shrink, down * shrink
    return np.stack(
        (
            vanishing[0] + np.cos(roll) * right - np.sin(roll) * down + turn,
            vanishing[1] + np.sin(roll) * right + np.cos(roll) * down + nod,
        ),
        2,
    ).astype(np.float32)


def _flow_to(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """The flow to these places; NaN where they lie outside the image."""
    height, width = places.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    flow = places - np.stack((x, y), 2)
    outside = (places < 0).any(2) | (places[..., 0] > width - 1) | (places[..., 1] > height - 1)
    flow[outside] = np.nan
    return flow
