from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.core.label_sets import CAMVID, LabelSet
from dvsnet_ros.drives import SyntheticDrive, drive
from dvsnet_ros.training.data import LabelledImage
from dvsnet_ros.training.flow_pairs import (
    FlowPair,
    MagnifiedPairs,
    RememberedPairs,
    RenderedPairs,
    StillPairs,
)
from dvsnet_ros.training.footage import footage_of_drive
from dvsnet_ros.training.key_frames import KeyReach
from dvsnet_ros.training.moving_objects import cut_out, moving_classes
from helpers.stills import make_still


def follow_flow(pair: FlowPair) -> np.ndarray:
    """The key frame's pixels where the flow says that the current frame's pixels come from."""
    height, width = pair.flow.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), 2)
    places = (grid + np.nan_to_num(pair.flow.astype(np.float32))).astype(np.float32)
    return cv2.remap(pair.key, places[..., 0], places[..., 1], cv2.INTER_LINEAR)


def smooth_still(seed: int) -> LabelledImage:
    random = np.random.default_rng(seed)
    image = cv2.GaussianBlur(random.integers(0, 256, (96, 128, 3), np.uint8), (0, 0), 4)
    return LabelledImage("a", cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX), make_still(
        "a", seed, 96, 128).labels)  # fmt: skip


def test_the_flow_of_moved_stills_is_exact() -> None:
    pairs = StillPairs([smooth_still(seed) for seed in range(2)], CAMVID, objects=0)
    moves = []
    for seed in range(5):
        pair = pairs.pair(np.random.default_rng(seed))
        known = np.isfinite(pair.flow).all(2)
        assert known.mean() > 0.5
        error = np.abs(follow_flow(pair).astype(int) - pair.current)[known]
        assert error.mean() < 1.0
        moves.append(np.abs(pair.flow[known]).mean())
    assert max(moves) > 2


def test_objects_move_by_themselves() -> None:
    """Where an object covers the current frame, the flow leads to the object in the key frame."""
    stills = [smooth_still(seed) for seed in range(2)]
    still = StillPairs(stills, CAMVID, objects=0)
    moving = StillPairs(stills, CAMVID, objects=1)
    seed = next(
        seed
        for seed in range(100)
        if not np.array_equal(
            still.pair(np.random.default_rng(seed)).flow,
            moving.pair(np.random.default_rng(seed)).flow,
            equal_nan=True,
        )
    )
    alone, pair = (s.pair(np.random.default_rng(seed)) for s in (still, moving))
    covered = (pair.flow != alone.flow).any(2) & np.isfinite(pair.flow).all(2)
    assert covered.any()
    error = np.abs(follow_flow(pair).astype(int) - pair.current)[covered]
    assert np.median(error) < 4


@dataclass(frozen=True)
class ShiftedPairs:
    """A smooth image whose content lies 4 pixels further right in the key frame."""

    size: tuple[int, int] = (96, 128)

    def pair(self, random: np.random.Generator, part: float = 1.0) -> FlowPair:
        del random, part
        key = smooth_still(0).image
        flow = np.full((*self.size, 2), (4.0, 0.0), np.float32)
        flow[:, -4:] = np.nan
        return FlowPair(np.roll(key, -4, axis=1), key, flow)


def test_a_pair_can_be_stopped_on_its_way() -> None:
    """From the same key frame, by a part of the same motion."""
    stills = StillPairs([smooth_still(seed) for seed in range(3)], CAMVID, objects=0)
    none, half, whole = (stills.pair(np.random.default_rng(1), part) for part in (0.0, 0.5, 1.0))
    assert np.array_equal(none.key, half.key)
    assert np.array_equal(half.key, whole.key)
    assert np.array_equal(none.current, none.key)
    lengths = [float(np.nanmedian(np.abs(pair.flow))) for pair in (none, half, whole)]
    assert lengths[0] == 0.0
    assert 0.35 * lengths[2] < lengths[1] < 0.65 * lengths[2]


def test_magnified_pairs_show_a_window_and_its_flow() -> None:
    pairs = MagnifiedPairs(ShiftedPairs(), 3.0)
    assert pairs.size == (96, 128)
    magnified = []
    for seed in range(8):
        pair = pairs.pair(np.random.default_rng(seed))
        known = np.isfinite(pair.flow).all(2)
        times = float(pair.flow[known][0, 0]) / 4.0
        assert np.all(pair.flow[known] == np.float32((4.0 * times, 0.0)))
        known[:, int(128 - 4 * times) - 1 :] = False  # leads out of the window
        assert known.mean() > 0.5
        error = np.abs(follow_flow(pair).astype(int) - pair.current)[known]
        assert error.mean() < 1.0
        magnified.append(times)
    assert 1.0 <= min(magnified) < 1.5 < 2.0 < max(magnified) <= 3.0
    with pytest.raises(ValueError, match="give 1 or more"):
        MagnifiedPairs(ShiftedPairs(), 0.5)


def test_a_magnified_pair_shows_nothing_beside_the_still() -> None:
    class Bright:
        size = (24, 32)

        def pair(self, _random: np.random.Generator, _part: float = 1.0) -> FlowPair:
            image = np.full((*self.size, 3), 200, np.uint8)
            return FlowPair(image, image, np.zeros((*self.size, 2), np.float32))

    for seed in range(100):
        pair = MagnifiedPairs(Bright(), 3.0).pair(np.random.default_rng(seed))
        assert pair.current.min() == 200


