"""Label sets: what the class ids of a mask mean, and the colours they are shown in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Color = tuple[int, int, int]


@dataclass(frozen=True)
class LabelSet:
    """Class names and display colours; a class id is an index into both.

    Attributes:
        name: short name, also stored in checkpoints.
        classes: one name a class.
        colors: one (red, green, blue) a class, 0-255 each.

    Raises:
        ValueError: if there are no classes, more than 255, or not one colour a class, each of
            three numbers from 0 to 255.
    """

    name: str
    classes: tuple[str, ...]
    colors: tuple[Color, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= 255:
            raise ValueError(
                f"label set '{self.name}' has {len(self.classes)} classes; a mono8 mask holds "
                "1 to 255"
            )
        if len(self.colors) != len(self.classes):
            raise ValueError(
                f"label set '{self.name}' has {len(self.classes)} classes and "
                f"{len(self.colors)} colours; give one colour a class"
            )
        for color in self.colors:
            if len(color) != 3 or not all(0 <= part <= 255 for part in color):
                raise ValueError(
                    f"label set '{self.name}' has the colour {color}; give red, green and blue "
                    "from 0 to 255"
                )

    def colorize(self, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Paint a mask of class ids [H, W] as a BGR image [H, W, 3]; unknown ids are black."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: len(self.colors)] = np.array(self.colors, np.uint8)[:, ::-1]
        painted: NDArray[np.uint8] = palette[mask]
        return painted


# The 19 training classes of Cityscapes; colours of its label definitions, as in the original's
# tools/img_utils.py.
CITYSCAPES = LabelSet(
    "cityscapes",
    (
        "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light",
        "traffic sign", "vegetation", "terrain", "sky", "person", "rider", "car", "truck",
        "bus", "train", "motorcycle", "bicycle",
    ),
    (
        (128, 64, 128), (244, 35, 231), (69, 69, 69), (102, 102, 156), (190, 153, 153),
        (153, 153, 153), (250, 170, 29), (219, 219, 0), (106, 142, 35), (152, 250, 152),
        (69, 129, 180), (219, 19, 60), (255, 0, 0), (0, 0, 142), (0, 0, 69), (0, 60, 100),
        (0, 79, 100), (0, 0, 230), (119, 10, 32),
    ),
)  # fmt: skip

# CamVid's 11 classes, in the order of the usual 480x360 split; its void label is 11.
CAMVID = LabelSet(
    "camvid",
    (
        "sky", "building", "pole", "road", "pavement", "tree", "sign symbol", "fence", "car",
        "pedestrian", "bicyclist",
    ),
    (
        (70, 130, 180), (70, 70, 70), (190, 190, 170), (128, 64, 128), (244, 35, 232),
        (107, 142, 35), (250, 170, 30), (190, 120, 90), (0, 0, 192), (220, 20, 60),
        (0, 220, 220),
    ),
)  # fmt: skip

BUILT_IN = {label_set.name: label_set for label_set in (CAMVID, CITYSCAPES)}
"""The label sets that are known by name."""

VOID_LABEL = 11
"""CamVid's label of pixels without a class; ignored in training and evaluation."""
