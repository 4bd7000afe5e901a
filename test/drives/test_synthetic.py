"""The synthetic drive: the same from the same seed, at any size, with every class."""

import pickle

import cv2
import numpy as np
import pytest

from dvsnet_ros.core.label_sets import CAMVID, VOID_LABEL
from dvsnet_ros.drives import Frame, SyntheticDrive
from dvsnet_ros.drives.synthetic import drive as module

SMALL = {"width": 160, "height": 120}


def forget() -> None:
    """Empties what the drive keeps for its next frame."""
    for cache in (module._world, module._sensor, module._scene, module._geometry):
        cache.cache_clear()


def assert_same(one: Frame, other: Frame) -> None:
    assert one.stamp == other.stamp
    np.testing.assert_array_equal(one.image, other.image)
    assert one.labels is not None
    assert other.labels is not None
    np.testing.assert_array_equal(one.labels, other.labels)
    if one.flow is None or other.flow is None:
        assert one.flow is other.flow
    else:
        np.testing.assert_array_equal(one.flow, other.flow)


def test_same_seed_same_frames_in_any_order() -> None:
    drive = SyntheticDrive(**SMALL, duration=4.0, seed=5)
    frames = list(drive)
    assert len(frames) == len(drive) == 60
    forget()
    for index in (59, 0, 31, 30):
        assert_same(drive[index], frames[index])
    forget()
    assert_same(pickle.loads(pickle.dumps(drive))[47], frames[47])
    assert_same(SyntheticDrive(**SMALL, duration=20.0, seed=5)[30], frames[30])


def test_other_seeds_are_other_streets() -> None:
    images = [SyntheticDrive(**SMALL, seed=seed)[40].image.astype(int) for seed in range(4)]
    for a in range(4):
        for b in range(a):
            assert np.abs(images[a] - images[b]).mean() > 15


def test_no_two_seconds_look_alike() -> None:
    drive = SyntheticDrive(**SMALL, duration=12.0, seed=2, noise=0.0)
    images = [cv2.blur(drive.image(i), (5, 5)).astype(int) for i in range(0, 180, 15)]
    for a in range(len(images)):
        for b in range(a):
            assert np.abs(images[a] - images[b]).mean() > 4, (a, b)


def test_frames_hold_what_they_promise() -> None:
    drive = SyntheticDrive(**SMALL, rate=12.0, duration=2.0)
    first, second = drive[0], drive[1]
    assert (drive.rate, len(drive)) == (12.0, 24)
    assert first.flow is None
    assert second.stamp == 83_333_333
    assert second.image.shape == (120, 160, 3)
    assert second.image.dtype == np.uint8
    assert second.labels is not None
    assert second.labels.dtype == np.uint8
    assert second.labels.max() <= VOID_LABEL
    assert second.flow is not None
    assert second.flow.shape == (120, 160, 2)
    assert second.flow.dtype == np.float32
    np.testing.assert_array_equal(second.flow, drive.flow(1, 0))
    with pytest.raises(IndexError, match="24 frames"):
        drive[24]


def test_calibration_projects_the_road_to_where_it_is_seen() -> None:
    drive = SyntheticDrive(**SMALL, duration=2.0, seed=3, speed=9.0, turn_rate=0.0, shake=0.0)
    calibration = drive[0].calibration
    assert calibration is not None
    assert (calibration.height, calibration.width) == (120, 160)
    k = np.array(calibration.k).reshape(3, 3)
    rows, columns = np.nonzero(drive.labels(10) == CAMVID.classes.index("road"))
    depth = drive.depth(10)[rows, columns]
    rays = np.linalg.solve(k, np.stack((columns, rows, np.ones(len(rows)))))
    np.testing.assert_allclose(rays[1] * depth, 1.45, rtol=0.02)  # the camera's height
    np.testing.assert_array_equal(np.array(calibration.p).reshape(3, 4)[:, :3], k)


@pytest.mark.parametrize("size", [(1242, 375), (121, 77), (90, 160), (16, 16), (480, 360)])
def test_any_size(size: tuple[int, int]) -> None:
    width, height = size
    frame = SyntheticDrive(width, height, seed=1)[20]
    assert frame.image.shape == (height, width, 3)
    assert frame.labels is not None
    assert frame.labels.shape == (height, width)
    assert frame.flow is not None
    assert np.isfinite(frame.flow).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_every_class_appears(seed: int) -> None:
    drive = SyntheticDrive(320, 240, duration=15.0, seed=seed)
    counts = np.zeros(VOID_LABEL + 1)
    for index in range(0, len(drive), 15):
        counts += np.bincount(drive.labels(index).ravel(), minlength=VOID_LABEL + 1)
    share = dict(zip(CAMVID.classes, counts / counts.sum(), strict=False))
    assert all(part > 0.0005 for part in share.values()), share
    assert 0.2 < share["road"] < 0.45
    assert share["sky"] > 0.05
    assert share["building"] > 0.05
    assert counts[VOID_LABEL] / counts.sum() < 0.02


def test_noise_is_the_cameras_alone() -> None:
    clean = SyntheticDrive(**SMALL, noise=0.0)
    noisy = SyntheticDrive(**SMALL, noise=6.0)
    np.testing.assert_array_equal(clean.labels(9), noisy.labels(9))
    np.testing.assert_array_equal(clean.flow(9, 8), noisy.flow(9, 8))
    difference = noisy.image(9).astype(float) - clean.image(9)
    assert 3 < difference[clean.labels(9) != 0].std() < 9
