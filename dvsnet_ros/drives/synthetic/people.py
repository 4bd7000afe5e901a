"""People on foot and on bicycles, in parts that swing. x is ahead, y to the left, z up."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.classes import BICYCLIST, PEDESTRIAN
from dvsnet_ros.drives.synthetic.mesh import Color, Mesh, Modeller, join
from dvsnet_ros.drives.synthetic.textures import Texture

SKINS: tuple[Color, ...] = (
    (0.6, 0.72, 0.92),
    (0.5, 0.62, 0.84),
    (0.3, 0.42, 0.62),
    (0.2, 0.28, 0.4),
)
CLOTHES: tuple[Color, ...] = (
    (0.15, 0.12, 0.7), (0.55, 0.3, 0.12), (0.9, 0.9, 0.92), (0.1, 0.1, 0.1), (0.2, 0.55, 0.7),
    (0.3, 0.45, 0.2), (0.5, 0.5, 0.5), (0.1, 0.55, 0.9), (0.5, 0.25, 0.5), (0.75, 0.65, 0.3),
)  # fmt: skip
TROUSERS: tuple[Color, ...] = (
    (0.35, 0.24, 0.16), (0.1, 0.1, 0.1), (0.3, 0.3, 0.3), (0.45, 0.55, 0.6), (0.3, 0.2, 0.12),
)  # fmt: skip
HAIRS: tuple[Color, ...] = ((0.08, 0.1, 0.14), (0.12, 0.2, 0.3), (0.3, 0.5, 0.62), (0.6, 0.6, 0.6))
BLACK: Color = (0.1, 0.1, 0.1)


@dataclass(frozen=True)
class Joint:
    """How a part of a body swings: about the y axis through its pivot.

    Attributes:
        pivot: x, y, z in the body.
        swing: radians to either side.
        phase: radians of the stride.
        turns: whether it goes round and round instead, like a wheel.
    """

    pivot: tuple[float, float, float]
    swing: float
    phase: float
    turns: bool = False


@dataclass(frozen=True)
class Figure:
    """A body: its parts, each about its own pivot, and how they swing.

    Attributes:
        mesh: each facet in its part's coordinates.
        joints: one a part.
        stride: metres from one swing to the next.
    """

    mesh: Mesh
    joints: tuple[Joint, ...]
    stride: float


def _choice(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    return colors[int(rng.integers(len(colors)))]


def _head(modeller: Modeller, at: tuple[float, float, float], skin: Color, hair: Color) -> None:
    x, y, z = at
    modeller.box((x - 0.09, y - 0.085, z), (x + 0.1, y + 0.085, z + 0.17), skin, taper=1.1)
    modeller.box((x - 0.12, y - 0.1, z + 0.13), (x + 0.08, y + 0.1, z + 0.26), hair, taper=0.7)


def walker(rng: np.random.Generator) -> Figure:
    """Somebody on foot, grown up or a child."""
    modeller = Modeller(PEDESTRIAN)
    top, legs = _choice(rng, CLOTHES), _choice(rng, TROUSERS)
    skin, hair = _choice(rng, SKINS), _choice(rng, HAIRS)
    wide = rng.uniform(0.19, 0.25)
    modeller.box(
        (-0.12, -wide * 0.85, 0.82), (0.12, wide * 0.85, 1.45), top, Texture.CLOTH, taper=1.15
    )
    if rng.random() < 0.35:
        modeller.box((-0.15, -wide, 0.55), (0.15, wide, 0.9), top, Texture.CLOTH, taper=0.85)
    if rng.random() < 0.3:
        modeller.box((-0.32, -0.14, 1.0), (-0.13, 0.14, 1.42), _choice(rng, CLOTHES))
    _head(modeller, (0, 0, 1.47), skin, hair)
    joints = [Joint((0, 0, 0), 0, 0)]
    for side in (-1, 1):
        modeller.part += 1
        modeller.box((-0.08, -0.075, -0.86), (0.08, 0.075, 0.02), legs, Texture.CLOTH, taper=1.2)
        modeller.box((-0.09, -0.07, -0.88), (0.18, 0.07, -0.8), BLACK)
        joints.append(Joint((0, side * 0.1, 0.88), 0.5, 0 if side > 0 else np.pi))
    for side in (-1, 1):
        modeller.part += 1
        modeller.box((-0.06, -0.05, -0.6), (0.06, 0.05, 0.02), top, Texture.CLOTH, taper=1.2)
        modeller.box((-0.05, -0.045, -0.7), (0.05, 0.045, -0.6), skin)
        joints.append(Joint((0, side * (wide + 0.06), 1.4), 0.4, np.pi if side > 0 else 0))
    mesh = modeller.build()
    size = float(rng.choice((rng.uniform(0.9, 1.08), rng.uniform(0.62, 0.8)), p=(0.86, 0.14)))
    scaled = tuple(
        Joint((j.pivot[0] * size, j.pivot[1] * size, j.pivot[2] * size), j.swing, j.phase)
        for j in joints
    )
    return Figure(mesh.scaled((size, size, size)), scaled, 1.5 * size)


def _disc(modeller: Modeller, y: float, radius: float, color: Color, sides: int = 10) -> None:
    for turn, out in ((-1, -0.02), (1, 0.02)):
        angle = -turn * np.arange(sides) * 2 * np.pi / sides
        ring = [np.array((radius * np.cos(a), y + out, radius * np.sin(a))) for a in angle]
        modeller.polygon(ring, color)


def _tube(modeller: Modeller, a: tuple[float, float], b: tuple[float, float], color: Color) -> None:
    """A bar in the bicycle's plane between two points (x, z)."""
    (x0, z0), (x1, z1) = a, b
    along = np.array((x1 - x0, 0, z1 - z0))
    across = np.array((-along[2], 0, along[0])) / np.linalg.norm(along) * 0.025
    p, q = np.array((x0, 0, z0)), np.array((x1, 0, z1))
    for y in (0.025, -0.025):
        side = np.stack((p - across, q - across, q + across, p + across)) + np.array((0, y, 0))
        modeller.quad(side if y < 0 else side[::-1], color)


