"""Tracks: what moved from frame to frame, added up since the key frame."""

import cv2
import numpy as np
import pytest
import torch

from dvsnet_ros.core.checkpoint import Checkpoint, untrained_checkpoint
from dvsnet_ros.core.networks.flow_net import FLOW_FACTOR, FlowNet
from dvsnet_ros.core.networks.warp import add_flows, flow_on_grid, warp
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.tracking import motion_between, region_motion, tracking_view
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from helpers.drives import drifting_frames
from helpers.tracked import with_track

GRID = RegionGrid(96, 128, overlap=16)
SHIFT = 6
"""Pixels by which the picture moves to the left each frame."""


def test_motion_leads_to_where_a_pixel_was() -> None:
    first, second = (tracking_view(frame, 96, 128) for frame in drifting_frames(2, step=SHIFT))
    assert first.shape == (48, 64)
    motion = motion_between(second, first)
    assert motion.shape == (1, 2, 48, 64)
    seen = motion[0, :, :, 8:-16].flatten(1)
    assert (seen - torch.tensor(((SHIFT / 2,), (0.0,)))).abs().max() < 0.3


def test_every_pixel_of_a_larger_frame_counts_in_the_view() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (96, 128), np.uint8)
    view = tracking_view(grey[..., None].repeat(3, 2), 24, 32)
    means = grey.reshape(12, 8, 16, 8).mean((1, 3))
    np.testing.assert_allclose(view, means, atol=1.0)


def test_frames_too_small_to_see_motion_in_show_none() -> None:
    view = np.zeros((8, 10), np.uint8)
    motion = motion_between(view, view)
    assert motion.shape == (1, 2, 8, 10)
    assert not motion.any()


def texture(height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)


def test_a_strip_that_moves_alone_is_seen() -> None:
    """16 rows of 180: a search on a grid half as fine misses its borders."""
    whole = texture(180, 243)
    view, expected = whole[:, :240].copy(), torch.zeros(180, 240)
    view[80:96], expected[80:96] = whole[80:96, 3:], 3.0
    motion = motion_between(view, whole[:, :240].copy())
    assert (motion[0, 0] - expected)[80:96].abs().mean() < 0.18
    assert (motion[0, 0] - expected)[:72].abs().max() < 0.5


@pytest.mark.parametrize("times", [2, 4])
def test_large_views_are_searched_on_a_grid_of_about_180_rows(times: int) -> None:
    whole = texture(180, 243)
    small = whole[:, 3:].copy(), whole[:, :240].copy()
    large = [view.repeat(times, 0).repeat(times, 1) for view in small]
    motion = motion_between(*small)[0].permute(1, 2, 0).numpy()
    expected = times * cv2.resize(motion, None, fx=times, fy=times)
    np.testing.assert_allclose(motion_between(*large)[0].permute(1, 2, 0), expected, atol=1e-3)


