"""Which region speaks for a pixel that several show."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from dvsnet_ros.core.merging import TRUST_LOST, MergeRule, merge
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.regions import RegionGrid

GRID = RegionGrid(64, 96, rows=1, columns=2, overlap=16)
LEFT, RIGHT = 0, 1
FRESH = (0, 0)


def mask_of(logits: list[Tensor], ages: tuple[int, int], rule: MergeRule) -> np.ndarray:
    return merge(logits, ages, GRID, rule, confidence=False)[0]


def sure_of(label: int, confidence: float) -> Tensor:
    """Logits [3, 8, 8] of one label with this softmax everywhere."""
    logits = torch.zeros(3, 8, 8)
    logits[label] = math.log(2 * confidence / (1 - confidence))
    return logits


def shared() -> tuple[slice, slice]:
    """The pixels that both regions show."""
    left, right = (region.slices[1] for region in GRID.regions)
    return slice(None), slice(right.start, left.stop)


def test_the_most_confident_region_wins_where_they_overlap() -> None:
    logits = [sure_of(LEFT, 0.7), sure_of(RIGHT, 0.8)]
    mask = mask_of(logits, FRESH, MergeRule.CONFIDENCE)
    start = shared()[1].start
    assert (mask[:, :start] == LEFT).all()
    assert (mask[:, start:] == RIGHT).all()


def test_what_all_logits_of_a_region_have_more_says_nothing() -> None:
    torch.manual_seed(0)
    logits = [3 * torch.randn(3, 8, 8) for _ in GRID.regions]
    larger = [logits[LEFT] + 50.0, logits[RIGHT]]
    plain = mask_of(logits, FRESH, MergeRule.CONFIDENCE)
    np.testing.assert_array_equal(mask_of(larger, FRESH, MergeRule.CONFIDENCE), plain)
    assert (mask_of(larger, FRESH, MergeRule.LOGIT) != plain).any()


@pytest.mark.parametrize(("age", "winner"), [(1, LEFT), (20, RIGHT)])
def test_an_old_key_frame_is_trusted_less(age: int, winner: int) -> None:
    ahead = math.log(0.8 / 0.7)
    assert TRUST_LOST < ahead < 20 * TRUST_LOST
    logits = [sure_of(LEFT, 0.8), sure_of(RIGHT, 0.7)]
    mask = mask_of(logits, (age, 0), MergeRule.CONFIDENCE)
    assert (mask[shared()] == winner).all()
    assert (mask_of(logits, (age, 0), MergeRule.LOGIT)[shared()] == LEFT).all()


@pytest.mark.parametrize("rule", list(MergeRule))
def test_the_earlier_region_wins_ties(rule: MergeRule) -> None:
    mask = mask_of([sure_of(LEFT, 0.8), sure_of(RIGHT, 0.8)], FRESH, rule)
    assert (mask[shared()] == LEFT).all()


def test_the_largest_logit_is_the_original_rule() -> None:
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
    assert (mask_of(logits, (3, 0), MergeRule.LOGIT) == expected).mean() > 0.999


@pytest.mark.parametrize("rule", list(MergeRule))
def test_confidence_is_the_winners_own_whatever_its_age(rule: MergeRule) -> None:
    logits = [sure_of(LEFT, 0.6), sure_of(RIGHT, 0.8)]
    _, confidence = merge(logits, (0, 2), GRID, rule, confidence=True)
    assert confidence is not None
    start = shared()[1].start
    assert (confidence[:, :start] == round(255 * 0.6)).all()
    assert (confidence[:, start:] == round(255 * 0.8)).all()
