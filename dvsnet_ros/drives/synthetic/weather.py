"""Light, haze and sky, drawn from a seed."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array

SUNNY, FAIR, OVERCAST, HAZY, EVENING = range(5)


@dataclass(frozen=True)
class Light:
    """Where the light comes from.

    Attributes:
        direction: [3] unit vector to the sun.
        sun: [3] BGR strength of the sun.
        ambient: [3] BGR strength of the sky, from above.
    """

    direction: Array
    sun: Array
    ambient: Array

    def on(self, normal: Array) -> Array:
        """Light [F, 3] BGR that falls on surfaces with these unit normals [F, 3]."""
        towards = np.maximum(normal @ self.direction, 0.0)[:, None]
        above = 0.78 + 0.22 * normal[:, 2:]
        return np.asarray(self.sun * towards + self.ambient * above)

    @property
    def shade(self) -> float:
        """Brightness of level ground in a shadow, against the same in the sun."""
        return float(np.mean(self.ambient / (self.sun * self.direction[2] + self.ambient)))

    @property
    def casts_shadows(self) -> bool:
        """Whether shadows can be told from the rest."""
        return self.shade < 0.9


@dataclass(frozen=True)
class Weather:
    """How the world looks.

    Attributes:
        light: on everything but the sky.
        zenith, horizon, cloud: [3] BGR colours of the sky, 0–1; the haze takes the horizon's.
        haze: metres after which haze leaves a third of a colour.
        clouds: 0 (none) to 1.
        wet: 0 (dry) to 1, darkens the ground.
    """

    light: Light
    zenith: Array
    horizon: Array
    cloud: Array
    haze: float
    clouds: float
    wet: float


def _bgr(*color: float) -> Array:
    return np.asarray(color, np.float64)


def draw_weather(seed: int) -> Weather:
    """The weather of a drive."""
    rng = np.random.default_rng((seed, 0x5A1))
    kind = int(rng.choice(5, p=(0.32, 0.26, 0.18, 0.12, 0.12)))
    low, high = {SUNNY: (30, 62), EVENING: (14, 24)}.get(kind, (25, 50))
    elevation, azimuth = np.radians(rng.uniform(low, high)), rng.uniform(0, 2 * np.pi)
    level = np.cos(elevation) * np.array((np.cos(azimuth), np.sin(azimuth)))
    direction = np.array((*level, np.sin(elevation)))
    sun = {
        SUNNY: _bgr(0.66, 0.76, 0.82),
        FAIR: _bgr(0.5, 0.56, 0.6),
        OVERCAST: _bgr(0.05, 0.05, 0.05),
        HAZY: _bgr(0.22, 0.26, 0.28),
        EVENING: _bgr(0.55, 0.8, 1.05),
    }[kind]
    ambient = {
        SUNNY: _bgr(0.62, 0.55, 0.5),
        FAIR: _bgr(0.66, 0.6, 0.57),
        OVERCAST: _bgr(0.86, 0.84, 0.81),
        HAZY: _bgr(0.78, 0.76, 0.73),
        EVENING: _bgr(0.74, 0.62, 0.58),
    }[kind]
    zenith, horizon, cloud = {
        SUNNY: (_bgr(0.86, 0.56, 0.28), _bgr(0.93, 0.84, 0.74), _bgr(0.98, 0.97, 0.96)),
        FAIR: (_bgr(0.84, 0.62, 0.42), _bgr(0.92, 0.87, 0.82), _bgr(0.94, 0.92, 0.91)),
        OVERCAST: (_bgr(0.78, 0.75, 0.72), _bgr(0.88, 0.87, 0.86), _bgr(0.8, 0.79, 0.78)),
        HAZY: (_bgr(0.86, 0.8, 0.74), _bgr(0.9, 0.89, 0.87), _bgr(0.92, 0.91, 0.9)),
        EVENING: (_bgr(0.72, 0.5, 0.38), _bgr(0.62, 0.76, 0.93), _bgr(0.62, 0.68, 0.86)),
    }[kind]
    thick = {HAZY: (90, 170), OVERCAST: (200, 400)}.get(kind, (350, 900))
    clouds = {SUNNY: (0.1, 0.5), FAIR: (0.5, 0.75), OVERCAST: (0.85, 1.0)}.get(kind, (0.3, 0.7))
    strength = rng.uniform(0.88, 1.08)
    warmth = 1 + rng.normal(0, 0.03) * np.array((-1, 0, 1))
    return Weather(
        Light(direction, sun * strength * warmth, ambient * strength * warmth),
        zenith,
        horizon,
        cloud,
        rng.uniform(*thick),
        rng.uniform(*clouds),
        rng.uniform(0.5, 1.0) if kind == OVERCAST and rng.random() < 0.6 else 0.0,
    )
