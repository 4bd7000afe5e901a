"""A segmentation at another size than it was made at."""

import numpy as np

from helpers.segmentations import segmentation

SMALL = segmentation(3, 48, 64, confidence=True)
"""Two regions beside each other: from 0 to 48 and from 16 to 64."""


def test_larger_labels_are_repeated() -> None:
    whole = SMALL.resized(144, 128)
    assert SMALL.confidence is not None
    np.testing.assert_array_equal(whole.mask, SMALL.mask.repeat(3, 0).repeat(2, 1))
    np.testing.assert_array_equal(whole.confidence, SMALL.confidence.repeat(3, 0).repeat(2, 1))
    places = [decision.region for decision in whole.decisions]
    assert [(r.y, r.x, r.height, r.width) for r in places] == [(0, 0, 144, 96), (0, 32, 144, 96)]
    assert [(r.row, r.column) for r in places] == [(0, 0), (0, 1)]
    assert (whole.grid, whole.decisions[1].path) == (SMALL.grid, SMALL.decisions[1].path)


def test_smaller_labels_are_those_of_the_pixels_in_the_middle() -> None:
    reduced = SMALL.resized(16, 64)
    np.testing.assert_array_equal(reduced.mask, SMALL.mask[1::3])
    reduced = SMALL.resized(48, 96)  # of two pixels three: the middle one is the second's
    np.testing.assert_array_equal(reduced.mask[:, ::3], SMALL.mask[:, ::2])
    np.testing.assert_array_equal(reduced.mask[:, 1::3], SMALL.mask[:, 1::2])
    np.testing.assert_array_equal(reduced.mask[:, 2::3], SMALL.mask[:, 1::2])


def test_without_a_confidence_there_is_none_at_another_size() -> None:
    assert segmentation(0).resized(96, 128).confidence is None
