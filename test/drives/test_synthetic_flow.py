"""The synthetic drive's flow and labels are exact, not estimates."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.drives import SyntheticDrive

ROAD, SKY, CAR, PEDESTRIAN = (
    CAMVID.classes.index(name) for name in ("road", "sky", "car", "pedestrian")
)
MOVING = SyntheticDrive(320, 240, duration=12.0, seed=0, noise=0.0)


def warped(
    image: NDArray[np.uint8], flow: NDArray[np.float32], interpolation: int
) -> NDArray[np.uint8]:
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(image, x, y, interpolation), np.uint8)


def away_from_edges(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels whose neighbours have their class, so that no softened edge is compared."""
    kernel = np.ones((5, 5), np.uint8)
    return np.asarray(cv2.dilate(labels, kernel) == cv2.erode(labels, kernel))


@pytest.mark.parametrize(("index", "gap"), [(30, 1), (75, 1), (120, 1), (60, 4), (150, 10)])
def test_earlier_frames_warped_by_flow_give_the_frame(index: int, gap: int) -> None:
    key = index - gap
    flow, visible = MOVING.flow(index, key), MOVING.visible(index, key)
    assert visible.mean() > (0.9 if gap == 1 else 0.5)
    labels = warped(MOVING.labels(key), flow, cv2.INTER_NEAREST)
    assert (labels == MOVING.labels(index))[visible].mean() > 0.998
    image = warped(MOVING.image(key), flow, cv2.INTER_LINEAR).astype(float)
    inner = visible & away_from_edges(MOVING.labels(index))
    error = np.abs(image - MOVING.image(index))[inner]
    assert np.median(error) <= (1 if gap == 1 else 3)
    signal_to_noise = 10 * np.log10(255**2 / np.mean(error**2))
    assert signal_to_noise > (34 if gap == 1 else 26)
    # The same without flow is far worse: the test would notice.
    still = np.abs(MOVING.image(key).astype(float) - MOVING.image(index))[inner]
    assert np.mean(error**2) < 0.25 * np.mean(still**2)


@pytest.mark.parametrize("label", [CAR, PEDESTRIAN])
def test_flow_follows_what_moves(label: int) -> None:
    errors, stills = [], []
    for index in range(15, 170, 15):
        own = (MOVING.labels(index) == label) & MOVING.visible(index, index - 1)
        own &= away_from_edges(MOVING.labels(index))
        now, key = MOVING.image(index), MOVING.image(index - 1)
        image = warped(key, MOVING.flow(index, index - 1), cv2.INTER_LINEAR)
        errors.append(np.abs(image.astype(float) - now)[own])
        stills.append(np.abs(key.astype(float) - now)[own])
    error, still = np.concatenate(errors), np.concatenate(stills)
    assert len(error) > 500
    assert np.median(error) <= 3
    assert error.mean() < 0.5 * still.mean()


@pytest.mark.parametrize("labels", [range(11), [CAR], [PEDESTRIAN]])
def test_two_steps_of_flow_are_one_long_step(labels: list[int]) -> None:
    errors = []
    for index in (60, 75, 90):
        near, far = MOVING.flow(index, index - 1), MOVING.flow(index, index - 3)
        onward = MOVING.flow(index - 1, index - 3)
        x = near[..., 0] + np.arange(320, dtype=np.float32)
        y = near[..., 1] + np.arange(240, dtype=np.float32)[:, None]
        both = near + cv2.remap(onward, x, y, cv2.INTER_LINEAR)
        own = MOVING.labels(index)
        inner = MOVING.visible(index, index - 1) & away_from_edges(own) & np.isin(own, labels)
        errors.append(np.linalg.norm(both - far, axis=2)[inner])
    error = np.concatenate(errors)
    assert len(error) > 500
    assert np.median(error) < 0.02
    # Beyond are pixels between two limbs, where flow is not smooth.
    assert np.quantile(error, 0.8) < 0.1


def test_flow_forth_and_back_ends_where_it_began() -> None:
    there, back = MOVING.flow(60, 55), MOVING.flow(55, 60)
    x = there[..., 0] + np.arange(320, dtype=np.float32)
    y = there[..., 1] + np.arange(240, dtype=np.float32)[:, None]
    inner = MOVING.visible(60, 55) & away_from_edges(MOVING.labels(60))
    error = np.linalg.norm(there + cv2.remap(back, x, y, cv2.INTER_LINEAR), axis=2)[inner]
    assert np.median(error) < 0.02


def test_flow_of_the_road_when_driving_straight_ahead() -> None:
    speed, rate, camera_height = 9.0, 15.0, 1.45
    drive = SyntheticDrive(
        320, 240, rate, 4.0, seed=3, speed=speed, turn_rate=0.0, noise=0.0, shake=0.0
    )
    flow = drive.flow(30, 29)
    rows, columns = np.nonzero(drive.labels(30) == ROAD)
    focal = 0.62 * np.hypot(320, 240)
    across, down = columns - 319 / 2, rows - 239 * 0.52
    depth = focal * camera_height / down
    nearer = depth / (depth + speed / rate)
    expected = np.stack((across * (nearer - 1), down * (nearer - 1)), axis=1)
    error = np.linalg.norm(flow[rows, columns] - expected, axis=1)
    # A few pixels at the far rim of the road belong to the last quad's edge.
    assert np.quantile(error, 0.99) < 1e-3
    assert error.max() < 0.05
    np.testing.assert_allclose(drive.depth(30)[rows, columns], depth, rtol=0.02)
    np.testing.assert_array_less(np.abs(flow[drive.labels(30) == SKY]), 1e-2)


def test_flow_of_the_sky_when_turning() -> None:
    rate, turn_rate = 15.0, 6.0
    drive = SyntheticDrive(
        320, 240, rate, 4.0, seed=3, speed=9.0, turn_rate=turn_rate, noise=0.0, shake=0.0
    )
    focal, angle = 0.62 * np.hypot(320, 240), np.radians(turn_rate / rate)
    flow = drive.flow(30, 29)
    rows, columns = np.nonzero(drive.labels(30) == SKY)
    # A camera that turns left sees what was farther left before.
    across = (columns - 319 / 2) / focal
    expected = focal * (np.tan(np.arctan(across) - angle) - across)
    np.testing.assert_allclose(flow[rows, columns, 0], expected, atol=2e-3)


def test_standing_still_nothing_but_traffic_flows() -> None:
    drive = SyntheticDrive(320, 240, duration=4.0, speed=0.0, turn_rate=0.0, shake=0.0, noise=0.0)
    flow, labels = drive.flow(30, 29), drive.labels(30)
    assert np.abs(flow[(labels == ROAD) | (labels == SKY)]).max() < 1e-4
    assert np.nanmax(np.abs(flow)) > 0.2
