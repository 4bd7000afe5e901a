"""What stands on a pavement: lamps, signs, traffic lights, bins and benches."""

from dataclasses import replace

import numpy as np

from dvsnet_ros.drives.synthetic.classes import POLE, SIGN, VOID
from dvsnet_ros.drives.synthetic.mesh import Color, Mesh, Modeller, join
from dvsnet_ros.drives.synthetic.textures import PERIODS, Texture

STEEL: Color = (0.5, 0.5, 0.48)
DARK: Color = (0.2, 0.2, 0.2)
WHITE: Color = (1.0, 1.0, 1.0)

# All of these look along -x, towards a camera that comes along x; y is to the left.


def lamp(height: float, reach: float, color: Color) -> Mesh:
    """A street lamp; its arm reaches to the left, over the road."""
    modeller = Modeller(POLE)
    modeller.prism((0.11, 0.06), (0, height), color, sides=6)
    modeller.box((-0.05, 0, height - 0.12), (0.05, reach, height), color)
    modeller.box((-0.12, reach - 0.2, height - 0.2), (0.12, reach + 0.5, height - 0.02), color)
    return _upright(modeller.build())


def _upright(mesh: Mesh) -> Mesh:
    """A mesh whose facets are drawn by their distance over the ground, whatever their height."""
    return replace(mesh, middle=mesh.middle * (1, 1, 0))


def _outline(shape: str, size: float) -> list[tuple[float, float]]:
    """Corners (y, z) of a sign, counter-clockwise as seen from -x."""
    if shape == "triangle":
        return [(0.0, size), (size, -size * 0.75), (-size, -size * 0.75)]
    if shape == "square":
        return [(-size, size), (size, size), (size, -size), (-size, -size)]
    angle = np.pi / 8 + np.arange(8) * np.pi / 4
    return [(float(size * np.cos(a)), float(-size * np.sin(a))) for a in angle]


_SHAPES = ("round", "round", "round", "square", "triangle", "round", "square", "triangle")


def _plate(picture: int, height: float) -> Mesh:
    """A sign's plate; picture is its place in the sheet of signs."""
    modeller = Modeller(SIGN)
    size = 0.36
    outline = _outline(_SHAPES[picture % 8], size)
    front = [np.array((-0.06, y, z)) for y, z in outline]
    if float(np.cross(front[1] - front[0], front[2] - front[1])[0]) > 0:
        front.reverse()
    modeller.polygon(front, WHITE, Texture.SIGNS)
    modeller.polygon([p + np.array((0.02, 0, 0)) for p in front[::-1]], STEEL)
    mesh = modeller.build()
    uv = mesh.uv.copy()
    uv[: len(uv) // 2, :, :3] *= PERIODS[Texture.SIGNS][0] / (8 * size)
    uv[: len(uv) // 2, 0, 3] = (picture % 4 + 0.5) / 4
    uv[: len(uv) // 2, 1, 3] = (picture // 4 + 0.5) / 4
    return replace(mesh, uv=uv).moved(np.eye(3), (0, 0, height))


def sign(picture: int) -> Mesh:
    """A road sign on its post."""
    modeller = Modeller(POLE)
    modeller.prism((0.04, 0.04), (0, 2.9), STEEL, sides=4)
    plates = [_plate(picture, 2.5)]
    if picture % 3 == 0:
        plates.append(_plate((picture * 5 + 3) % 16, 1.72))
    return _upright(join((modeller.build(), *plates)))


def traffic_light(lit: int) -> Mesh:
    """A traffic light; lit counts its lamps from above."""
    modeller = Modeller(POLE)
    modeller.prism((0.07, 0.06), (0, 2.4), DARK, sides=5)
    modeller.box((-0.16, -0.17, 2.3), (0.12, 0.17, 3.3), (0.13, 0.13, 0.13), label=SIGN)
    colors: tuple[Color, ...] = ((0.15, 0.15, 1.4), (0.1, 0.8, 1.4), (0.4, 1.4, 0.3))
    head = np.array(
        ((-0.18, 0.17, 2.3), (-0.18, -0.17, 2.3), (-0.18, -0.17, 3.3), (-0.18, 0.17, 3.3))
    )
    modeller.quad(head, (0.1, 0.1, 0.1), label=SIGN)
    for index, color in enumerate(colors):
        middle = 3.13 - 0.3 * index
        bright = color if index == lit else (color[0] * 0.15, color[1] * 0.15, color[2] * 0.15)
        angle = -np.arange(8) * np.pi / 4
        ring = [np.array((-0.185, 0.11 * np.cos(a), middle + 0.11 * np.sin(a))) for a in angle]
        modeller.polygon(ring, bright, label=SIGN, decal=True)
    return _upright(modeller.build())


def litter_bin(color: Color) -> Mesh:
    """A litter bin or post box: of no class."""
    modeller = Modeller(VOID)
    modeller.box((-0.25, -0.3, 0), (0.25, 0.3, 1.0), color)
    modeller.box((-0.28, -0.33, 1.0), (0.28, 0.33, 1.12), (0.15, 0.15, 0.15))
    return modeller.build()


def bench(color: Color) -> Mesh:
    """A bench: of no class."""
    modeller = Modeller(VOID)
    modeller.box((-0.8, -0.2, 0.3), (0.8, 0.2, 0.45), color, Texture.BOARDS)
    modeller.box((-0.8, -0.22, 0.45), (0.8, -0.16, 0.9), color, Texture.BOARDS)
    return modeller.build()
