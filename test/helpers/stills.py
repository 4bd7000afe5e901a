"""Tiny labelled stills: each class has its colour, so that there is something to learn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dvsnet_ros.core.label_sets import CAMVID, VOID_LABEL
from dvsnet_ros.training.data import LabelledImage


def make_still(name: str, seed: int, height: int = 48, width: int = 64) -> LabelledImage:
    """A road under a sky, a car on it, a void strip at the bottom."""
    random = np.random.default_rng(seed)
    labels = np.zeros((height, width), np.uint8)
    labels[height // 2 :] = 3
    x = int(random.integers(8, width - 24))
    labels[height // 2 : height // 2 + 12, x : x + 16] = 8
    labels[-4:] = VOID_LABEL
    noise = random.integers(-10, 11, (height, width, 3))
    image = np.clip(CAMVID.colorize(labels).astype(int) + noise, 0, 255).astype(np.uint8)
    return LabelledImage(name, image, labels)


def write_still(still: LabelledImage, folder: Path) -> None:
    """Write a still to `folder/stills` and its labels to `folder/labels`."""
    for name, image in (("stills", still.image), ("labels", still.labels)):
        (folder / name).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / name / f"{still.name}.png"), image)
