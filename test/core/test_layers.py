"""Resizing, padding and warping against their definitions, written out."""

import pytest
import torch
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import ConvBatchNorm, fold_batch_norms, same_padding
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.networks.warp import warp


def sample(image: Tensor, y: float, x: float) -> Tensor:
    """Bilinear, the coordinates clamped to the border: [C] of an image [C, H, W]."""
    height, width = image.shape[-2:]
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, across = y - top, x - left
    above = image[:, top, left] * (1 - across) + image[:, top, right] * across
    below = image[:, bottom, left] * (1 - across) + image[:, bottom, right] * across
    return above * (1 - down) + below * down


@pytest.mark.parametrize("size", [(14, 10), (7, 5), (13, 4), (13, 5), (3, 3), (28, 20), (1, 9)])
def test_resize_is_tensorflow_ones(size: tuple[int, int]) -> None:
    image = torch.randn(1, 3, 14, 10)
    height, width = size
    resized = resize_bilinear(image, height, width)
    for y in range(height):
        for x in range(width):
            expected = sample(image[0], y * 14 / height, x * 10 / width)
            torch.testing.assert_close(resized[0, :, y, x], expected, rtol=1e-5, atol=1e-5)


def test_warp_follows_the_flow_backwards() -> None:
    logits = torch.randn(2, 3, 6, 7)
    flow = 4 * torch.randn(2, 2, 6, 7)
    warped = warp(logits, flow)
    for n in range(2):
        for y in range(6):
            for x in range(7):
                dx, dy = flow[n, :, y, x].tolist()
                expected = sample(logits[n], y + dy, x + dx)
                torch.testing.assert_close(warped[n, :, y, x], expected, rtol=1e-4, atol=1e-4)


def test_same_padding_puts_the_odd_pixel_after() -> None:
    assert same_padding(8, 3, 2) == (0, 1)
    assert same_padding(9, 3, 2) == (1, 1)
    assert same_padding(8, 7, 2) == (2, 3)
    assert same_padding(8, 3, 1) == (1, 1)
    assert same_padding(8, 1, 2) == (0, 0)


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "bias"), [(3, 2, 1, False), (3, 1, 4, True)]
)
def test_folding_the_batch_norm_changes_no_number(
    kernel: int, stride: int, dilation: int, bias: bool
) -> None:
    layer = ConvBatchNorm(4, 6, kernel, stride=stride, dilation=dilation, bias=bias)
    for tensor in layer.state_dict().values():
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    layer.eval()
    images = torch.randn(2, 4, 9, 12)
    expected = layer(images)
    fold_batch_norms(layer)
    assert isinstance(layer.norm, nn.Identity)
    torch.testing.assert_close(layer(images), expected, rtol=1e-4, atol=1e-4)
