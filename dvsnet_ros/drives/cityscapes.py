"""Cityscapes: where the labels and the camera of an image lie, and what they mean.

<root>/leftImg8bit…/<split>/<city>/<city>_<sequence>_<frame>_leftImg8bit.png
<root>/gtFine/<split>/<city>/<city>_<sequence>_<frame>_gtFine_labelIds.png
<root>/camera/<split>/<city>/<city>_<sequence>_<frame>_camera.json
"""

import json
import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import CITYSCAPES
from dvsnet_ros.drives.frame import Calibration

VOID: Final = 255

LABEL_IDS: Final = "_labelIds.png"
TRAIN_IDS: Final = "_labelTrainIds.png"

IMAGE_HEIGHT, IMAGE_WIDTH = 1024, 2048

# The ids of the data set's own label definitions that are trained on.
_CLASS_OF_LABEL_ID: Final = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole",
    19: "traffic light", 20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky",
    24: "person", 25: "rider", 26: "car", 27: "truck", 28: "bus", 31: "train", 32: "motorcycle",
    33: "bicycle",
}  # fmt: skip

_NAME = re.compile(r"((.+_\d{6})_\d{6})_leftImg8bit")

_log = logging.getLogger(__name__)


def has_its_name(image: Path) -> bool:
    """Whether an image is called as those of Cityscapes."""
    return _NAME.fullmatch(image.stem) is not None


def _is_cityscapes(path: Path) -> bool:
    """Whether an image lies where Cityscapes has it, under the name that it has there."""
    return (
        has_its_name(path)
        and len(path.parents) > 3
        and path.parents[2].name.startswith("leftImg8bit")
    )


def labels_path(image: Path, folder: Path | None = None) -> Path:
    """Where an image's labels are, or would be: train ids where there are such, or label ids.

    Args:
        image: one of Cityscapes' name.
        folder: that of its city's labels; by default the one in `gtFine`, for an image that lies
            where Cityscapes has it.
    """
    base = image.stem.removesuffix("leftImg8bit")
    folder = _beside(image, "gtFine") if folder is None else folder
    train_ids = folder / f"{base}gtFine{TRAIN_IDS}"
    return train_ids if train_ids.exists() else folder / f"{base}gtFine{LABEL_IDS}"


def companions(images: Sequence[Path]) -> tuple[list[Path], list[Calibration | None]] | None:
    """Where each image's labels are, or would be, and its camera.

    None unless all images lie where Cityscapes has them.
    """
    if not all(map(_is_cityscapes, images)):
        return None
    return [labels_path(image) for image in images], _calibrations(images)


def label_set_of(labels: Path) -> str:
    """Name of the label set of a file of labels, empty where its own name does not say it."""
    return CITYSCAPES.name if labels.name.endswith((LABEL_IDS, TRAIN_IDS)) else ""


def class_ids(labels: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """The class ids of a label image, [H, W]: as CITYSCAPES orders them, 255 is void.

    Args:
        labels: the values in the file.
        name: the file's; values of a file with another name than Cityscapes' are class ids already.
    """
    if name.endswith(LABEL_IDS):
        table = [_class_of(value) for value in range(256)]
    elif name.endswith(TRAIN_IDS):
        table = [value if value < len(CITYSCAPES.classes) else VOID for value in range(256)]
    else:
        return labels
    ids: NDArray[np.uint8] = np.array(table, np.uint8)[labels]
    return ids


def _class_of(label_id: int) -> int:
    name = _CLASS_OF_LABEL_ID.get(label_id)
    return VOID if name is None else CITYSCAPES.classes.index(name)


def _calibrations(images: Sequence[Path]) -> list[Calibration | None]:
    """The camera of each image: its own file's, or that of its sequence's first.

    Cityscapes has one for the labelled image of a snippet only.
    """
    files: dict[str, Path] = {}
    for folder in dict.fromkeys(_beside(image, "camera") for image in images):
        for file in sorted(folder.glob("*_camera.json")):
            own = file.name.removesuffix("_camera.json")
            files[own] = file
            files.setdefault(own.rpartition("_")[0], file)
    read = lru_cache(maxsize=None)(_read_camera)
    found = (_NAME.fullmatch(image.stem) for image in images)
    chosen = (files.get(m[1]) or files.get(m[2]) if m is not None else None for m in found)
    return [None if file is None else read(file) for file in chosen]


def _read_camera(file: Path) -> Calibration | None:
    try:
        intrinsic = json.loads(file.read_text(encoding="utf-8"))["intrinsic"]
        focal_x, focal_y, x, y = (float(intrinsic[name]) for name in ("fx", "fy", "u0", "v0"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        _log.warning("the calibration %s is left aside: %s", file, error)
        return None
    return Calibration.pinhole(IMAGE_HEIGHT, IMAGE_WIDTH, focal=(focal_x, focal_y), center=(x, y))


def _beside(image: Path, kind: str) -> Path:
    """The folder that holds another kind of file for the images of this image's folder."""
    city, split, _, root = image.parents[:4]
    return root / kind / split.name / city.name
