"""Objects cut out of labelled stills, set into crops of others.

Copy-paste (Ghiasi et al., "Simple copy-paste is a strong data augmentation method for instance
segmentation", CVPR 2021): what is rare in few stills is seen on other ground, at other sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.training.data import LabelledImage
from dvsnet_ros.training.moving_objects import (
    MOVING_CLASSES,
    Cutout,
    largest_scale,
    moving_classes,
    objects_of,
    stand,
)
from dvsnet_ros.training.state import check_shares

SMALLEST_AREA = 80  # pixels
LARGEST_SHARE = 0.15  # of a still
SCALES = (0.6, 2.4)
MOST_OBJECTS = 3


class Pasting:
    """Sets one to three objects into some of the crops.

    Args:
        stills: whose objects it sets in; without any it leaves crops as they are.
        share: of the crops that get objects, 0-1.
        label_set: of the stills; its classes of objects are known by their names
            (`MOVING_CLASSES`).

    Raises:
        ValueError: if the share is no such number, or there is one and no class is of objects.
    """

    def __init__(self, stills: Sequence[LabelledImage], share: float, label_set: LabelSet) -> None:
        check_shares(pasted=share)
        moving = moving_classes(label_set)
        if share and not moving:
            raise ValueError(
                f"no class of label set '{label_set.name}' can be pasted; those can that are named "
                f"{', '.join(MOVING_CLASSES)}"
            )
        self._share = share
        self._objects = _by_class(stills, moving) if share else []

    def __call__(
        self, image: NDArray[np.uint8], labels: NDArray[np.uint8], random: np.random.Generator
    ) -> None:
        """Paint objects, each of a class drawn evenly, into a crop [h, w, 3] and its labels."""
        if not self._objects or random.random() >= self._share:
            return
        for _ in range(int(random.integers(1, MOST_OBJECTS + 1))):
            objects = self._objects[int(random.integers(len(self._objects)))]
            cutout = objects[int(random.integers(len(objects)))]
            labels[cutout.paint(image, _placement(cutout, labels.shape, random))] = cutout.label


def _by_class(stills: Sequence[LabelledImage], moving: Iterable[int]) -> list[list[Cutout]]:
    """The objects of each of these classes that has any."""
    classes = []
    for label in moving:
        objects = [
            cutout
            for still in stills
            for cutout in objects_of(still, label, SMALLEST_AREA)
            if cv2.countNonZero(cutout.alpha) < LARGEST_SHARE * still.labels.size
        ]
        if objects:
            classes.append(objects)
    return classes


def _placement(
    cutout: Cutout, size: tuple[int, ...], random: np.random.Generator
) -> NDArray[np.float64]:
    """An affine map [3, 3] from the object's box into a crop, mirrored or not."""
    largest = largest_scale(cutout, size, SCALES[1])
    scale = np.exp(random.uniform(np.log(min(SCALES[0], largest)), np.log(largest)))
    placement = stand(cutout, size, scale, random)
    if random.random() < 0.5:
        width = cutout.alpha.shape[1]
        placement = placement @ np.array(((-1.0, 0.0, width), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    return placement
