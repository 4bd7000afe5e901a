"""Which region speaks for a pixel that several show."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dvsnet_ros.core.merging import merge
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.regions import RegionGrid

GRID = RegionGrid(64, 96, rows=1, columns=2, overlap=16)
LEFT, RIGHT = 0, 1
FRESH = (0, 0)


def mask_of(
    logits: list[Tensor], ages: tuple[int, int] = FRESH, discount: float = 0.5
) -> np.ndarray:
    return merge(logits, ages, GRID, age_discount=discount, confidence=False)[0]


def all_one(label: int, logit: float) -> Tensor:
    """Logits [3, 8, 8] that say one label everywhere."""
    logits = torch.zeros(3, 8, 8)
    logits[label] = logit
    return logits


def shared() -> tuple[slice, slice]:
    """The pixels that both regions show."""
    left, right = (region.slices[1] for region in GRID.regions)
    return slice(None), slice(right.start, left.stop)


def test_the_larger_logit_wins_where_regions_overlap() -> None:
    mask = mask_of([all_one(LEFT, 3.0), all_one(RIGHT, 4.0)])
    start = shared()[1].start
    assert (mask[:, :start] == LEFT).all()
    assert (mask[:, start:] == RIGHT).all()


def test_the_earlier_region_wins_ties() -> None:
    mask = mask_of([all_one(LEFT, 3.0), all_one(RIGHT, 3.0)])
    assert (mask[shared()] == LEFT).all()


@pytest.mark.parametrize(("age", "winner"), [(1, LEFT), (3, RIGHT)])
def test_an_older_key_frame_counts_for_less(age: int, winner: int) -> None:
    logits = [all_one(LEFT, 4.0), all_one(RIGHT, 3.0)]
    mask = mask_of(logits, (age, 0))
    assert (mask[shared()] == winner).all()
    outside = shared()[1].start
    assert (mask[:, :outside] == LEFT).all(), "there is nobody else to ask"


def test_key_frames_of_one_age_are_as_if_fresh() -> None:
    torch.manual_seed(0)
    logits = [3 * torch.randn(3, 8, 8) for _ in GRID.regions]
    np.testing.assert_array_equal(mask_of(logits, (7, 7)), mask_of(logits))


def test_without_a_discount_it_is_the_original_rule() -> None:
    torch.manual_seed(1)
    logits = [3 * torch.randn(3, 8, 8) for _ in GRID.regions]
    values = torch.full((3, GRID.height, GRID.width), -math.inf)
    for region, region_logits in zip(GRID.regions, logits, strict=True):
        interpolated = resize_bilinear(region_logits[None], region.height, region.width)[0]
        place = (slice(None), *region.slices)
        values[place] = torch.where(
            interpolated.amax(0) > values[place].amax(0), interpolated, values[place]
        )
    expected = values.argmax(0).numpy()
    assert (mask_of(logits, (9, 0), discount=0.0) == expected).mean() > 0.999


def test_confidence_is_the_winners_own_whatever_its_age() -> None:
    logits = [all_one(LEFT, 5.0), all_one(RIGHT, 2.0)]
    softmax = [math.exp(logit) / (math.exp(logit) + 2) for logit in (5.0, 2.0)]
    _, confidence = merge(logits, (7, 0), GRID, age_discount=0.5, confidence=True)
    assert confidence is not None
    start = shared()[1].start
    assert (confidence[:, :start] == round(255 * softmax[LEFT])).all()
    assert (confidence[:, start:] == round(255 * softmax[RIGHT])).all()
