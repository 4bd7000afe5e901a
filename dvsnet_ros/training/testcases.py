"""Testcases: what the decision network reads of a pair of frames, and how good warping was.

Source: `train/gentestcase.py` of the original. No labels are needed: the score is the share of
pixels where the flow path says what the segmentation network itself says of the same frame.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.checkpoint import Checkpoint, InputFormat
from dvsnet_ros.core.decode import decode
from dvsnet_ros.core.networks.warp import add_flows
from dvsnet_ros.core.region_networks import RegionNetworks, key_logits
from dvsnet_ros.core.regions import RegionGrid, RegionLayout
from dvsnet_ros.core.tracking import Track
from dvsnet_ros.drives.frame import Drive
from dvsnet_ros.drives.image_files import read_image
from dvsnet_ros.drives.lists import beneath, lines_of_list
from dvsnet_ros.drives.skipping import fitting_frames
from dvsnet_ros.training.augmentation import relight
from dvsnet_ros.training.data import DataError
from dvsnet_ros.training.flow_pairs import MovedStills
from dvsnet_ros.training.footage import moved_still
from dvsnet_ros.training.key_frames import KeyReach

K = TypeVar("K")
V = TypeVar("V")

LAYOUT = RegionLayout(overlap=0)
"""How the original splits frames here."""

ORIGINAL_MEAN = (104.00698793, 116.66876762, 122.67891434)
"""What the original's `gentestcase.py` subtracts; its `inference.py` has other digits."""


@dataclass(frozen=True)
class Shot:
    """A frame of a pair: a name, unique in a run, and how to get the image (BGR [H, W, 3])."""

    name: str
    load: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True)
class ShotPair:
    """A frame, the key frame that it is warped from, and the frames between, oldest first."""

    key: Shot
    current: Shot
    between: tuple[Shot, ...] = ()


def input_of_testcases(checkpoint: Checkpoint) -> InputFormat:
    """What the segmentation network is given while testcases are made.

    For weights of the original (its architecture and its input) the mean of the original's
    `gentestcase.py`, so that its testcases come out. Any other checkpoint was trained for the input
    that it names; there testcases see exactly what inference sees.
    """
    original = checkpoint.specs["segmentation"].architecture == "deeplab_fast"
    if original and checkpoint.input == InputFormat():
        return replace(checkpoint.input, mean=ORIGINAL_MEAN)
    return checkpoint.input


def read_pair_list(file: Path, data_dir: Path | None) -> list[ShotPair] | None:
    """The pairs of a list, as the original's: key frame, frame, and maybe a third word, a line.

    Returns:
        None if the first line has one word: then the list is a drive.

    Raises:
        DriveError: if it is no text.
        DataError: if a line has neither two words nor three.
    """
    lines = [line.split() for line in lines_of_list(file)]
    if not lines or len(lines[0]) == 1:
        return None
    root = data_dir if data_dir is not None else file.parent
    for number, words in enumerate(lines, 1):
        if len(words) not in (2, 3):
            raise DataError(
                f"line {number} of the list {file} has {len(words)} words; a pair is a key frame "
                "and a frame, and a third word is left aside"
            )
    shots = [[_shot_of_file(beneath(root, word)) for word in words[:2]] for words in lines]
    return [ShotPair(key, current) for key, current in shots]


def _shot_of_file(path: Path) -> Shot:
    return Shot(str(path), lambda: read_image(path))


def shot_of_image(name: str, image: NDArray[np.uint8]) -> Shot:
    """An image that is in memory already."""
    return Shot(name, lambda: image)


def pairs_of_drive(
    drive: Drive,
    reach: KeyReach,
    light: int = 0,
    *,
    place: int = 0,
    layout: RegionLayout = LAYOUT,
) -> Iterator[ShotPair]:
    """Every frame of a drive with the key frames within reach before it, the farthest first.

    As in the node, a frame that is too small for the regions is left out, and no key frame from
    before it serves after it; nor does one after a frame of another size, unless all are processed
    at one.

    Args:
        drive: the drive.
        reach: how far back key frames are.
        light: 0 shows frames as they are; any other all of them under one other light, as another
            camera at another time of day would.
        place: the drive's among those of a run, two of which may bear the same name.
        layout: how frames are split.

    Raises:
        ValueError: if all frames are too small; see `fitting_frames`.
    """
    before: deque[tuple[int, Shot]] = deque(maxlen=reach.frames)
    last_grid: RegionGrid | None = None
    for index, frame in enumerate(fitting_frames(drive, drive.name, layout.grid, before.clear)):
        grid = layout.grid(*frame.image.shape[:2])
        if grid != last_grid:
            before.clear()
        last_grid = grid
        image = relight(frame.image, np.random.default_rng(light)) if light else frame.image
        current = shot_of_image(f"{drive.name} {place} {index} {light}", image)
        shots = [shot for _, shot in before]
        for after, (stamp, key) in enumerate(before, 1):
            if reach.holds(stamp, frame.stamp):
                yield ShotPair(key, current, tuple(shots[after:]))
        before.append((frame.stamp, current))


