"""Objects cut out of labelled stills, to be moved over others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.training.data import LabelledImage

MOVING_CLASSES: Final = {
    "pole": 1, "sign symbol": 1, "traffic light": 1, "traffic sign": 1,
    "car": 4, "truck": 1, "bus": 1, "train": 1, "motorcycle": 1, "bicycle": 1,
    "pedestrian": 2, "person": 2, "bicyclist": 2, "rider": 2,
}  # fmt: skip
"""Classes of objects, by CamVid's names and Cityscapes', and how often each comes first."""

SMALLEST_AREA = 150  # pixels; smaller ones show nothing


@dataclass(frozen=True)
class Cutout:
    """One object.

    Attributes:
        label: its class id.
        image: its box, uint8 [h, w, 3] BGR.
        alpha: where in the box it is, uint8 [h, w], 0 or 255.
    """

    label: int
    image: NDArray[np.uint8]
    alpha: NDArray[np.uint8]

    def paint(self, image: NDArray[np.uint8], placement: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Paint it into an image, its pixels placed by an affine map [3, 3].

        Returns:
            Which of the image's pixels it covers, [H, W].
        """
        size = (image.shape[1], image.shape[0])
        placed = cv2.warpAffine(
            self.image, placement[:2], size, flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        alpha = cv2.warpAffine(self.alpha, placement[:2], size, flags=cv2.INTER_LINEAR)
        covered = np.asarray(alpha) > 127
        image[covered] = np.asarray(placed)[covered]
        return covered


def moving_classes(label_set: LabelSet) -> dict[int, float]:
    """Ids of a label set's classes of objects, by their names, and how often each comes first."""
    times = {
        label: MOVING_CLASSES[name]
        for label, name in enumerate(label_set.classes)
        if name in MOVING_CLASSES
    }
    return {label: often / sum(times.values()) for label, often in times.items()}


def cut_out(
    still: LabelledImage, moving: Mapping[int, float], random: np.random.Generator
) -> Cutout | None:
    """Cut a random object out of a still; None if it has none that is large enough.

    Args:
        still: with objects, maybe.
        moving: their classes, from `moving_classes`.
        random: what decides.
    """
    if not moving:
        return None
    order = random.choice(list(moving), len(moving), replace=False, p=list(moving.values()))
    for label in order:
        found = objects_of(still, int(label), SMALLEST_AREA)
        if found:
            return found[int(random.integers(len(found)))]
    return None


def objects_of(still: LabelledImage, label: int, smallest: int) -> list[Cutout]:
    """Every object of a class in a still that has more pixels than `smallest`."""
    mask = (still.labels == label).astype(np.uint8)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    found = []
    for part in range(1, count):
        left, top, width, height, area = boxes[part]
        if area > smallest:
            box = (slice(top, top + height), slice(left, left + width))
            alpha = np.where(parts[box] == part, 255, 0).astype(np.uint8)
            found.append(Cutout(label, still.image[box].copy(), alpha))
    return found


def draw_placement(
    cutout: Cutout, size: tuple[int, int], random: np.random.Generator
) -> NDArray[np.float64]:
    """An affine map [3, 3] from the object's box into a frame of this size, within its borders."""
    largest = largest_scale(cutout, size, 2.0)
    return stand(cutout, size, random.uniform(min(0.4, largest), largest), random)


def largest_scale(cutout: Cutout, size: tuple[int, ...], most: float) -> float:
    """The largest scale, at most `most`, at which the object fits into a frame [height, width]."""
    height, width = cutout.alpha.shape
    largest: float = min(most, size[0] / height, size[1] / width)
    return largest


def stand(
    cutout: Cutout, size: tuple[int, ...], scale: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """An affine map [3, 3] that puts the object, at this scale, somewhere within a frame."""
    height, width = cutout.alpha.shape
    room = np.array((size[1] - scale * width, size[0] - scale * height))
    placement = np.diag((scale, scale, 1.0))
    # Objects stand on the ground: the lower half of the frame more often than the sky.
    placement[:2, 2] = room * random.uniform((0.0, 0.2), (1.0, 1.0))
    return placement
