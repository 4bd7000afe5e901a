"""How the camera moves: along the street at its speed, with a little pitch, roll and sway."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array, Centreline, Waves, waves
from dvsnet_ros.drives.synthetic.render import View

CAMERA_HEIGHT = 1.45


@dataclass(frozen=True)
class Motion:
    """Where the camera is at a time in seconds.

    Attributes:
        line: the street.
        speed: metres a second over time.
        lateral: metres to the right of the street's middle.
        shake: pitch, roll, yaw (radians), sway and bounce (metres) over time.
    """

    line: Centreline
    speed: Waves
    lateral: float
    shake: tuple[Waves, ...]

    def station(self, time: float) -> float:
        """Metres along the street."""
        return float(self.speed.integral(time))

    def arrival(self, station: float) -> float:
        """Seconds at which the camera comes to a station ahead of its start."""
        low, high = 0.0, 1.0
        while self.station(high) < station and high < 1e6:
            low, high = high, high * 2
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self.station(middle) < station else (low, middle)
        return high

    def view(self, time: float) -> View:
        """The camera's pose."""
        station = self.station(time)
        pitch, roll, yaw, sway, bounce = (float(wave.at(time)) for wave in self.shake)
        heading = float(self.line.heading_at(station)) + yaw
        ahead = np.array((np.cos(heading), np.sin(heading), 0.0))
        right = np.array((np.sin(heading), -np.cos(heading), 0.0))
        level = np.stack((right, (0.0, 0.0, -1.0), ahead))
        position = self.line.place(station, self.lateral + sway, CAMERA_HEIGHT + bounce)
        return View(_roll(roll) @ _pitch(pitch) @ level, position)


def _pitch(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((1, 0, 0), (0, cos, sin), (0, -sin, cos)))


def _roll(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array(((cos, sin, 0), (-sin, cos, 0), (0, 0, 1)))


def draw_shake(rng: np.random.Generator, strength: float) -> tuple[Waves, ...]:
    """A car's unrest: slow swells and quick shudders; strength 0 is a camera on rails."""
    small = np.radians(0.1) * strength
    return (
        waves(rng, 0.0, (2.5 * small, 1.0 * small, 0.5 * small), (3.1, 0.8, 0.31)),
        waves(rng, 0.0, (2.0 * small, 0.6 * small), (4.3, 0.7)),
        waves(rng, 0.0, (8.0 * small, 0.6 * small), (5.7, 0.6)),
        waves(rng, 0.0, (0.25 * strength, 0.02 * strength), (9.0, 1.1)),
        waves(rng, 0.0, (0.02 * strength, 0.008 * strength), (1.3, 0.35)),
    )
