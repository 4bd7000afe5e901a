"""What stands along the street, a block of it at a time, drawn from the seed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

import numpy as np

from dvsnet_ros.drives.synthetic import buildings, furniture
from dvsnet_ros.drives.synthetic.centreline import Array, Centreline
from dvsnet_ros.drives.synthetic.classes import FENCE, TREE
from dvsnet_ros.drives.synthetic.ground import KERB_HEIGHT, Ground, Profile
from dvsnet_ros.drives.synthetic.mesh import Color, Mesh, Modeller
from dvsnet_ros.drives.synthetic.plants import draw_bushes, draw_trees
from dvsnet_ros.drives.synthetic.plot import Side
from dvsnet_ros.drives.synthetic.surfaces import CELL, Placed, Surfaces, place, shadows
from dvsnet_ros.drives.synthetic.textures import Texture
from dvsnet_ros.drives.synthetic.vehicles import draw_cars
from dvsnet_ros.drives.synthetic.weather import Light

BLOCK_CELLS = 8
BLOCK = BLOCK_CELLS * CELL
KEYS_A_BLOCK = 10_000
FIRST_BLOCK = -8  # keys count from here; nothing lies before


class District(IntEnum):
    """What a block of street is like."""

    ROWS = 0
    SUBURB = 1
    PARK = 2
    CENTRE = 3
    WORKS = 4


@dataclass(frozen=True)
class Stock:
    """What a drive's street is furnished with; woods are simpler trees, for off the street."""

    trees: tuple[Mesh, ...]
    woods: tuple[Mesh, ...]
    bushes: tuple[Mesh, ...]
    cars: tuple[Mesh, ...]
    lamp: Mesh
    signs: tuple[Mesh, ...]
    lights: tuple[Mesh, ...]
    bins: tuple[Mesh, ...]
    lamp_cells: int


def draw_stock(seed: int) -> Stock:
    """The furniture of a drive."""
    rng = np.random.default_rng((seed, 0x570C))
    steel: Color = (0.5, 0.5, 0.48) if rng.random() < 0.6 else (0.22, 0.25, 0.2)
    return Stock(
        draw_trees(rng, 7),
        draw_trees(rng, 3),
        draw_bushes(rng),
        draw_cars(rng),
        furniture.lamp(rng.uniform(5.5, 8.5), rng.uniform(0.8, 2.2), steel),
        tuple(furniture.sign(picture) for picture in range(16)),
        tuple(furniture.traffic_light(lit) for lit in range(3)),
        (
            furniture.litter_bin((0.2, 0.15, 0.6)),
            furniture.litter_bin((0.25, 0.35, 0.2)),
            furniture.bench((0.35, 0.5, 0.62)),
        ),
        int(rng.integers(3, 6)),
    )


@dataclass(frozen=True)
class Plot:
    """Where something is being built: a stretch of one side, with what it takes.

    Attributes:
        side: of the street.
        profile: the street's cross-section.
        stock: what there is to set up.
        rng: where choices come from.
        keys: of the objects.
    """

    side: Side
    profile: Profile
    stock: Stock
    rng: np.random.Generator
    keys: "count[int]"

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return bool(self.rng.random() < share)

    def put(
        self,
        mesh: Mesh,
        station: float,
        lateral: float,
        turn: float = 0.0,
        height: float = KERB_HEIGHT,
    ) -> Placed:
        """Something standing beside the street."""
        stood = self.side.stand(mesh, (station, lateral, height), turn)
        return Placed(stood, next(self.keys), station, self.side.sign * lateral, shadow=True)

    def facing(self, mesh: Mesh, station: float, lateral: float) -> Placed:
        """Something that looks towards who comes along this side of the street."""
        towards = self.side.sign == self.profile.keeps
        about = 0.0 if self.side.sign > 0 else np.pi
        return self.put(mesh, station, lateral, about + (0.0 if towards else np.pi))


@dataclass(frozen=True)
class Block:
    """A piece of street with all that stands on it."""

    surfaces: Surfaces
    shadows: list[Array]


