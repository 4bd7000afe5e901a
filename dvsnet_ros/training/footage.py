"""Frames without labels, for the flow path to learn from: what the segmenter says is the truth."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.networks.warp import add_flows
from dvsnet_ros.core.region_networks import RegionNetworks, key_logits
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.tracking import motion_between, region_motion, tracking_view
from dvsnet_ros.drives.frame import Drive
from dvsnet_ros.training.flow_pairs import MovedStills
from dvsnet_ros.training.key_frames import KeyReach

MOST_STEPS = 6
"""Frames in which a still in motion comes from its key frame to its current frame, at most."""

MIRROR = torch.tensor((-1.0, 1.0)).view(2, 1, 1)
"""Of a motion, in a mirrored image."""

PIXELS_TOGETHER = 8 * 480 * 360
"""How many are segmented in one go, in whole frames: enough to keep a GPU busy, and large frames
take no more memory than small ones."""


@dataclass(frozen=True)
class Footage:
    """Frames in memory, and which of them make pairs.

    Attributes:
        name: for people to read.
        images: uint8 [H, W, 3] BGR, all of one size.
        pairs: (key frame, current frame), indices into the images.
        motions: [1, 2, H / 2, W / 2] float16 in pixels, each image's motion to the image before it;
            0 where that does not belong to the same stretch. Nothing where it is not tracked.

    Raises:
        ValueError: if there are no pairs, or images of several sizes.
    """

    name: str
    images: Sequence[NDArray[np.uint8]]
    pairs: Sequence[tuple[int, int]]
    motions: Sequence[Tensor] = ()

    def __post_init__(self) -> None:
        if not self.pairs:
            raise ValueError(
                f"'{self.name}' has {len(self.images)} frames, and no two within reach of each "
                "other; give a longer drive, or a larger --max-seconds"
            )
        _check_sizes(self.name, self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        height, width = self.images[0].shape[:2]
        return height, width


def _check_sizes(name: str, images: Sequence[NDArray[np.uint8]]) -> None:
    if len({image.shape for image in images}) > 1:
        raise ValueError(
            f"the frames of '{name}' differ in size; give those of one size as a drive"
        )


def footage_of_drive(
    drive: Drive, reach: KeyReach, max_frames: int, *, tracked: bool = False
) -> Footage:
    """A drive's frames with the key frames that lie within reach before them.

    A drive of more than `max_frames` frames is represented by stretches spread over it evenly, each
    twice as long as the reach, or by one of `max_frames`. Motion is searched for if it is to be
    `tracked`.
    """
    length = min(2 * reach.frames, max_frames)
    stretches = max(1, max_frames // length)
    if len(drive) <= max_frames:
        starts, length = [0], len(drive)
    else:
        starts = [place * len(drive) // stretches for place in range(stretches)]
    images: list[NDArray[np.uint8]] = []
    stamps: list[int] = []
    pairs: list[tuple[int, int]] = []
    motions: list[Tensor] = []
    first, left = 0, 0
    for index, frame in enumerate(drive):
        if index in starts:
            first, left = len(images), length
        if not left:
            continue
        left -= 1
        here = len(images)
        images.append(frame.image)
        _check_sizes(drive.name, images[:1] + images[-1:])
        if tracked:
            motions.append(_motion(images[max(first, here - 1) :]))
        stamps.append(frame.stamp)
        keys = range(max(first, here - reach.frames), here)
        pairs += [(key, here) for key in keys if reach.holds(stamps[key], frame.stamp)]
    return Footage(drive.name, images, pairs, motions)


def footage_of_stills(
    name: str, source: MovedStills, count: int, seed: int, *, tracked: bool = False
) -> Footage:
    """`count` pairs drawn from stills in motion, their flow left aside.

    If they are to be `tracked`, each comes to its current frame in one to `MOST_STEPS` steps, as a
    camera's frames would, and what is kept as its motion is these added up.
    """
    images: list[NDArray[np.uint8]] = []
    motions: list[Tensor] = []
    for number in range(count):
        frames = moved_still(source, seed, number, MOST_STEPS if tracked else 1)
        images += [frames[0], frames[-1]]
        if tracked:
            motions += [_motion(frames[:1]), _motion(frames)]
    return Footage(name, images, [(2 * n, 2 * n + 1) for n in range(count)], motions)


def moved_still(
    source: MovedStills, seed: int, number: int, most_steps: int = MOST_STEPS
) -> list[NDArray[np.uint8]]:
    """A pair of stills in motion and the frames between, the key frame first."""
    steps = int(np.random.default_rng([seed, number, 1]).integers(1, most_steps + 1))
    pairs = [
        source.pair(np.random.default_rng([seed, number]), step / steps)
        for step in range(1, steps + 1)
    ]
    return [pairs[0].key, *(pair.current for pair in pairs)]


def _motion(frames: Sequence[NDArray[np.uint8]]) -> Tensor:
    """Motion [1, 2, H / 2, W / 2] float16 from the last of the frames to the first, added up."""
    views = [tracking_view(frame, *frame.shape[:2]) for frame in frames]
    track = torch.zeros(1, 2, *views[0].shape)
    for before, view in itertools.pairwise(views):
        track = add_flows(motion_between(view, before), track)
    return track.half()


@dataclass(frozen=True)
class Draw:
    """A region of a pair of frames.

    Attributes:
        current, key: indices of the frames.
        region: index of the region.
        mirrored: whether the frames are mirrored.
    """

    current: int
    key: int
    region: int
    mirrored: bool


class SegmentedFootage:
    """Footage, and what the segmentation network says of its regions.

    Half of what is drawn is mirrored. A frame is segmented, and its neighbours with it, when its
    logits are first asked for, mirrored or not; they stay on the networks' device, as float16.

    Args:
        footage: the frames.
        networks: holds the segmentation network.
        overlap: of the 2x2 regions, as in inference.
    """

    def __init__(self, footage: Footage, networks: RegionNetworks, overlap: int) -> None:
        self._footage = footage
        self._networks = networks
        self._grid = RegionGrid(*footage.size, overlap=overlap)
        height, width = footage.size
        self._together = max(1, PIXELS_TOGETHER // (height * width))
        self._logits: dict[tuple[int, bool], Tensor] = {}  # of a block of so many frames

    def draw(self, random: np.random.Generator) -> Draw:
        """Draw a region of a pair."""
        key, current = self._footage.pairs[int(random.integers(len(self._footage.pairs)))]
        region = int(random.integers(len(self._grid.regions)))
        return Draw(current, key, region, bool(random.random() < 0.5))

    def images(self, draw: Draw) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The region in the current and in the key frame, uint8 [h, w, 3]."""
        place = self._grid.regions[draw.region].slices
        current, key = (
            self._image(frame, draw.mirrored)[place] for frame in (draw.current, draw.key)
        )
        return current, key

    def track(self, draw: Draw) -> Tensor:
        """The region's track to the key frame, [2, h / 2, w / 2] in pixels, float32.

        Raises:
            ValueError: if the footage is not tracked.
        """
        if not self._footage.motions:
            raise ValueError(f"'{self._footage.name}' is not tracked; make footage of it that is")
        track: Tensor | None = None
        for index in range(draw.key + 1, draw.current + 1):
            motion = self._footage.motions[index].float()
            if draw.mirrored:
                motion = motion.flip(3) * MIRROR
            moved = region_motion(motion, self._grid)[draw.region : draw.region + 1]
            track = moved if track is None else add_flows(moved, track)
        assert track is not None  # a key frame lies before its frame
        return track[0]

    def logits(self, draws: Sequence[Draw]) -> tuple[Tensor, Tensor]:
        """What is said of N regions in their current and their key frames.

        Each [N, C, h', w'] float16, as `key_logits` gives them.
        """
        current = [self._segmented(d.current, d.mirrored)[d.region] for d in draws]
        key = [self._segmented(d.key, d.mirrored)[d.region] for d in draws]
        return torch.stack(current), torch.stack(key)

    def _image(self, index: int, mirrored: bool) -> NDArray[np.uint8]:
        image = self._footage.images[index]
        return image[:, ::-1] if mirrored else image

    def _segmented(self, index: int, mirrored: bool) -> Tensor:
        """Logits of a frame's regions, [R, C, h', w'] float16."""
        block, place = divmod(index, self._together)
        if (block, mirrored) not in self._logits:
            self._logits[block, mirrored] = self._segment(block, mirrored)
        return self._logits[block, mirrored][place]

    @torch.no_grad()
    def _segment(self, block: int, mirrored: bool) -> Tensor:
        first = block * self._together
        frames = range(len(self._footage.images))[first : first + self._together]
        images = [
            self._networks.to_image(self._image(index, mirrored), self._grid) for index in frames
        ]
        logits = self._networks.segment(torch.cat(images), self._grid.regions)
        kept: Tensor = key_logits(logits, self._grid).half().unflatten(0, (-1, len(frames)))
        return kept.transpose(0, 1)
