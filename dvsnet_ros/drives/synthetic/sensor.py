"""What the camera adds to the world: soft edges, exposure and grain."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.centreline import Waves, steady, waves

MARGIN = 256  # pixels by which the grain is larger than the images
SOFTNESS = 0.55  # pixels


@dataclass(frozen=True)
class Sensor:
    """A camera's own traits.

    Attributes:
        exposure: factor of the brightness over time.
        grain: int16 [H + MARGIN, W + MARGIN, 3], zero-mean; None for a clean camera.
        seed: of each frame's piece of the grain.
    """

    exposure: Waves
    grain: NDArray[np.int16] | None
    seed: int

    def capture(self, light: NDArray[np.float32], index: int, time: float) -> NDArray[np.uint8]:
        """The image, uint8 [H, W, 3], of light, float32 of the same shape in 0–255."""
        soft = cv2.GaussianBlur(light, (3, 3), SOFTNESS)
        image = cv2.convertScaleAbs(np.maximum(soft, 0), alpha=float(self.exposure.at(time)))
        if self.grain is None:
            return np.asarray(image, np.uint8)
        return np.asarray(
            cv2.add(image, self._grain_of(index, image.shape), dtype=cv2.CV_8U), np.uint8
        )

    def _grain_of(self, index: int, shape: tuple[int, ...]) -> NDArray[np.int16]:
        assert self.grain is not None
        rng = np.random.default_rng((self.seed, 0x6EA1, index))
        top, left = rng.integers(0, MARGIN, 2)
        return self.grain[top : top + shape[0], left : left + shape[1]]


def draw_sensor(seed: int, noise: float, height: int, width: int) -> Sensor:
    """The sensor of a drive; noise is its grain in grey levels, 0 gives a clean camera."""
    if noise == 0:
        return Sensor(steady(1.0), None, seed)
    rng = np.random.default_rng((seed, 0x5E50))
    grain = rng.standard_normal((height + MARGIN, width + MARGIN, 3), np.float32) * noise
    exposure = waves(rng, 1.0, (0.05, 0.03), (11.0, 4.5))
    return Sensor(exposure, np.rint(grain).astype(np.int16), seed)
