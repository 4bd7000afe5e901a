"""Cars, vans, lorries and buses: CamVid's class car holds them all. x is ahead, y to the left."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array
from dvsnet_ros.drives.synthetic.classes import CAR
from dvsnet_ros.drives.synthetic.mesh import Color, Mesh, Modeller
from dvsnet_ros.drives.synthetic.textures import Texture

PAINTS: tuple[Color, ...] = (
    (0.9, 0.9, 0.9), (0.08, 0.08, 0.08), (0.55, 0.55, 0.54), (0.3, 0.3, 0.3), (0.12, 0.1, 0.62),
    (0.5, 0.22, 0.08), (0.22, 0.4, 0.12), (0.1, 0.62, 0.85), (0.72, 0.78, 0.8), (0.3, 0.14, 0.1),
    (0.16, 0.3, 0.7), (0.6, 0.5, 0.2),
)  # fmt: skip
TYRE: Color = (0.07, 0.07, 0.07)
RIM: Color = (0.55, 0.55, 0.55)
PANE: Color = (0.75, 0.75, 0.75)
RED: Color = (0.1, 0.08, 0.85)
LAMP: Color = (1.0, 1.05, 1.1)
PLATE: Color = (0.85, 0.95, 0.95)


@dataclass(frozen=True)
class Shape:
    """A car from the side; x from its middle, heights from the ground, in metres.

    Attributes:
        length, width: overall.
        sill, waist, roof: heights of the body's lower edge, the windows' lower edge and the roof.
        bonnet: height of the front edge.
        cabin: x of the cabin's rear and front, at the waist.
        ceiling: x of the cabin's rear and front, at the roof.
        wheel: radius.
        glazed: whether the cabin's sides have windows all along.
    """

    length: float
    width: float
    sill: float
    waist: float
    roof: float
    bonnet: float
    cabin: tuple[float, float]
    ceiling: tuple[float, float]
    wheel: float = 0.32
    glazed: bool = True


HATCHBACK = Shape(3.9, 1.72, 0.22, 0.92, 1.48, 0.72, (-1.85, 1.0), (-1.45, 0.3))
SALOON = Shape(4.6, 1.8, 0.22, 0.9, 1.44, 0.7, (-1.7, 1.05), (-1.0, 0.3))
ESTATE = Shape(4.6, 1.8, 0.22, 0.92, 1.5, 0.74, (-2.2, 1.0), (-1.95, 0.3))
OFFROADER = Shape(4.5, 1.9, 0.32, 1.08, 1.75, 0.95, (-2.15, 1.1), (-1.95, 0.5), 0.38)
VAN = Shape(5.2, 2.0, 0.3, 1.2, 2.35, 1.0, (-2.55, 1.9), (-2.5, 1.1), 0.36, glazed=False)
BUS = Shape(9.5, 2.5, 0.35, 1.15, 3.0, 1.1, (-4.7, 4.7), (-4.65, 4.6), 0.48)
LORRY = Shape(7.5, 2.4, 0.55, 1.3, 3.2, 1.2, (-3.7, 3.7), (-3.65, 3.5), 0.48, glazed=False)
SHAPES = (HATCHBACK, SALOON, ESTATE, OFFROADER, HATCHBACK, SALOON, VAN, ESTATE, BUS, LORRY)


def _mix(a: Array, b: Array, share: float) -> Array:
    return a * (1 - share) + b * share


def _pane(modeller: Modeller, face: Array, span: tuple[float, float], frame: float) -> None:
    """A window on a face whose corners go around from its lower left; span is its part along."""
    low = [face[0] + (face[1] - face[0]) * s for s in span]
    high = [face[3] + (face[2] - face[3]) * s for s in span]
    (a, b), (d, c) = low, high
    up = frame * 0.5
    corners = (a + (d - a) * up, b + (c - b) * up, c + (b - c) * frame, d + (a - d) * frame)
    modeller.quad(corners, PANE, Texture.GLASS, decal=True, anchored=True)


def _wheel(modeller: Modeller, x: float, y: float, radius: float) -> None:
    side = 1.0 if y > 0 else -1.0
    for size, out, color in ((radius, 0.02, TYRE), (radius * 0.6, 0.03, RIM)):
        angle = np.arange(10) * np.pi / 5 * -side
        rim = [
            np.array((x + size * np.cos(a), y + side * out, radius + size * np.sin(a)))
            for a in angle
        ]
        modeller.polygon(rim, color, decal=True)


def car(shape: Shape, paint: Color) -> Mesh:
    """A car of a shape and colour."""
    modeller = Modeller(CAR)
    back, front, half = -shape.length / 2, shape.length / 2, shape.width / 2
    tail = min(shape.waist, shape.bonnet + 0.16)
    rear, fore = shape.cabin
    side = [
        (back, shape.sill), (front, shape.sill), (front, shape.bonnet), (fore, shape.waist),
        (rear, shape.waist), (back, tail),
    ]  # fmt: skip
    axles = (back + shape.length * 0.19, front - shape.length * 0.19)
    dark = (paint[0] * 0.35, paint[1] * 0.35, paint[2] * 0.35)
    # A dark floor hides the gap below the sills.
    modeller.box((back + 0.2, -half + 0.1, 0.08), (front - 0.2, half - 0.1, shape.sill), TYRE)
    for sign in (-1.0, 1.0):
        outline = [np.array((x, sign * half, z)) for x, z in side]
        modeller.polygon(outline if sign < 0 else outline[::-1], paint)
        skirt = np.array([(x, sign * (half + 0.01), z) for x, z in (
            (back, shape.sill), (front, shape.sill), (front, shape.sill + 0.12),
            (back, shape.sill + 0.12))])  # fmt: skip
        modeller.quad(skirt if sign < 0 else skirt[::-1], dark, decal=True)
        for axle in axles:
            _wheel(modeller, axle, sign * half, shape.wheel)
    nose = np.array([(front, -half, shape.sill), (front, half, shape.sill),
                     (front, half, shape.bonnet), (front, -half, shape.bonnet)])  # fmt: skip
    stern = np.array([(back, half, shape.sill), (back, -half, shape.sill),
                      (back, -half, tail), (back, half, tail)])  # fmt: skip
    for face, lamp, grille in ((nose, LAMP, TYRE), (stern, RED, dark)):
        modeller.quad(face, paint)
        for span in ((0.04, 0.24), (0.76, 0.96)):
            _patch(modeller, face, span, (0.62, 0.9), lamp)
        _patch(modeller, face, (0.3, 0.7), (0.5, 0.85) if lamp is LAMP else (0.0, 0.2), grille)
        _patch(modeller, face, (0.38, 0.62), (0.22, 0.42), PLATE)
    for (x0, z0), (x1, z1) in pairwise(side[2:]):
        modeller.quad(((x1, half, z1), (x1, -half, z1), (x0, -half, z0), (x0, half, z0)), paint)
    _cabin(modeller, shape, paint)
    return modeller.build()


def _patch(
    modeller: Modeller,
    face: Array,
    across: tuple[float, float],
    up: tuple[float, float],
    color: Color,
) -> None:
    out = np.cross(face[1] - face[0], face[3] - face[0])
    out = out / np.linalg.norm(out) * 0.01
    corners = [
        _mix(_mix(face[0], face[1], s), _mix(face[3], face[2], s), t) + out
        for s, t in ((across[0], up[0]), (across[1], up[0]), (across[1], up[1]), (across[0], up[1]))
    ]
    modeller.quad(np.stack(corners), color, decal=True)


def _cabin(modeller: Modeller, shape: Shape, paint: Color) -> None:
    (x0, x1), (r0, r1) = shape.cabin, shape.ceiling
    low, high = shape.width / 2 * 0.98, shape.width / 2 * (0.82 if shape.roof < 2 else 0.96)
    base = np.array([(x0, -low, shape.waist), (x1, -low, shape.waist),
                     (x1, low, shape.waist), (x0, low, shape.waist)])  # fmt: skip
    roof = np.array([(r0, -high, shape.roof), (r1, -high, shape.roof),
                     (r1, high, shape.roof), (r0, high, shape.roof)])  # fmt: skip
    for i in range(4):
        k = (i + 1) % 4
        face = np.stack((base[i], base[k], roof[k], roof[i]))
        modeller.quad(face, paint)
        if i % 2:  # windscreen and rear window
            if i == 1 or shape.glazed:
                _pane(modeller, face, (0.06, 0.94), 0.1)
        elif shape.glazed:
            count = max(2, round(shape.length / 2.2))
            for n in range(count):
                _pane(modeller, face, ((n + 0.12) / count, (n + 0.9) / count), 0.12)
        else:
            span = (0.72, 0.95) if i == 0 else (0.05, 0.28)
            _pane(modeller, face, span, 0.3)
    modeller.quad(roof, paint)


def draw_cars(rng: np.random.Generator) -> tuple[Mesh, ...]:
    """The cars of a drive: every shape, in colours of its own."""
    cars = []
    for index in range(26):
        shape = SHAPES[index] if index < len(SHAPES) else SHAPES[int(rng.integers(6))]
        cars.append(car(shape, PAINTS[int(rng.integers(len(PAINTS)))]))
    return tuple(cars)
