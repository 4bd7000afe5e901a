import math

import numpy as np
import pytest

from dvsnet_ros.training.confusion import Confusion


def test_figures_of_a_small_case() -> None:
    confusion = Confusion(3)
    labels = np.array([[0, 0, 1, 1, 11]], np.uint8)
    mask = np.array([[0, 1, 1, 1, 2]], np.uint8)
    confusion.add(mask, labels)
    assert confusion.counts.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert confusion.class_iou[:2] == pytest.approx([1 / 2, 2 / 3])
    assert math.isnan(confusion.class_iou[2])
    assert confusion.mean_iou == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert confusion.pixel_accuracy == pytest.approx(3 / 4)


def test_nothing_counted_has_no_figures() -> None:
    confusion = Confusion(3)
    confusion.add(np.zeros((2, 2), np.uint8), np.full((2, 2), 11, np.uint8))
    assert math.isnan(confusion.mean_iou)
    assert math.isnan(confusion.pixel_accuracy)
