"""Segmentations come back from disk as they were."""

from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.core.segmentation_file import Stamped, load_segmentations, save_segmentations
from helpers.segmentations import STAMP, segmentation


@pytest.mark.parametrize("confidence", [False, True])
def test_what_is_saved_comes_back(tmp_path: Path, confidence: bool) -> None:
    saved = [
        Stamped(STAMP + index, segmentation(index, height, confidence=confidence))
        for index, height in enumerate((32, 32, 48))
    ]
    save_segmentations(tmp_path / "stretch", saved)
    for before, after in zip(saved, load_segmentations(tmp_path / "stretch"), strict=True):
        assert after.stamp == before.stamp
        one, two = before.segmentation, after.segmentation
        np.testing.assert_array_equal(one.mask, two.mask)
        assert two.mask.dtype == np.uint8
        assert two.grid == one.grid
        if confidence:
            np.testing.assert_array_equal(one.confidence, two.confidence)
        else:
            assert two.confidence is None
        assert str(two.decisions) == str(one.decisions)  # nan is unlike itself
