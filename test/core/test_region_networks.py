from dataclasses import replace

import numpy as np
import pytest
import torch

from dvsnet_ros.core import region_networks
from dvsnet_ros.core.checkpoint import load_checkpoint, untrained_checkpoint
from dvsnet_ros.core.networks.decision import DecisionNetwork
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.core.networks.resize import magnify, resize_bilinear
from dvsnet_ros.core.region_networks import (
    RegionNetworks,
    decision_features,
    half_size,
    key_logits,
    warp_and_scale,
)
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.tracking import Track

CLASSES = 3


@pytest.mark.parametrize(
    ("logits", "kept"),
    [
        ((30, 40), (30, 40)),  # an eighth: the flow network's grid
        ((31, 41), (30, 40)),  # the original's segmentation network rounds otherwise
        ((60, 80), (60, 80)),  # a quarter
        ((64, 88), (64, 88)),  # magnified
        ((15, 20), (30, 40)),  # coarser ones are interpolated
    ],
)
def test_key_logits_stay_on_their_grid_where_it_is_finer_than_the_flow_s(
    logits: tuple[int, int], kept: tuple[int, int]
) -> None:
    grid = RegionGrid(240, 320, 1, 1, 0)
    assert key_logits(torch.randn(2, CLASSES, *logits), grid).shape == (2, CLASSES, *kept)


def test_a_cpu_segments_large_regions_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
    networks = RegionNetworks(checkpoint, torch.device("cpu"), torch.float32)
    batches: list[int] = []
    networks._networks["segmentation"].register_forward_hook(
        lambda _network, _inputs, logits: batches.append(len(logits))
    )
    grid = RegionGrid(96, 128, 2, 2, 16)
    image = torch.randint(0, 256, (1, 3, 96, 128), dtype=torch.uint8)
    together = networks.segment(image, grid.regions)
    pixels = grid.region_height * grid.region_width
    pixels *= checkpoint.input.magnification**2
    for at_once, parts in ((int(3.1 * pixels), [3, 1]), (1, [1, 1, 1, 1])):
        batches.clear()
        monkeypatch.setattr(region_networks, "PIXELS_AT_ONCE", at_once)
        assert torch.allclose(networks.segment(image, grid.regions), together, atol=1e-4)
        assert batches == parts


def test_the_segmentation_network_sees_regions_magnified() -> None:
    """Seen twice as large, a region gives what an image gives that is twice as large."""
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
    cpu = torch.device("cpu")
    plain, magnified = (
        RegionNetworks(checkpoint, cpu, torch.float32, replace(checkpoint.input, magnification=m))
        for m in (1.0, 2.0)
    )
    image = torch.randint(0, 256, (1, 3, 64, 96), dtype=torch.uint8)
    larger = magnify(image.float(), 2.0)
    expected = plain.segment(larger, RegionGrid(128, 192, 1, 1, 0).regions)
    seen = magnified.segment(image, RegionGrid(64, 96, 1, 1, 0).regions)
    assert torch.allclose(seen, expected, atol=1e-3)


def test_the_segmentation_network_sees_the_order_of_channels_that_it_was_made_for() -> None:
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
    bgr, rgb = (
        RegionNetworks(
            checkpoint,
            torch.device("cpu"),
            torch.float32,
            replace(checkpoint.input, channel_order=order, mean=(100.0, 110.0, 120.0)),
        )
        for order in ("bgr", "rgb")
    )
    image = torch.randint(0, 256, (1, 3, 32, 48), dtype=torch.uint8)
    (region,) = RegionGrid(32, 48, 1, 1, 0).regions
    expected = bgr.segment(image.flip(1), [region])
    assert torch.equal(rgb.segment(image, [region]), expected)
    assert not torch.allclose(bgr.segment(image, [region]), expected, atol=0.1)


def test_a_frame_is_resized_without_rounding() -> None:
    networks = RegionNetworks(untrained_checkpoint(), torch.device("cpu"), torch.float32)
    frame = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    pixels = torch.from_numpy(frame).permute(2, 0, 1)[None]
    resized = networks.to_image(frame, RegionGrid(32, 48, 1, 1, 0))
    assert torch.equal(resized, resize_bilinear(pixels.float(), 32, 48))
    assert torch.equal(networks.to_image(frame, RegionGrid(40, 60, 1, 1, 0)), pixels)


