"""Decoding against its definition: interpolate every class at every pixel, take the maximum."""

import pytest
import torch
import torch.nn.functional as functional

from dvsnet_ros.core.decode import confidence_of, decode
from dvsnet_ros.core.networks.resize import resize_bilinear

SIZES = [
    (19, 36, 68, 576, 1088),
    (19, 20, 36, 160, 288),
    (11, 32, 86, 252, 685),
    (11, 14, 17, 212, 272),
    (3, 2, 2, 17, 31),
    (2, 1, 1, 16, 16),
    (1, 4, 4, 32, 32),
    (3, 24, 40, 17, 31),  # logits finer than the pixels
]


def smooth_logits(classes: int, height: int, width: int) -> torch.Tensor:
    """Logits of blobs, with noise: uniform cells and mixed ones."""
    coarse = 5 * torch.randn(1, classes, max(1, height // 6), max(1, width // 6))
    smooth = functional.interpolate(coarse, (height, width), mode="bilinear")[0]
    return smooth + 0.2 * torch.randn(classes, height, width)


@pytest.mark.parametrize(("classes", "rows", "columns", "height", "width"), SIZES)
def test_decode_is_the_maximum_of_interpolated_logits(
    classes: int, rows: int, columns: int, height: int, width: int
) -> None:
    torch.manual_seed(1)
    logits = smooth_logits(classes, rows, columns)
    values, winners = resize_bilinear(logits[None], height, width)[0].max(0)
    labels = decode(logits, height, width)
    torch.testing.assert_close(labels.values, values, rtol=1e-5, atol=2e-5)
    assert (labels.classes == winners).float().mean() > 0.9999


def test_the_first_class_wins_ties() -> None:
    labels = decode(torch.zeros(5, 4, 4), 32, 32)
    assert not labels.classes.any()


@pytest.mark.parametrize(("classes", "rows", "columns", "height", "width"), SIZES)
def test_confidence_is_the_softmax_of_the_winner(
    classes: int, rows: int, columns: int, height: int, width: int
) -> None:
    torch.manual_seed(2)
    logits = smooth_logits(classes, rows, columns)
    expected = resize_bilinear(logits[None], height, width)[0].softmax(0).amax(0)
    actual = confidence_of(logits, decode(logits, height, width))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