def cyclist(rng: np.random.Generator) -> Figure:
    """Somebody on a bicycle; all of it is of one class."""
    modeller = Modeller(BICYCLIST)
    top, legs = _choice(rng, CLOTHES), _choice(rng, TROUSERS)
    frame = _choice(rng, CLOTHES)
    hub, crank, saddle, bars = (-0.5, 0.34), (-0.05, 0.3), (-0.2, 0.86), (0.38, 0.8)
    tubes = (
        (hub, crank),
        (crank, bars),
        (crank, saddle),
        (saddle, bars),
        ((0.36, 0.95), (0.55, 0.34)),
    )
    for bar in tubes:
        _tube(modeller, *bar, frame)
    modeller.box((0.3, -0.26, 0.98), (0.36, 0.26, 1.02), BLACK)
    modeller.box((-0.32, -0.08, 0.9), (-0.08, 0.08, 0.96), BLACK)
    body = Modeller(BICYCLIST)
    body.box((-0.12, -0.2, 0), (0.12, 0.2, 0.6), top, Texture.CLOTH, taper=1.1)
    lean = np.array(((0.88, 0, 0.47), (0, 1, 0), (-0.47, 0, 0.88)))
    arms = Modeller(BICYCLIST)
    for side in (-1, 1):
        arms.box(
            (-0.05, side * 0.22 - 0.05, -0.58), (0.05, side * 0.22 + 0.05, 0), top, Texture.CLOTH
        )
    reach = np.array(((0.9, 0, -0.43), (0, 1, 0), (0.43, 0, 0.9)))
    head = Modeller(BICYCLIST)
    _head(head, (0.18, 0, 1.5), _choice(rng, SKINS), _choice(rng, CLOTHES + HAIRS))
    joints = [Joint((0, 0, 0), 0, 0)]
    for x in (-0.5, 0.55):
        modeller.part += 1
        _disc(modeller, 0.0, 0.34, (0.12, 0.12, 0.12))
        _disc(modeller, 0.0, 0.29, (0.42, 0.43, 0.42))
        joints.append(Joint((x, 0, 0.34), 0, 0, turns=True))
    for side in (-1, 1):
        modeller.part += 1
        modeller.box((-0.08, -0.07, -0.75), (0.08, 0.07, 0.02), legs, Texture.CLOTH, taper=1.2)
        joints.append(Joint((-0.15, side * 0.12, 0.98), 0.35, 0 if side > 0 else np.pi))
    still = (
        body.build().moved(lean, (-0.2, 0, 0.93)),
        arms.build().moved(reach, (0.06, 0, 1.42)),
        head.build(),
    )
    return Figure(join((modeller.build(), *still)), tuple(joints), 2.1)