def count_pairs(frames: int, reach: KeyReach) -> int:
    """How many pairs a drive of this many frames has at most."""
    return sum(min(index, reach.frames) for index in range(frames))


def pairs_of_stills(source: MovedStills, count: int, seed: int) -> Iterator[ShotPair]:
    """`count` pairs drawn from stills in motion, with frames between; their flow is left aside."""
    for number in range(count):
        key, *between, current = (
            shot_of_image(f"frame {place} of pair {number}", frame)
            for place, frame in enumerate(moved_still(source, seed, number))
        )
        yield ShotPair(key, current, tuple(between))


@dataclass(frozen=True)
class _Prepared:
    """A frame as testcases need it; R regions.

    Attributes:
        grid: its regions.
        flow_inputs: [R, 3, h / 2, w / 2].
        keys: [R, C, h', w'] as `key_logits` gives them, if it is the key frame.
        classes: [h, w] uint8 a region, what the segmentation network says of it.
    """

    grid: RegionGrid
    flow_inputs: Tensor
    keys: Tensor
    classes: list[Tensor]


class _Recent(Generic[K, V]):
    """What was made of the keys that were last asked for, at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """What is kept of a key; made first if there is none."""
        if key not in self._kept:
            self._kept[key] = make()
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


class CaseMaker:
    """Makes the testcases of pairs of frames.

    Args:
        networks: segmentation and flow network.
        layout: how frames are split.
        clip: testcases with at most this share (0-1) of agreement are left out.
        remembered: how many frames to keep between pairs; each is segmented once if that many
            pairs back it was last used.
    """

    def __init__(
        self,
        networks: RegionNetworks,
        layout: RegionLayout = LAYOUT,
        *,
        clip: float = 0.0,
        remembered: int = 4,
    ) -> None:
        self._networks = networks
        self._layout = layout
        self._clip = clip
        self._prepared = _Recent[str, _Prepared](remembered)
        self._views = _Recent[str, NDArray[np.uint8] | None](remembered)
        self._motions = _Recent[tuple[str, str], Tensor](remembered)
        self._tracks = _Recent[tuple[str, str], Tensor](2 * remembered)

    @torch.inference_mode()
    def cases(self, pair: ShotPair) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Features [N, 4, 8, channels] and scores [N], 0-100, of those regions that are kept.

        Raises:
            ValueError: if the frames differ in size, or can't be split.
        """
        key, current = self._prepare(pair.key), self._prepare(pair.current)
        if key.grid != current.grid:
            raise DataError(
                f"'{pair.key.name}' and '{pair.current.name}' differ in size; give --height and "
                "--width to process them at one"
            )
        motion = self._track((pair.key, *pair.between, pair.current), current.grid)
        ages = [len(pair.between) + 1] * len(current.grid.regions)
        track = None if motion is None else Track(motion, ages)
        result = self._networks.flow_path(current.flow_inputs, key.flow_inputs, key.keys, track)
        features = result.features.permute(0, 2, 3, 1)  # as TensorFlow lays them out
        agreement = np.array(
            [
                float((decode(region, *classes.shape).classes == classes).double().mean())
                for region, classes in zip(result.logits, current.classes, strict=True)
            ]
        )
        kept = agreement > self._clip
        return features.cpu().numpy()[kept], 100.0 * agreement[kept]

    def _prepare(self, shot: Shot) -> _Prepared:
        return self._prepared.get(shot.name, lambda: self._segment(shot))

    def _track(self, shots: Sequence[Shot], grid: RegionGrid) -> Tensor | None:
        """Tracks [R, 2, h / 2, w / 2] from the last shot to the first, if the network has any."""
        view = self._view(shots[-1], grid)
        if view is None:
            return None
        before = self._view(shots[-2], grid)
        assert before is not None  # as the other

        def followed() -> Tensor:
            motion = self._motions.get(
                (shots[-2].name, shots[-1].name),
                lambda: self._networks.motion(view, before, grid),
            )
            earlier = self._track(shots[:-1], grid) if len(shots) > 2 else None
            return motion if earlier is None else add_flows(motion, earlier)

        return self._tracks.get((shots[0].name, shots[-1].name), followed)

    def _view(self, shot: Shot, grid: RegionGrid) -> NDArray[np.uint8] | None:
        return self._views.get(shot.name, lambda: self._networks.tracking_view(shot.load(), grid))

    def _segment(self, shot: Shot) -> _Prepared:
        frame = shot.load()
        try:
            grid = self._layout.grid(*frame.shape[:2])
        except ValueError as error:
            raise DataError(f"'{shot.name}': {error}") from error
        # While the frame is at hand: to load it is to read and decode a file.
        self._views.get(shot.name, lambda: self._networks.tracking_view(frame, grid))
        image = self._networks.to_image(frame, grid)
        logits = self._networks.segment(image, grid.regions)
        size = (grid.region_height, grid.region_width)
        classes = [decode(region, *size).classes for region in logits]
        inputs = self._networks.flow_inputs(image, grid)
        return _Prepared(grid, inputs, key_logits(logits, grid), classes)
