"""Small drives that move, for what needs more than one frame and no real footage."""

from __future__ import annotations

import cv2
import numpy as np


def drifting_frames(
    count: int, height: int = 96, width: int = 128, step: int = 3
) -> list[np.ndarray]:
    """Frames uint8 [H, W, 3] that slide over one blurred random picture by `step` pixels each."""
    random = np.random.default_rng(0)
    whole = random.integers(0, 256, (height, width + step * count, 3), np.uint8)
    whole = cv2.normalize(cv2.GaussianBlur(whole, (0, 0), 3), None, 0, 255, cv2.NORM_MINMAX)
    return [np.ascontiguousarray(whole[:, step * n : step * n + width]) for n in range(count)]
