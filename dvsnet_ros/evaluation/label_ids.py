"""Label ids of Cityscapes: what its evaluation and its test server take."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import CITYSCAPES, LabelSet

CITYSCAPES_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
"""The `id` of each of the 19 training classes, as cityscapesscripts' `labels.py` says."""


def save_label_ids(path: Path, mask: NDArray[np.uint8]) -> None:
    """Write a mask [H, W] of Cityscapes' training classes as a PNG of label ids.

    Raises:
        OSError: if the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.array(CITYSCAPES_IDS, np.uint8)[mask]):
        raise OSError(f"'{path}' can't be written; is there room, and may you write there?")


def check_has_label_ids(labels: LabelSet) -> None:
    """Check that label ids can be told.

    Raises:
        ValueError: if the label set is not that of Cityscapes.
    """
    if labels.classes != CITYSCAPES.classes:
        raise ValueError(
            "label ids are those of Cityscapes, and the checkpoint's label set is "
            f"'{labels.name}'; leave --save-label-ids out, or give a checkpoint of Cityscapes' 19 "
            "classes"
        )