@pytest.mark.parametrize("size", [(8, 12), (9, 12), (8, 13), (9, 13)])
def test_the_flow_network_sees_regions_at_half_their_size(size: tuple[int, int]) -> None:
    regions = torch.randint(0, 256, (2, 3, *size), dtype=torch.uint8)
    expected = resize_bilinear(regions.float(), size[0] // 2, size[1] // 2) / 255.0
    torch.testing.assert_close(half_size(regions), expected)


@pytest.mark.parametrize("finer", [1, 2, 4])
def test_a_coarser_flow_counts_in_its_own_pixels(finer: int) -> None:
    """A flow of two pixels to the right moves logits that are n times as fine by 2n of theirs."""
    keys = torch.randn(1, CLASSES, 5 * finer, 8 * finer)
    flow = torch.zeros(1, 2, 5, 8)
    flow[:, 0] = 2.0
    moved = warp_and_scale(keys, flow, torch.full((1, CLASSES, 5, 8), 3.0))
    assert moved.shape == keys.shape
    assert torch.allclose(moved[..., : -2 * finer], 3.0 * keys[..., 2 * finer :], atol=1e-4)


def test_what_a_finer_key_shows_survives_the_flow_path() -> None:
    """A line one pixel wide is still one pixel wide when it has moved by one pixel of the flow."""
    keys = torch.zeros(1, 2, 12, 16)
    keys[:, 1, :, 7] = 1.0
    flow = torch.zeros(1, 2, 6, 8)
    flow[:, 0] = -1.0
    moved = warp_and_scale(keys, flow, torch.ones(1, 2, 6, 8))
    expected = torch.zeros(1, 2, 12, 16)
    expected[:, 1, :, 9] = 1.0
    assert torch.allclose(moved, expected, atol=1e-5)


def test_what_a_finer_flow_moves_is_as_fine() -> None:
    keys = torch.arange(8.0).expand(1, 2, 6, 8)
    flow = torch.zeros(1, 2, 12, 16)
    flow[:, 0] = 1.0
    moved = warp_and_scale(keys, flow, torch.ones(1, 2, 6, 8))
    assert moved.shape == (1, 2, 12, 16)
    assert torch.allclose(moved[0, 0, :, :14], (torch.arange(14.0) + 1.0) / 2.0, atol=1e-4)


def test_a_tracked_flow_leaves_more_of_a_line() -> None:
    """Half a pixel to the side, a line's peak is lower: by a half bilinearly, less bicubically."""
    keys = torch.zeros(1, 2, 12, 16)
    keys[:, 1, :, 7] = 1.0
    flow = torch.zeros(1, 2, 12, 16)
    flow[:, 0] = 0.5
    peaks = [
        float(warp_and_scale(keys, flow, torch.ones(1, 2, 6, 8), mode)[0, 1].max())
        for mode in ("bilinear", "bicubic")
    ]
    assert peaks[0] == pytest.approx(0.5)
    assert peaks[1] > 0.55


def test_where_there_is_a_correction_the_decision_network_reads_what_it_knows_of_itself() -> None:
    network = FlowNet(CLASSES, 4, correction=8)
    current, key = torch.rand(2, 2, 3, 64, 128)
    fields = network(current, key)
    certain, unsure = torch.zeros(2, CLASSES, 32, 64), torch.zeros(2, CLASSES, 32, 64)
    certain[:, 1] = 50.0
    certain[0, :, :16, :32] = 0.0  # a quarter of the first region knows nothing
    features = decision_features(fields, None, unsure, unsure, certain)
    assert features.shape == (2, network.feature_channels, 4, 8)
    followed, keys, changed, residual = features.unbind(1)
    unknown = 1.0 - 1.0 / CLASSES
    assert torch.allclose(keys, torch.full((2, 4, 8), unknown))
    assert torch.allclose(followed[0, :2, :4], torch.tensor(unknown))
    assert followed[0, 2:].abs().max() < 1e-6
    assert followed[1].abs().max() < 1e-6
    assert changed[0, :2, :4].abs().max() < 1e-6
    assert torch.allclose(changed[1], torch.tensor(unknown))
    assert residual.min() > 0.0


@torch.no_grad()
def test_where_images_are_the_same_nothing_is_left_between_them() -> None:
    network = FlowNet(CLASSES, 4, correction=8)
    for parameter in network.predict_flow2.parameters():
        parameter.zero_()
    image = torch.rand(1, 3, 64, 128)
    logits = torch.randn(1, CLASSES, 16, 32)
    features = decision_features(network(image, image), None, logits, logits, logits)
    assert features[:, 2:].abs().max() < 1e-6  # neither a change nor a residual


def test_where_there_is_a_track_it_reads_the_track_and_its_age_too() -> None:
    network = FlowNet(CLASSES, 4, correction=8, tracked=True)
    motion = torch.zeros(3, 2, 64, 128)
    motion[1, 0] = 16.0
    track = Track(motion, [1, 2, 16])
    fields = network(*torch.rand(2, 3, 3, 64, 128), motion)
    logits = torch.randn(3, CLASSES, 16, 32)
    features = decision_features(fields, track, logits, logits, logits)
    assert features.shape == (3, network.feature_channels, 4, 8)
    sideways, down, octaves = features[:, -3:].unbind(1)
    assert torch.allclose(sideways[:, 0, 0], torch.tensor([0.0, 1.0, 0.0]))
    assert torch.count_nonzero(down) == 0
    assert torch.allclose(octaves[:, 3, 7], torch.tensor([0.0, 1.0, 4.0]))


@pytest.mark.parametrize("tracked", [False, True])
def test_without_a_correction_it_reads_the_flow_features_as_the_original(tracked: bool) -> None:
    network = FlowNet(CLASSES, 4, tracked=tracked)
    track = Track(torch.zeros(2, 2, 64, 128), [1, 1]) if tracked else None
    fields = network(*torch.rand(2, 2, 3, 64, 128), track.motion if track else None)
    logits = torch.randn(2, CLASSES, 8, 16)
    features = decision_features(fields, track, logits, logits, logits)
    assert torch.equal(features, DecisionNetwork.resize_features(fields.features))
    assert features.shape == (2, network.feature_channels, 4, 8)
