"""The street's centreline, and how the camera moves along it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

STEP = 0.5
BEFORE = 60.0
BEYOND = 320.0


@dataclass(frozen=True)
class Waves:
    """A level with sine waves about it; as a rate, it has an exact integral.

    Attributes:
        level: the mean.
        amplitude, frequency, phase: [N] of the waves; frequency in radians a unit.
    """

    level: float
    amplitude: Array
    frequency: Array
    phase: Array

    def at(self, x: ArrayLike) -> Array:
        """The value at x."""
        angle = np.multiply.outer(np.asarray(x, np.float64), self.frequency) + self.phase
        return np.asarray(self.level + np.sin(angle) @ self.amplitude)

    def integral(self, x: ArrayLike) -> Array:
        """The integral from 0 to x."""
        x = np.asarray(x, np.float64)
        angle = np.multiply.outer(x, self.frequency) + self.phase
        waves = (np.cos(self.phase) - np.cos(angle)) @ (self.amplitude / self.frequency)
        return np.asarray(self.level * x + waves)


def steady(level: float) -> Waves:
    """A level without waves."""
    nothing = np.zeros(0)
    return Waves(level, nothing, nothing, nothing)


def waves(
    rng: np.random.Generator,
    level: float,
    amplitude: tuple[float, ...],
    wavelength: tuple[float, ...],
) -> Waves:
    """Waves of given amplitudes; phases, and wavelengths within a fifth, are drawn."""
    count = len(amplitude)
    lengths = np.asarray(wavelength) * rng.uniform(0.8, 1.2, count)
    phase = rng.uniform(0, 2 * np.pi, count)
    return Waves(level, np.asarray(amplitude, np.float64), 2 * np.pi / lengths, phase)


@dataclass(frozen=True)
class Centreline:
    """A curve on the ground, told by its heading along its length.

    Stations are metres along it; laterals are metres to its right.
    """

    heading: Waves
    points: Array

    @classmethod
    def from_curvature(cls, curvature: Waves, length: float) -> "Centreline":
        """The curve that starts eastwards; curvature in radians a metre, positive to the left."""
        station = np.arange(-BEFORE, length + BEYOND + STEP, STEP)
        middle = curvature.integral(station[:-1] + STEP / 2)
        steps = STEP * np.stack((np.cos(middle), np.sin(middle)), axis=1)
        return cls(curvature, np.concatenate((np.zeros((1, 2)), np.cumsum(steps, axis=0))))

    def heading_at(self, station: ArrayLike) -> Array:
        """Radians counter-clockwise from east."""
        return self.heading.integral(station)

    def place(self, station: ArrayLike, lateral: ArrayLike = 0.0, height: ArrayLike = 0.0) -> Array:
        """World points [..., 3] of street coordinates."""
        station, lateral, height = np.broadcast_arrays(station, lateral, height)
        steps = (np.asarray(station, np.float64) + BEFORE) / STEP
        whole = np.clip(np.floor(steps).astype(np.intp), 0, len(self.points) - 2)
        part = (steps - whole)[..., None]
        middle = self.points[whole] * (1 - part) + self.points[whole + 1] * part
        heading = self.heading_at(station)
        x = middle[..., 0] + lateral * np.sin(heading)
        y = middle[..., 1] - lateral * np.cos(heading)
        return np.stack((x, y, np.asarray(height, np.float64)), axis=-1)
