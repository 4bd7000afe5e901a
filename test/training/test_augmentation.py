import numpy as np

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.training.augmentation import VOID, Crop, random_crop
from helpers.stills import make_still

CROP = Crop(32, 40, (0.5, 2.0))


def test_the_same_random_numbers_give_the_same_crop() -> None:
    still = make_still("a_1", 0)
    first = random_crop(still, CROP, np.random.default_rng(5))
    again = random_crop(still, CROP, np.random.default_rng(5))
    other = random_crop(still, CROP, np.random.default_rng(6))
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    assert (first[0] != other[0]).any()


def test_crops_have_their_size_and_no_new_classes() -> None:
    still = make_still("a_1", 0)
    for seed in range(20):
        image, labels = random_crop(still, CROP, np.random.default_rng(seed))
        assert image.shape == (32, 40, 3)
        assert labels.shape == (32, 40)
        assert set(np.unique(labels)) <= {*np.unique(still.labels), VOID}


def test_labels_stay_on_their_pixels() -> None:
    """Image and labels are placed alike: the sky's colour stays under the sky's label."""
    still = make_still("a_1", 0)
    sky = CAMVID.colors[0][::-1]
    road = CAMVID.colors[3][::-1]
    for seed in range(10):
        image, labels = random_crop(still, CROP, np.random.default_rng(seed))
        if not ((labels == 0).any() and (labels == 3).any()):
            continue
        ratio = image[..., 1].astype(float) / np.maximum(1, image[..., 0])
        expected = sky[1] / sky[0] > road[1] / road[0]
        assert (np.median(ratio[labels == 0]) > np.median(ratio[labels == 3])) == expected
