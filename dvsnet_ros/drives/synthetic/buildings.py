"""Houses, shops, offices and halls along the street, a cell's width at a time."""

from dataclasses import dataclass, replace

import numpy as np

from dvsnet_ros.drives.synthetic.classes import BUILDING
from dvsnet_ros.drives.synthetic.mesh import Color, Modeller
from dvsnet_ros.drives.synthetic.plot import Side
from dvsnet_ros.drives.synthetic.surfaces import CELL, Placed
from dvsnet_ros.drives.synthetic.textures import FACADES, Texture

WALLS: tuple[Color, ...] = (
    (0.72, 0.82, 0.9), (0.6, 0.75, 0.88), (0.42, 0.52, 0.72), (0.3, 0.38, 0.62), (0.85, 0.88, 0.9),
    (0.66, 0.7, 0.72), (0.62, 0.78, 0.72), (0.8, 0.75, 0.66), (0.45, 0.66, 0.85), (0.55, 0.6, 0.78),
    (0.5, 0.55, 0.6), (0.7, 0.68, 0.84),
)  # fmt: skip
ROOFS: tuple[Color, ...] = (
    (0.28, 0.34, 0.58), (0.3, 0.3, 0.32), (0.22, 0.28, 0.42), (0.42, 0.42, 0.44), (0.2, 0.24, 0.5),
)  # fmt: skip
TRIM: Color = (0.86, 0.88, 0.9)
AWNINGS: tuple[Color, ...] = (
    (0.2, 0.18, 0.7), (0.4, 0.5, 0.15), (0.65, 0.35, 0.15), (0.85, 0.88, 0.9), (0.2, 0.6, 0.85),
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A building.

    Attributes:
        cells: its width.
        setback: metres from the pavement's outer edge to its front.
        base: texture and height of its ground floor, where that has a look of its own.
        front: texture of its front.
        height: of its front.
        ridge: metres that its roof rises behind the front; 0 is a flat roof.
        depth: metres.
        wall, roof: colours.
        awning: colour, or None.
    """

    cells: int
    setback: float
    base: tuple[int, float] | None
    front: int
    height: float
    ridge: float
    depth: float
    wall: Color
    roof: Color
    awning: Color | None


def _pick(rng: np.random.Generator, colors: tuple[Color, ...]) -> Color:
    red, green, blue = colors[int(rng.integers(len(colors)))]
    shade = rng.uniform(0.85, 1.08)
    return red * shade, green * shade, blue * shade


def town_house(rng: np.random.Generator) -> Plan:
    """In a row with its neighbours, often with a shop."""
    shop = rng.random() < 0.5
    floors = int(rng.integers(2, 5))
    return Plan(
        cells=int(rng.integers(1, 4)),
        setback=0.0,
        base=(Texture.SHOP, 3.6) if shop else None,
        front=facade_texture(rng),
        height=floors * 3.0 + (3.6 if shop else 0.6),
        ridge=rng.uniform(2.0, 3.5) if rng.random() < 0.65 else 0.0,
        depth=9.0,
        wall=_pick(rng, WALLS),
        roof=_pick(rng, ROOFS),
        awning=_pick(rng, AWNINGS) if shop and rng.random() < 0.5 else None,
    )


def tower(rng: np.random.Generator) -> Plan:
    """An office building or a block of flats."""
    glassy = rng.random() < 0.5
    return Plan(
        cells=int(rng.integers(2, 5)),
        setback=float(rng.uniform(0, 3)),
        base=(Texture.SHOP, 3.6) if rng.random() < 0.5 else None,
        front=Texture.OFFICE if glassy else facade_texture(rng),
        height=rng.uniform(14, 34),
        ridge=0.0,
        depth=12.0,
        wall=_pick(rng, WALLS),
        roof=_pick(rng, ROOFS),
        awning=None,
    )


def villa(rng: np.random.Generator) -> Plan:
    """A house in its garden."""
    return Plan(
        cells=int(rng.integers(1, 3)),
        setback=float(rng.uniform(3.5, 6.5)),
        base=None,
        front=facade_texture(rng),
        height=float(rng.choice((3.6, 6.2, 6.6))),
        ridge=rng.uniform(2.0, 3.6),
        depth=8.0,
        wall=_pick(rng, WALLS),
        roof=_pick(rng, ROOFS),
        awning=None,
    )


def hall(rng: np.random.Generator) -> Plan:
    """A workshop or a supermarket."""
    return Plan(
        cells=int(rng.integers(3, 6)),
        setback=float(rng.uniform(2, 5)),
        base=(Texture.SHOP, 3.6) if rng.random() < 0.5 else None,
        front=Texture.STONE if rng.random() < 0.5 else Texture.BRICK,
        height=rng.uniform(4.5, 7.5),
        ridge=0.0,
        depth=15.0,
        wall=_pick(rng, WALLS),
        roof=_pick(rng, ROOFS),
        awning=None,
    )


def facade_texture(rng: np.random.Generator) -> int:
    """One of the fronts with windows."""
    return Texture.FACADE + int(rng.integers(FACADES))


def shrunk(plan: Plan, cells: int) -> Plan:
    """The building, no wider than there is room for."""
    return replace(plan, cells=min(plan.cells, cells))


def erect(plan: Plan, side: Side, start: float, edge: float, key: int) -> list[Placed]:
    """The building, an object for each of its cells.

    Args:
        plan: what to build.
        side: of the street.
        start: station of its near end.
        edge: lateral of the pavement's outer edge.
        key: of the first object; the others count on.
    """
    lateral = edge + plan.setback
    out = []
    for cell in range(plan.cells):
        modeller = Modeller(BUILDING)
        near = start + cell * CELL
        _front(modeller, plan, side, near, lateral)
        _top(modeller, plan, side, near, lateral)
        if cell == 0:
            _end(modeller, plan, side, near, lateral)
        out.append(Placed(modeller.build(), key + cell, near, side.sign * lateral, shadow=True))
    return out


def _front(modeller: Modeller, plan: Plan, side: Side, near: float, lateral: float) -> None:
    far, low = near + CELL, 0.0
    if plan.base is not None:
        texture, low = plan.base
        modeller.quad(side.front(near, far, lateral, 0, low), plan.wall, texture, anchored=True)
    wall = side.front(near, far, lateral, low, plan.height)
    modeller.quad(wall, plan.wall, plan.front, anchored=True)
    # A ledge that stands out a little, and its underside in the dark.
    high = plan.height
    edge = side.front(near, far, lateral - 0.35, high - 0.25, high + 0.15)
    modeller.quad(edge, TRIM, Texture.STONE)
    modeller.quad(
        side.quad(
            (near, lateral - 0.35, high - 0.25), (far, lateral - 0.35, high - 0.25),
            (far, lateral, high - 0.25), (near, lateral, high - 0.25),
        ),
        (0.45, 0.45, 0.45),
    )  # fmt: skip
    if plan.awning is not None:
        modeller.quad(
            side.quad(
                (far - 0.4, lateral - 1.2, 2.5), (near + 0.4, lateral - 1.2, 2.5),
                (near + 0.4, lateral, 3.1), (far - 0.4, lateral, 3.1),
            ),
            plan.awning,
            Texture.CLOTH,
        )  # fmt: skip
        modeller.quad(side.front(near + 0.4, far - 0.4, lateral - 1.2, 2.25, 2.5), plan.awning)


def _top(modeller: Modeller, plan: Plan, side: Side, near: float, lateral: float) -> None:
    if not plan.ridge:
        return
    far, high, back = near + CELL, plan.height, lateral + plan.depth / 2
    modeller.quad(
        side.quad(
            (far, lateral - 0.35, high + 0.1), (near, lateral - 0.35, high + 0.1),
            (near, back, high + plan.ridge), (far, back, high + plan.ridge),
        ),
        plan.roof,
        Texture.ROOF,
    )  # fmt: skip


def _end(modeller: Modeller, plan: Plan, side: Side, near: float, lateral: float) -> None:
    """The wall that is seen by who comes along the street, with its gable."""
    back, high = lateral + plan.depth, plan.height
    plain = (plan.wall[0] * 0.9, plan.wall[1] * 0.9, plan.wall[2] * 0.9)
    texture = Texture.OFFICE if plan.front == Texture.OFFICE else Texture.BRICK
    modeller.quad(side.across(near, lateral, back, 0, high), plain, texture, anchored=True)
    if plan.ridge:
        middle = (near, (lateral + back) / 2, high + plan.ridge)
        gable = side.quad((near, lateral, high), (near, back, high), middle, middle)
        modeller.quad(gable, plain, texture)
