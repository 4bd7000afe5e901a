"""The ground of the street: road, kerbs, pavements, what is painted on the road, side streets."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.classes import PAVEMENT, ROAD, TREE
from dvsnet_ros.drives.synthetic.mesh import Color, Modeller
from dvsnet_ros.drives.synthetic.plot import Side
from dvsnet_ros.drives.synthetic.surfaces import CELL, Layer, Placed
from dvsnet_ros.drives.synthetic.textures import Texture

KERB_HEIGHT = 0.12
OUTSKIRTS = 60.0  # metres from the middle to which the ground reaches

WHITE: Color = (0.88, 0.9, 0.9)
YELLOW: Color = (0.3, 0.75, 0.88)


@dataclass(frozen=True)
class Profile:
    """The street's cross-section and colours, the same all along.

    Attributes:
        lane: metres from the middle to where cars park, or to the kerb.
        parking: metres of the strip for parked cars; 0 where there is none.
        pavement: metres of pavement.
        asphalt, paving, soil: colours.
        middle: colour of the line in the middle.
        keeps: 1 where traffic keeps right, -1 where it keeps left.
    """

    lane: float
    parking: float
    pavement: float
    asphalt: Color
    paving: Color
    soil: Color
    middle: Color
    keeps: int

    @property
    def kerb(self) -> float:
        """Lateral of the kerbs."""
        return self.lane + self.parking

    @property
    def edge(self) -> float:
        """Lateral of the pavements' outer edges."""
        return self.kerb + self.pavement


def draw_profile(seed: int, wet: float) -> Profile:
    """The cross-section of a drive's street."""
    rng = np.random.default_rng((seed, 0x0F11E))
    dark = 1 - 0.35 * wet
    grey, warm = rng.uniform(0.42, 0.68) * dark, rng.uniform(-0.03, 0.03)
    stone, red = rng.uniform(0.66, 0.86) * dark, float(rng.choice((0.0, 0.0, 0.08, 0.14)))
    lush = rng.uniform(0.75, 1.1)
    return Profile(
        lane=rng.uniform(3.0, 3.8),
        parking=2.1 if rng.random() < 0.6 else 0.0,
        pavement=rng.uniform(2.6, 4.4),
        asphalt=(grey - warm, grey, grey + warm),
        paving=(stone - red, stone - red / 2, stone + red / 2),
        soil=(0.38 * lush, 0.62 * lush, 0.5 * lush),
        middle=YELLOW if rng.random() < 0.25 else WHITE,
        keeps=1 if rng.random() < 0.6 else -1,
    )


def _flat(label: int, color: Color, texture: Texture, layer: Layer, *quads: np.ndarray) -> Placed:
    modeller = Modeller(label)
    for quad in quads:
        modeller.quad(quad, color, texture)
    return Placed(modeller.build(), int(layer), layer=layer)


def lay_cell(
    profile: Profile, side: Side, start: float, *, crossing: bool, paved: bool
) -> list[Placed]:
    """The ground of one cell of one side.

    Args:
        profile: the cross-section.
        side: of the street.
        start: station of its near end.
        crossing: whether a side street leads off here.
        paved: whether pavement goes on where gardens would be.
    """
    end, kerb, edge, high = start + CELL, profile.kerb, profile.edge, KERB_HEIGHT
    road = side.level(start, end, 0, OUTSKIRTS if crossing else kerb, 0)
    out = [_flat(ROAD, profile.asphalt, Texture.ASPHALT, Layer.ROAD, road)]
    if crossing:
        return out
    stone: Color = (profile.paving[0] * 1.1, profile.paving[1] * 1.1, profile.paving[2] * 1.1)
    outer = side.level(start, end, edge, OUTSKIRTS, high)
    return [
        *out,
        _flat(
            PAVEMENT, stone, Texture.STONE, Layer.KERB,
            side.front(start, end, kerb, 0, high), side.across(start, kerb, OUTSKIRTS, 0, high),
        ),
        _flat(PAVEMENT, profile.paving, Texture.PAVING, Layer.PAVEMENT,
              side.level(start, end, kerb + 0.15, edge, high)),
        _flat(PAVEMENT, stone, Texture.STONE, Layer.PAVEMENT,
              side.level(start, end, kerb, kerb + 0.15, high)),
        _flat(PAVEMENT, profile.paving, Texture.PAVING, Layer.EARTH, outer)
        if paved
        else _flat(TREE, profile.soil, Texture.GRASS, Layer.EARTH, outer),
    ]  # fmt: skip


def _worn(color: Color, rng: np.random.Generator) -> Color:
    wear = rng.uniform(0.8, 1.0)
    return color[0] * wear, color[1] * wear, color[2] * wear


def paint_cell(
    profile: Profile, side: Side, start: float, rng: np.random.Generator, *, solid: bool
) -> Placed:
    """Lines, patches and manholes on one side of the road in one cell."""
    modeller = Modeller(ROAD)
    end, lane = start + CELL, profile.lane

    def line(near: float, far: float, inner: float, outer: float, color: Color) -> None:
        modeller.quad(side.level(near, far, inner, outer, 0), color, Texture.ASPHALT)

    middle = _worn(profile.middle, rng)
    if solid:
        line(start, end, 0.08, 0.2, middle)
    else:
        line(start, start + CELL / 2, 0, 0.07, middle)
    if profile.parking:
        line(start, end, lane, lane + 0.1, _worn(WHITE, rng))
        if rng.random() < 0.8:
            line(start, start + 0.1, lane, profile.kerb, _worn(WHITE, rng))
    else:
        line(start, end, lane - 0.3, lane - 0.2, _worn(WHITE, rng))
    if rng.random() < 0.22:
        shade = rng.uniform(0.68, 0.9)
        near, inner = start + rng.uniform(0, 2), rng.uniform(0.3, lane - 1.8)
        patch = (profile.asphalt[0] * shade, profile.asphalt[1] * shade, profile.asphalt[2] * shade)
        line(near, near + rng.uniform(1.5, 4.5), inner, inner + rng.uniform(0.6, 1.5), patch)
    if rng.random() < 0.12:
        station, lateral = start + rng.uniform(1, 5), rng.uniform(0.8, lane - 0.8)
        angle = np.arange(8) * np.pi / 4 * side.sign
        ring = [
            side.point((station + 0.35 * np.cos(a), lateral - 0.35 * np.sin(a), 0)) for a in angle
        ]
        modeller.polygon(ring, (0.28, 0.28, 0.29), Texture.ASPHALT)
    return Placed(modeller.build(), int(Layer.MARKING), layer=Layer.MARKING)


def paint_zebra(profile: Profile, side: Side, start: float, rng: np.random.Generator) -> Placed:
    """One side's half of a zebra crossing, with its stop line."""
    modeller = Modeller(ROAD)
    color = _worn(WHITE, rng)
    for k in range(int(profile.kerb / 1.0)):
        stripe = side.level(start + 1.0, start + 4.2, k + 0.25, k + 0.75, 0)
        modeller.quad(stripe, color, Texture.ASPHALT)
    if side.sign == profile.keeps:
        stop = side.level(start - 1.0, start - 0.6, 0.15, profile.lane, 0)
        modeller.quad(stop, color, Texture.ASPHALT)
    return Placed(modeller.build(), int(Layer.MARKING), layer=Layer.MARKING)
