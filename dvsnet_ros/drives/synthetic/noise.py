"""Noise that tiles without a seam."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def value_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    cells: tuple[int, int],
    octaves: int = 4,
    gain: float = 0.55,
) -> Image:
    """Smooth noise, float32 of the shape, with mean 0 and deviation 1; it tiles both ways.

    Args:
        rng: where the noise comes from.
        shape: height and width in pixels.
        cells: how many hills the first octave has down and across; each next one has twice them.
        octaves: how many sizes of hills.
        gain: height of an octave's hills against the one before.
    """
    total = np.zeros(shape, np.float32)
    amplitude = 1.0
    for octave in range(octaves):
        count = [min(cells[axis] << octave, shape[axis]) for axis in range(2)]
        grid = np.pad(rng.standard_normal(count).astype(np.float32), 2, mode="wrap")
        y, x = (
            ((np.arange(shape[axis]) + 0.5) * count[axis] / shape[axis] + 1.5).astype(np.float32)
            for axis in range(2)
        )
        total += amplitude * cv2.remap(grid, *np.meshgrid(x, y), cv2.INTER_CUBIC)
        amplitude *= gain
    total -= total.mean()
    return np.asarray(total / total.std(), np.float32)
