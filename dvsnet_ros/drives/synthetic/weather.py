"""Light, haze and sky, drawn from a seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.mesh import Array


@dataclass(frozen=True)
class Light:
    """Where the light comes from.

    Attributes:
        direction: [3] unit vector to the sun.
        sun: [3] BGR strength of the sun.
        ambient: [3] BGR strength of the sky, from above.
        shade: brightness of ground in the shadow, against ground in the sun.
    """

    direction: Array
    sun: Array
    ambient: Array
    shade: float

    @property
    def casts_shadows(self) -> bool:
        """Whether the sun shines."""
        return self.shade < 0.95

    def on(self, normal: Array) -> Array:
        """Light [F, 3] BGR that falls on surfaces with these unit normals [F, 3]."""
        towards = np.maximum(normal @ self.direction, 0.0)[:, None]
        above = 0.72 + 0.28 * normal[:, 2:]
        return np.asarray(self.sun * towards + self.ambient * above)


@dataclass(frozen=True)
class Weather:
    """How the world looks.

    Attributes:
        light: on everything but the sky.
        zenith, horizon: [3] BGR colours of the sky, 0–1; the haze takes the horizon's.
        haze: metres at which haze hides about two thirds.
        clouds: 0 (none) to 1.
        wet: 0 (dry) to 1, darkens the ground.
    """

    light: Light
    zenith: NDArray[np.float64]
    horizon: NDArray[np.float64]
    haze: float
    clouds: float
    wet: float


def draw_weather(seed: int) -> Weather:
    """The weather of a drive."""
    rng = np.random.default_rng((seed, 0x5A1))
    elevation = np.radians(rng.uniform(22, 65))
    azimuth = rng.uniform(0, 2 * np.pi)
    direction = np.array(
        (
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        )
    )
    light = Light(direction, np.array((0.62, 0.72, 0.78)), np.array((0.66, 0.6, 0.55)), 0.55)
    return Weather(light, np.array((0.9, 0.62, 0.35)), np.array((0.92, 0.88, 0.82)), 260, 0.4, 0)
