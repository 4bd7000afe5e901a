"""The sky, a ring of panels so far away that only turning moves it."""

from dataclasses import dataclass, replace

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array
from dvsnet_ros.drives.synthetic.mesh import Mesh, Modeller
from dvsnet_ros.drives.synthetic.render import View
from dvsnet_ros.drives.synthetic.street import SKY
from dvsnet_ros.drives.synthetic.surfaces import Layer, Placed, Surfaces, place
from dvsnet_ros.drives.synthetic.textures import Texture
from dvsnet_ros.drives.synthetic.weather import Weather

DISTANCE = 1e7
PANELS = 16


@dataclass(frozen=True)
class Sky:
    """What lies all around, however far the camera drives."""

    surfaces: Surfaces

    def around(self, view: View) -> Surfaces:
        """The sky about a camera."""
        uv = self.surfaces.uv.copy()
        uv[..., 3] -= uv[..., :3] @ view.position
        return replace(self.surfaces, quads=self.surfaces.quads + view.position, uv=uv)


def _ring(angles: Array, low: float, high: float) -> list[Array]:
    """Quads of a ring seen from its middle; low and high are tangents of the elevation."""
    out = []
    for a, b in zip(angles[1:], angles[:-1], strict=True):
        out.append(
            DISTANCE
            * np.array(
                (
                    (np.cos(a), np.sin(a), low),
                    (np.cos(b), np.sin(b), low),
                    (np.cos(b), np.sin(b), high),
                    (np.cos(a), np.sin(a), high),
                )
            )
        )
    return out


def _panels(weather: Weather) -> Mesh:
    modeller = Modeller(SKY)
    for quad in _ring(np.linspace(0, 2 * np.pi, PANELS + 1), -0.3, 1.5):
        modeller.quad(quad, tuple(weather.zenith), Texture.PLAIN)
    return modeller.build()


def build_sky(seed: int, weather: Weather) -> Sky:
    """The sky of a drive."""
    objects = [Placed(_panels(weather), 1, layer=Layer.SKY)]
    return Sky(place(objects, weather.light))
