import numpy as np
import pytest

from dvsnet_ros.core.label_sets import CAMVID, LabelSet
from dvsnet_ros.training.data import LabelledImage
from dvsnet_ros.training.pasting import Pasting
from helpers.stills import make_still

CAR, ROAD = 8, 3


def still_with_a_red_car() -> LabelledImage:
    image = np.zeros((60, 80, 3), np.uint8)
    labels = np.full((60, 80), ROAD, np.uint8)
    image[20:30, 30:46] = (0, 0, 255)
    labels[20:30, 30:46] = CAR
    return LabelledImage("a_1", image, labels)


def empty_crop() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((64, 72, 3), np.uint8), np.full((64, 72), ROAD, np.uint8)


def test_labels_are_where_the_objects_are() -> None:
    paste = Pasting([still_with_a_red_car()], 1.0, CAMVID)
    sizes = set()
    for seed in range(30):
        image, labels = empty_crop()
        paste(image, labels, np.random.default_rng(seed))
        red = image[..., 2] > 127
        assert red.any()
        assert set(np.unique(labels)) == {ROAD, CAR}
        assert np.array_equal(labels == CAR, red)
        sizes.add(int(red.sum()))
    assert min(sizes) < 160 < max(sizes)  # smaller and larger than it is


def test_a_share_of_the_crops_gets_objects() -> None:
    paste = Pasting([still_with_a_red_car()], 0.5, CAMVID)
    changed = 0
    for seed in range(100):
        image, labels = empty_crop()
        paste(image, labels, np.random.default_rng(seed))
        changed += bool(image.any())
    assert 35 < changed < 65


def test_nothing_to_paste_changes_nothing() -> None:
    bare = LabelledImage("a_1", np.zeros((60, 80, 3), np.uint8), np.full((60, 80), ROAD, np.uint8))
    for paste in (Pasting([make_still("a_1", 0)], 0.0, CAMVID), Pasting([bare], 1.0, CAMVID)):
        image, labels = empty_crop()
        paste(image, labels, np.random.default_rng(0))
        assert not image.any()
        assert (labels == ROAD).all()


def test_objects_are_known_by_the_names_of_their_classes() -> None:
    shifted = LabelSet("more", ("bridge", *CAMVID.classes), ((0, 0, 0), *CAMVID.colors))
    still = still_with_a_red_car()
    still = LabelledImage(still.name, still.image, still.labels + np.uint8(1))
    image, labels = empty_crop()
    Pasting([still], 1.0, shifted)(image, labels, np.random.default_rng(0))
    assert set(np.unique(labels)) == {ROAD, CAR + 1}
    with pytest.raises(ValueError, match="no class of label set 'shop' can be pasted; those can"):
        Pasting([still], 1.0, LabelSet("shop", ("shelf",), ((0, 0, 0),)))


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="give 0 to 1"):
        Pasting([], 1.5, CAMVID)