class Street:
    """A street whose every block can be built by itself."""

    def __init__(
        self, seed: int, line: Centreline, profile: Profile, stock: Stock, light: Light
    ) -> None:
        self._seed = seed
        self._line = line
        self._profile = profile
        self._stock = stock
        self._light = light

    def has_crossing(self, index: int) -> bool:
        """Whether side streets lead off from a block."""
        return bool(
            np.random.default_rng((self._seed, 0xC055, index - FIRST_BLOCK)).random() < 0.35
        )

    def district(self, index: int) -> District:
        """What a block is like; neighbours are often alike."""
        rng = np.random.default_rng((self._seed, 0xD157, (index - FIRST_BLOCK) // 2))
        return District(rng.choice(5, p=(0.34, 0.24, 0.14, 0.18, 0.1)))

    def block(self, index: int) -> Block:
        """A block; the same index gives the same block."""
        rng = np.random.default_rng((self._seed, 0xB10C, index - FIRST_BLOCK))
        keys = count((index - FIRST_BLOCK + 1) * KEYS_A_BLOCK)
        objects: list[Placed] = []
        for sign in (-1, 1):
            plot = Plot(Side(self._line, sign), self._profile, self._stock, rng, keys)
            objects += self._build_side(plot, index)
        return Block(place(objects, self._light), shadows(objects, self._light))

    def _build_side(self, plot: Plot, index: int) -> list[Placed]:
        district = self.district(index)
        start, junction = index * BLOCK, self.has_crossing(index)
        crossing = {3, 4} if junction else set()
        stations = [start + cell * CELL for cell in range(BLOCK_CELLS)]
        paved = district == District.CENTRE
        floor = Ground(plot.profile, plot.side)
        objects = []
        for cell, station in enumerate(stations):
            if cell in crossing:
                floor.lay_crossing(station)
                continue
            floor.lay_cell(station, paved=paved, corner=cell - 1 in crossing)
            floor.paint_cell(station, plot.rng, solid=junction and cell in (1, 2, 5))
            objects += _pavement(plot, district, index * BLOCK_CELLS + cell, cell)
        if junction:
            floor.paint_zebra(stations[2], plot.rng)
            objects += _junction(plot, stations[3], stations[5])
        objects += floor.build()
        stretches = ((0, 3), (5, 8)) if junction else ((0, 8),)
        for first, last in stretches:
            objects += _fill(plot, district, stations[first], last - first)
        return objects


def _junction(plot: Plot, start: float, end: float) -> list[Placed]:
    kerb = plot.profile.kerb + 0.5
    light = plot.stock.lights[int(plot.rng.integers(3))]
    out = [plot.facing(light, start - 0.8, kerb)] if plot.chance(0.8) else []
    if plot.chance(0.7):
        out.append(plot.facing(plot.stock.lights[0], end + 0.8, kerb))
    return out


def _pavement(plot: Plot, district: District, number: int, cell: int) -> list[Placed]:
    """Lamps, trees, signs, bins and parked cars of one cell."""
    rng, profile, stock = plot.rng, plot.profile, plot.stock
    start, kerb = number * CELL, profile.kerb
    out = []
    if (number + (plot.side.sign > 0) * 2) % stock.lamp_cells == 0:
        out.append(plot.put(stock.lamp, start + 3, kerb + 0.5))
    elif plot.chance({District.PARK: 0.6, District.SUBURB: 0.5}.get(district, 0.34)):
        tree = stock.trees[int(rng.integers(len(stock.trees)))].scaled(rng.uniform(0.75, 1.05, 3))
        out.append(plot.put(tree, start + 3, kerb + 0.9, rng.uniform(0, 6)))
    if plot.chance(0.2):
        picture = stock.signs[int(rng.integers(len(stock.signs)))]
        out.append(plot.facing(picture, start + rng.uniform(0.5, 5), kerb + 0.45))
    if plot.chance(0.1):
        thing = stock.bins[int(rng.integers(len(stock.bins)))]
        out.append(plot.put(thing, start + rng.uniform(0.5, 5.5), profile.edge - 0.6))
    busy = {District.CENTRE: 0.75, District.PARK: 0.3}.get(district, 0.5)
    if profile.parking and cell not in (2, 5) and plot.chance(busy):
        car = stock.cars[int(rng.integers(len(stock.cars)))]
        half = np.ptp(car.quads[..., 0]) / 2
        if half < CELL / 2:
            turn = rng.normal(0, 0.02) + (np.pi if plot.chance(0.15) else 0.0)
            turn += 0.0 if plot.profile.keeps > 0 else np.pi
            out.append(plot.put(car, start + CELL / 2, profile.lane + 1.15, turn, 0.0))
    return out


# Builds something from a station on, within a number of cells; returns how many it took.
Builder = Callable[[Plot, float, int], tuple[int, list[Placed]]]


def _fill(plot: Plot, district: District, start: float, cells: int) -> list[Placed]:
    """Fills a stretch beside the pavement with one plot after another."""
    builders: dict[District, tuple[tuple[float, Builder], ...]] = {
        District.ROWS: ((0.8, _house(buildings.town_house)), (1.0, _yard)),
        District.SUBURB: ((0.65, _garden), (1.0, _yard)),
        District.PARK: ((0.12, _house(buildings.villa)), (1.0, _park)),
        District.CENTRE: ((0.55, _house(buildings.tower)), (0.95, _house(buildings.town_house)),
                          (1.0, _yard)),
        District.WORKS: ((0.6, _works), (1.0, _yard)),
    }  # fmt: skip
    out: list[Placed] = []
    used = 0
    while used < cells:
        draw = plot.rng.random()
        builder = next(build for share, build in builders[district] if draw <= share)
        width, objects = builder(plot, start + used * CELL, cells - used)
        out += objects
        used += width
    return out


def _house(draw: Callable[[np.random.Generator], buildings.Plan]) -> Builder:
    def build(plot: Plot, start: float, room: int) -> tuple[int, list[Placed]]:
        plan = buildings.shrunk(draw(plot.rng), room)
        keys = [next(plot.keys) for _ in range(plan.cells)]
        return plan.cells, buildings.erect(plan, plot.side, start, plot.profile.edge, keys[0])

    return build


_FENCES: tuple[tuple[Texture, Color, int], ...] = (
    (Texture.BOARDS, (0.32, 0.45, 0.58), FENCE),
    (Texture.BOARDS, (0.85, 0.88, 0.9), FENCE),
    (Texture.RAILS, (0.3, 0.3, 0.3), FENCE),
    (Texture.RAILS, (0.35, 0.5, 0.3), FENCE),
    (Texture.STONE, (0.65, 0.68, 0.7), FENCE),
    (Texture.BRICK, (0.4, 0.48, 0.7), FENCE),
    (Texture.HEDGE, (0.22, 0.45, 0.28), TREE),
)


def _fence(plot: Plot, start: float, cells: int) -> list[Placed]:
    """A fence, wall or hedge along the pavement."""
    texture, color, label = _FENCES[int(plot.rng.integers(len(_FENCES)))]
    high = KERB_HEIGHT + plot.rng.uniform(0.9, 1.7)
    lateral = plot.profile.edge
    out = []
    for cell in range(cells):
        near, far = start + cell * CELL, start + (cell + 1) * CELL
        modeller = Modeller(label)
        modeller.quad(plot.side.front(near, far, lateral, 0, high), color, texture, anchored=True)
        thick = 0.8 if label == TREE else 0.15
        modeller.quad(plot.side.level(near, far, lateral, lateral + thick, high), color, texture)
        if cell == 0:
            end = plot.side.across(near, lateral, lateral + thick, 0, high)
            modeller.quad(end, color, texture)
        out.append(
            Placed(modeller.build(), next(plot.keys), near, plot.side.sign * lateral, shadow=True)
        )
    return out


def _grove(plot: Plot, start: float, cells: int, density: float, nearest: float) -> list[Placed]:
    """Trees and bushes from a lateral on, beyond the pavement's edge."""
    out = []
    for cell in range(cells):
        for _ in range(int(plot.rng.poisson(density))):
            station = start + (cell + plot.rng.random()) * CELL
            lateral = plot.profile.edge + nearest + plot.rng.uniform(0, 9)
            trees = plot.stock.woods if plot.chance(0.75) else plot.stock.bushes
            tree = trees[int(plot.rng.integers(len(trees)))].scaled(plot.rng.uniform(0.85, 1.35, 3))
            out.append(plot.put(tree, station, lateral, plot.rng.uniform(0, 6)))
    return out


def _park(plot: Plot, start: float, room: int) -> tuple[int, list[Placed]]:
    cells = min(room, int(plot.rng.integers(2, 5)))
    out = _grove(plot, start, cells, 2.0, 2.2)
    if plot.chance(0.7):
        out += _fence(plot, start, cells)
    return cells, out


def _yard(plot: Plot, start: float, room: int) -> tuple[int, list[Placed]]:
    cells = min(room, 1)
    return cells, _grove(plot, start, cells, 1.2, 2.5) + _fence(plot, start, cells)


def _garden(plot: Plot, start: float, room: int) -> tuple[int, list[Placed]]:
    width, out = _house(buildings.villa)(plot, start, room)
    cells = min(room, width + plot.chance(0.6))
    out += _grove(plot, start, cells, 0.8, 1.5)
    if plot.chance(0.85):
        out += _fence(plot, start, cells)
    return cells, out


def _works(plot: Plot, start: float, room: int) -> tuple[int, list[Placed]]:
    width, out = _house(buildings.hall)(plot, start, room)
    if plot.chance(0.6):
        out += _fence(plot, start, width)
    return width, out
