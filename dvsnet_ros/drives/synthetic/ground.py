"""The ground of the street: road, kerbs, pavements, what is painted on the road, side streets."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array
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


class Ground:
    """Collects the ground of one side of the street, a layer at a time.

    Args:
        profile: the cross-section.
        side: of the street.
    """

    def __init__(self, profile: Profile, side: Side) -> None:
        self._profile = profile
        self._side = side
        self._layers: dict[Layer, Modeller] = {}

    def build(self) -> list[Placed]:
        """The layers that hold anything."""
        return [
            Placed(modeller.build(), int(layer), layer=layer)
            for layer, modeller in self._layers.items()
        ]

    def _add(
        self, layer: Layer, quad: Array, color: Color, texture: Texture, label: int = PAVEMENT
    ) -> None:
        self._layers.setdefault(layer, Modeller(label)).quad(quad, color, texture, label)

    def lay_crossing(self, start: float) -> None:
        """A cell in which a side street leads off."""
        road = self._side.level(start, start + CELL, 0, OUTSKIRTS, 0)
        self._add(Layer.ROAD, road, self._profile.asphalt, Texture.ASPHALT, ROAD)

    def lay_cell(self, start: float, *, paved: bool, corner: bool) -> None:
        """A cell with road, kerb, pavement, and what lies beyond.

        Args:
            start: station of its near end.
            paved: whether pavement goes on where gardens would be.
            corner: whether a side street ends at its near end.
        """
        side, profile, high = self._side, self._profile, KERB_HEIGHT
        end, kerb, edge = start + CELL, profile.kerb, profile.edge
        stone = _shaded(profile.paving, 1.1)
        road = side.level(start, end, 0, kerb, 0)
        self._add(Layer.ROAD, road, profile.asphalt, Texture.ASPHALT, ROAD)
        self._add(Layer.KERB, side.front(start, end, kerb, 0, high), stone, Texture.STONE)
        if corner:
            rim = side.across(start, kerb, OUTSKIRTS, 0, high)
            self._add(Layer.KERB, rim, stone, Texture.STONE)
        rim = side.level(start, end, kerb, kerb + 0.15, high)
        self._add(Layer.PAVEMENT, rim, stone, Texture.STONE)
        slabs = side.level(start, end, kerb + 0.15, edge, high)
        self._add(Layer.PAVEMENT, slabs, profile.paving, Texture.PAVING)
        beyond = side.level(start, end, edge, OUTSKIRTS, high)
        if paved:
            self._add(Layer.EARTH, beyond, profile.paving, Texture.PAVING)
        else:
            self._add(Layer.EARTH, beyond, profile.soil, Texture.GRASS, TREE)

    def _line(self, near: float, far: float, inner: float, outer: float, color: Color) -> None:
        quad = self._side.level(near, far, inner, outer, 0)
        self._add(Layer.MARKING, quad, color, Texture.ASPHALT, ROAD)

    def paint_cell(self, start: float, rng: np.random.Generator, *, solid: bool) -> None:
        """Lines, patches and manholes on the road of one cell."""
        profile, end = self._profile, start + CELL
        lane = profile.lane
        middle = _worn(profile.middle, rng)
        if solid:
            self._line(start, end, 0.08, 0.2, middle)
        else:
            self._line(start, start + CELL / 2, 0, 0.07, middle)
        if profile.parking:
            self._line(start, end, lane, lane + 0.1, _worn(WHITE, rng))
            if rng.random() < 0.8:
                self._line(start, start + 0.1, lane, profile.kerb, _worn(WHITE, rng))
        else:
            self._line(start, end, lane - 0.3, lane - 0.2, _worn(WHITE, rng))
        if rng.random() < 0.22:
            near, inner = start + rng.uniform(0, 2), rng.uniform(0.3, lane - 1.8)
            patch = _shaded(profile.asphalt, rng.uniform(0.68, 0.9))
            self._line(
                near, near + rng.uniform(1.5, 4.5), inner, inner + rng.uniform(0.6, 1.5), patch
            )
        if rng.random() < 0.12:
            self._manhole(start + rng.uniform(1, 5), rng.uniform(0.8, lane - 0.8))

    def _manhole(self, station: float, lateral: float) -> None:
        angle = np.arange(8) * np.pi / 4 * self._side.sign
        ring = [
            self._side.point((station + 0.35 * np.cos(a), lateral - 0.35 * np.sin(a), 0))
            for a in angle
        ]
        modeller = self._layers.setdefault(Layer.MARKING, Modeller(ROAD))
        modeller.polygon(ring, (0.28, 0.28, 0.29), Texture.ASPHALT)

    def paint_zebra(self, start: float, rng: np.random.Generator) -> None:
        """Half of a zebra crossing, with its stop line."""
        color = _worn(WHITE, rng)
        for k in range(int(self._profile.kerb)):
            self._line(start + 1.0, start + 4.2, k + 0.25, k + 0.75, color)
        if self._side.sign == self._profile.keeps:
            self._line(start - 1.0, start - 0.6, 0.15, self._profile.lane, color)


def _shaded(color: Color, shade: float) -> Color:
    return color[0] * shade, color[1] * shade, color[2] * shade


def _worn(color: Color, rng: np.random.Generator) -> Color:
    return _shaded(color, rng.uniform(0.8, 1.0))