def test_pairs_follow_from_the_seed() -> None:
    pairs = StillPairs([smooth_still(0)], CAMVID)
    first, again, other = (pairs.pair(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.current, again.current)
    assert np.array_equal(first.flow, again.flow, equal_nan=True)
    assert not np.array_equal(first.current, other.current)


def test_stills_of_several_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        StillPairs([make_still("a", 0), make_still("b", 0, 64, 64)], CAMVID)
    with pytest.raises(ValueError, match="no stills"):
        StillPairs([], CAMVID)


def test_classes_are_known_by_their_names() -> None:
    """Under other ids, with a class more, the same stills make the same pairs."""
    stills = [smooth_still(seed) for seed in range(2)]
    others = [replace(still, labels=still.labels + np.uint8(1)) for still in stills]
    shifted = LabelSet("more", ("bridge", *CAMVID.classes), ((0, 0, 0), *CAMVID.colors))
    for seed in range(5):
        pair, other = (
            pairs.pair(np.random.default_rng(seed))
            for pairs in (StillPairs(stills, CAMVID), StillPairs(others, shifted))
        )
        assert np.array_equal(pair.current, other.current)
        assert np.array_equal(pair.flow, other.flow, equal_nan=True)


def test_stills_without_a_known_class_are_set_in_motion_too() -> None:
    shop = LabelSet("shop", ("shelf", "door"), ((0, 0, 0), (9, 9, 9)))
    pair = StillPairs([smooth_still(0)], shop).pair(np.random.default_rng(0))
    assert np.nanmax(np.abs(pair.flow)) > 0


def test_a_cutout_is_one_object() -> None:
    still = make_still("a", 0, 96, 128)
    moving = moving_classes(CAMVID)
    cutout = cut_out(still, moving, np.random.default_rng(0))
    assert cutout is not None
    assert cutout.alpha.shape == (12, 16)
    assert (cutout.alpha == 255).all()
    empty = LabelledImage("b", still.image, np.zeros_like(still.labels))
    assert cut_out(empty, moving, np.random.default_rng(0)) is None


def test_rendered_pairs_are_the_drives_own() -> None:
    frames = SyntheticDrive(96, 64, duration=0.4, seed=2)
    pairs = RenderedPairs(frames, 3)
    assert pairs.size == (64, 96)
    pair = pairs.pair(np.random.default_rng(0))
    found = [
        (index, key)
        for index in range(1, len(frames))
        for key in range(max(0, index - 3), index)
        if np.array_equal(frames.image(index), pair.current)
        and np.array_equal(frames.image(key), pair.key)
    ]
    assert len(found) == 1
    assert np.allclose(pair.flow, frames.flow(*found[0]), rtol=1e-3, atol=1e-2, equal_nan=True)
    with pytest.raises(ValueError, match="a pair needs two"):
        RenderedPairs(SyntheticDrive(96, 64, duration=0.07), 3)


def test_footage_of_a_long_drive_is_spread_over_it(tmp_path: Path) -> None:
    for index in range(20):
        cv2.imwrite(str(tmp_path / f"{index:02d}.png"), np.full((8, 8, 3), index, np.uint8))
    footage = footage_of_drive(drive(tmp_path), KeyReach(2), max_frames=8)
    assert [int(image[0, 0, 0]) for image in footage.images] == [0, 1, 2, 3, 10, 11, 12, 13]
    assert footage.pairs == [
        (0, 1), (0, 2), (1, 2), (1, 3), (2, 3), (4, 5), (4, 6), (5, 6), (5, 7), (6, 7),
    ]  # fmt: skip
    short = footage_of_drive(drive(tmp_path), KeyReach(10), max_frames=5)
    assert [int(image[0, 0, 0]) for image in short.images] == [0, 1, 2, 3, 4]
    whole = footage_of_drive(drive(tmp_path), KeyReach(1), max_frames=20)
    assert len(whole.images) == 20
    assert whole.pairs == [(index - 1, index) for index in range(1, 20)]


def test_footage_has_no_pairs_of_frames_that_lie_too_far_apart(tmp_path: Path) -> None:
    for index in range(4):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.zeros((8, 8, 3), np.uint8))
    at_10_hz = drive(tmp_path)
    assert footage_of_drive(at_10_hz, KeyReach(3, 0.1), 10).pairs == [(0, 1), (1, 2), (2, 3)]
    with pytest.raises(ValueError, match="no two within reach"):
        footage_of_drive(at_10_hz, KeyReach(3, 0.05), 10)


@pytest.mark.parametrize("tracked", [False, True])
def test_footage_of_two_sizes_is_refused(tmp_path: Path, tracked: bool) -> None:
    for index, side in enumerate((32, 48)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.zeros((side, side, 3), np.uint8))
    with pytest.raises(ValueError, match="differ in size"):
        footage_of_drive(drive(tmp_path), KeyReach(3), 10, tracked=tracked)


def test_remembered_pairs_are_made_once() -> None:
    stills = StillPairs([make_still(f"a_{seed}", seed, 48, 64) for seed in range(3)], CAMVID)
    remembered = RememberedPairs(stills, 2, seed=0)
    drawn = [remembered.pair(np.random.default_rng(seed)) for seed in range(20)]
    assert len({id(pair) for pair in drawn}) == 2
    again = RememberedPairs(stills, 2, seed=0).pair(np.random.default_rng(19))
    assert np.array_equal(again.current, drawn[19].current)
    assert np.array_equal(again.flow, drawn[19].flow, equal_nan=True)
