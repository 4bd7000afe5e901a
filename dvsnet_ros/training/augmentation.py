"""Random crops of labelled stills: scaled, mirrored, and under another light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.training.data import LabelledImage

VOID = 255
"""Label of what lies outside the still; outside every label set."""

MAX_ROTATION = 3.0  # degrees: a camera in a car tilts little
MAX_STRETCH = 0.1  # of the width against the height


@dataclass(frozen=True)
class Crop:
    """A random part of a still.

    Attributes:
        height, width: of the crop, in pixels.
        scales: smallest and largest magnification of the still.
    """

    height: int
    width: int
    scales: tuple[float, float]


def random_crop(
    still: LabelledImage, crop: Crop, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A crop (BGR [h, w, 3], labels [h, w]); half of them around a pixel of a random class.

    Choosing the class before the pixel shows rare classes far more often than their area would.
    """
    matrix = _placement(still, crop, random)
    size = (crop.width, crop.height)
    image = cv2.warpAffine(
        still.image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    labels = cv2.warpAffine(
        still.labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=(VOID,)
    )
    return relight(np.asarray(image, np.uint8), random), np.asarray(labels, np.uint8)


def _placement(
    still: LabelledImage, crop: Crop, random: np.random.Generator
) -> NDArray[np.float64]:
    """The affine map [2, 3] from the still's pixels to the crop's."""
    low, high = crop.scales
    scale = np.exp(random.uniform(np.log(low), np.log(high)))
    mirror = -1.0 if random.random() < 0.5 else 1.0
    stretch = 1.0 + random.uniform(-MAX_STRETCH, MAX_STRETCH)
    angle = np.deg2rad(random.uniform(-MAX_ROTATION, MAX_ROTATION))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([mirror * stretch, 1.0])

    height, width = still.labels.shape
    size = np.array([crop.width, crop.height], np.float64)
    margin = np.minimum(size / (2.0 * scale), np.array([width, height]) / 2.0)
    centre = random.uniform(margin, np.array([width, height]) - margin)
    if random.random() < 0.5:
        inside = size / (2.0 * scale) * random.uniform(-0.7, 0.7, 2)
        wanted = _pixel_of_random_class(still.labels, random) + inside
        centre = np.clip(wanted, margin, np.array([width, height]) - margin)
    return np.column_stack((linear, size / 2.0 - linear @ centre))


def _pixel_of_random_class(
    labels: NDArray[np.uint8], random: np.random.Generator
) -> NDArray[np.float64]:
    coarse = labels[::4, ::4]
    rows, columns = np.nonzero(coarse == random.choice(np.unique(coarse)))
    picked = random.integers(len(rows))
    return 4.0 * np.array([columns[picked], rows[picked]], np.float64)


def relight(image: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast, white balance, saturation and sharpness."""
    levels = np.arange(256, dtype=np.float64) / 255.0
    gamma = np.exp(random.uniform(-0.35, 0.35))
    contrast = random.uniform(0.75, 1.25)
    brightness = random.uniform(-0.1, 0.1)
    balance = random.uniform(0.9, 1.1, 3)
    tone = (levels**gamma - 0.5) * contrast + 0.5 + brightness
    table = np.clip(255.0 * tone[:, None] * balance, 0, 255).astype(np.uint8)
    lit = cv2.LUT(image, table[None])
    grey = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    saturation = random.uniform(0.0, 1.4)  # 0 is a grey camera
    lit = cv2.addWeighted(lit, saturation, grey, 1.0 - saturation, 0.0)
    if random.random() < 0.2:
        lit = cv2.GaussianBlur(lit, (3, 3), 0)
    return np.asarray(lit, np.uint8)
