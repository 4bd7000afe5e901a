"""The sky and the far outskirts: so far away that only turning moves them."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array
from dvsnet_ros.drives.synthetic.classes import BUILDING, SKY, TREE
from dvsnet_ros.drives.synthetic.mesh import Color, Mesh, Modeller
from dvsnet_ros.drives.synthetic.render import View
from dvsnet_ros.drives.synthetic.surfaces import Layer, Placed, Surfaces, place
from dvsnet_ros.drives.synthetic.textures import SKIES, TILE, Texture
from dvsnet_ros.drives.synthetic.tiles import SKY_HIGH, SKY_LOW
from dvsnet_ros.drives.synthetic.weather import Weather

DISTANCE = 1e7  # metres: driving for an hour moves nothing there by a pixel
PANELS_A_TILE = 4
PANELS = SKIES * PANELS_A_TILE


@dataclass(frozen=True)
class Sky:
    """What lies all around, however far the camera drives."""

    surfaces: Surfaces

    def around(self, view: View) -> Surfaces:
        """The sky about a camera."""
        uv = self.surfaces.uv.copy()
        uv[..., 3] -= uv[..., :3] @ view.position
        quads = self.surfaces.quads + view.position
        return replace(self.surfaces, quads=quads, uv=uv, middle=quads.mean(axis=1))


def _panel(start: float, end: float, low: float, high: float) -> Array:
    """A quad that is seen from the middle, between two headings and two tangents of elevation."""
    a, b = (np.array((np.cos(angle), np.sin(angle), 0.0)) for angle in (end, start))
    up = np.array((0.0, 0.0, 1.0))
    return DISTANCE * np.array((a + low * up, b + low * up, b + high * up, a + high * up))


def _sky() -> Mesh:
    modeller = Modeller(SKY)
    headings = np.linspace(0, 2 * np.pi, PANELS + 1)
    for k, (start, end) in enumerate(pairwise(headings)):
        modeller.quad(
            _panel(start, end, SKY_LOW, SKY_HIGH),
            (1.0, 1.0, 1.0),
            Texture.SKY + SKIES - 1 - k // PANELS_A_TILE,
        )
    mesh = modeller.build()
    # u runs once over the panels of a tile, v once from the upper edge to the lower one.
    chord = 2 * DISTANCE * np.sin(np.pi / PANELS)
    along = mesh.quads[:, 1] - mesh.quads[:, 0]
    uv = np.zeros_like(mesh.uv)
    uv[:, 0, :3] = along / (chord**2 * PANELS_A_TILE)
    uv[:, 0, 3] = (PANELS_A_TILE - 0.5 - np.arange(PANELS) % PANELS_A_TILE) / PANELS_A_TILE
    uv[:, 0] *= 1 - 1 / TILE  # its last column is the next tile's first
    uv[:, 1, 2] = -1 / (DISTANCE * (SKY_HIGH - SKY_LOW))
    uv[:, 1, 3] = SKY_HIGH / (SKY_HIGH - SKY_LOW)
    return replace(mesh, uv=uv)


def _outskirts(rng: np.random.Generator, weather: Weather) -> Mesh:
    """Roofs and woods at the horizon, nearly the colour of the haze."""
    modeller = Modeller(BUILDING)
    heading = 0.0
    while heading < 2 * np.pi:
        width = rng.uniform(0.02, 0.09)
        clear = rng.uniform(0.12, 0.3)
        if rng.random() < 0.55:
            label, texture, high = BUILDING, Texture.PLAIN, rng.uniform(0.02, 0.075)
            own = np.full(3, rng.uniform(0.4, 0.7))
        else:
            label, texture, high = TREE, Texture.FOLIAGE, rng.uniform(0.02, 0.05)
            own = np.array((0.3, 0.45, 0.33))
        color = weather.horizon + (own - weather.horizon) * clear
        bgr: Color = (float(color[0]), float(color[1]), float(color[2]))
        modeller.quad(_panel(heading, heading + width, -0.05, high), bgr, texture, label)
        heading += width * rng.uniform(0.6, 1.0)
    mesh = modeller.build()
    return replace(mesh, uv=mesh.uv * (4 / DISTANCE))


def build_sky(seed: int, weather: Weather) -> Sky:
    """The sky of a drive."""
    rng = np.random.default_rng((seed, 0x5C4))
    objects = [
        Placed(_sky(), 1, layer=Layer.SKY),
        Placed(_outskirts(rng, weather), 2, layer=Layer.SKYLINE),
    ]
    return Sky(place(objects, weather.light))