@pytest.mark.parametrize("size", [(2000, 8), (1500, 10), (8, 2000)])
def test_motion_is_found_in_what_is_very_narrow(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    height, width = size
    whole = random.integers(0, 256, (height + 2, width), np.uint8)
    whole = cv2.GaussianBlur(whole, (0, 0), 2)
    motion = motion_between(whole[2:].copy(), whole[:-2].copy())
    assert motion.isfinite().all()
    if height > width:
        assert motion[0, 1].median() == pytest.approx(2.0, abs=0.1)


def test_every_region_has_its_own_part_of_the_motion() -> None:
    rows, columns = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
    regions = region_motion(torch.stack((columns, rows))[None], GRID)
    assert regions.shape == (4, 2, GRID.region_height // 2, GRID.region_width // 2)
    for region, motion in zip(GRID.regions, regions, strict=True):
        assert motion[:, 0, 0].tolist() == [region.x // 2, region.y // 2]


def test_flows_add_up_along_the_way() -> None:
    """To the right by 2 and from there by as much as it says there, not where one started."""
    first, further = torch.zeros(2, 1, 2, 4, 16)
    first[:, 0] = 2.0
    further[:, 0] = torch.arange(16.0)
    added = add_flows(first, further)
    assert torch.allclose(added[0, 0, :, :14], torch.arange(4.0, 18.0).expand(4, 14), atol=1e-4)


def test_a_flow_on_another_grid_counts_in_its_pixels() -> None:
    flow = torch.stack((torch.full((3, 4), 2.0), torch.full((3, 4), -1.0)))[None]
    finer = flow_on_grid(flow, 12, 8)
    assert torch.allclose(finer[0, 0], torch.tensor(4.0))
    assert torch.allclose(finer[0, 1], torch.tensor(-4.0))


def test_a_finer_flow_reads_between_the_logits() -> None:
    """A key of half as many pixels, moved by half of one of its own: what lies between two."""
    key = torch.arange(8.0).expand(1, 1, 4, 8)
    flow = torch.zeros(1, 2, 8, 16)
    flow[:, 0] = 1.0
    moved = warp(key, flow)
    assert moved.shape == (1, 1, 8, 16)
    assert torch.allclose(moved[0, 0, 0, :14], (torch.arange(14.0) + 1.0) / 2.0, atol=1e-4)


@pytest.mark.parametrize(
    ("found", "believed"),
    [
        ((0.0, 0.0), (0.0, 0.0)),
        ((0.12, 0.16), (0.0, 0.0)),  # a length of 0.2
        ((-0.6, 0.8), (-0.45, 0.6)),  # 1, less 0.25
    ],
)
@torch.no_grad()
def test_a_tracked_network_finds_what_is_left(
    found: tuple[float, float], believed: tuple[float, float]
) -> None:
    network = FlowNet(3, 4, correction=8, tracked=True, kernels=(5, 3, 3)).eval()
    network.get_parameter("predict_flow2.weight").zero_()
    network.get_parameter("predict_flow2.bias").copy_(torch.tensor(found) / FLOW_FACTOR)
    images, track = torch.rand(2, 3, 32, 48), torch.zeros(2, 2, 32, 48)
    track[:, 0] = 3.0
    fields = network(images, images.flip(0), track)
    left = 2.0 * torch.tensor(believed).view(1, 2, 1, 1)  # of a grid twice as fine
    assert torch.allclose(fields.flow, flow_on_grid(track, 16, 24) + left, atol=1e-3)
    assert fields.track is not None
    assert fields.track.shape == (2, 2, 8, 12)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return with_track(untrained_checkpoint())


def segmenter(checkpoint: Checkpoint, schedule: Schedule) -> VideoSegmenter:
    return VideoSegmenter(
        checkpoint,
        rows=1, columns=1, overlap=0, device="cpu", precision="float32", schedule=schedule,
    )  # fmt: skip


def test_labels_follow_the_track(checkpoint: Checkpoint) -> None:
    """Without a word of the flow network: it says that nothing is left, and no correction."""
    frames = drifting_frames(4, step=SHIFT)
    key = segmenter(checkpoint, Schedule("fixed", 0.0))
    first = key.segment(frames[0]).mask
    for frame in frames[1:]:
        last = key.segment(frame).mask
    moved = 3 * SHIFT
    agreement = (last[:, : 128 - moved - 8] == first[:, moved : 128 - 8]).mean()
    unmoved = (last == first).mean()
    assert agreement > 0.92
    assert unmoved < agreement - 0.1


def test_a_segmented_region_is_tracked_anew(checkpoint: Checkpoint) -> None:
    always = segmenter(checkpoint, Schedule("fixed", 100.0))
    for frame in drifting_frames(3, step=SHIFT):
        always.segment(frame)
        keys = always.state().keys
        assert keys is not None
        assert keys.tracking is not None
        assert not keys.tracking.tracks.any()


def test_a_network_without_a_track_has_no_view() -> None:
    networks = RegionNetworks(untrained_checkpoint(), torch.device("cpu"), torch.float32)
    assert networks.tracking_view(drifting_frames(1, step=SHIFT)[0], GRID) is None


@pytest.mark.parametrize("tracked", [False, True])
def test_a_flow_network_says_what_it_starts_from(tracked: bool) -> None:
    network = FlowNet(11, 4, tracked=tracked)
    track = None if tracked else torch.zeros(1, 2, 64, 64)
    with pytest.raises(ValueError, match="starts from a track" if tracked else "give none"):
        network(*torch.rand(2, 1, 3, 64, 64), track)
