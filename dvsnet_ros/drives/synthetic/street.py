"""What stands along the street, a block of it at a time, drawn from the seed."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.drives.synthetic.centreline import Centreline
from dvsnet_ros.drives.synthetic.mesh import Array, Color, Modeller
from dvsnet_ros.drives.synthetic.surfaces import (
    CELL,
    Layer,
    Placed,
    Surfaces,
    place,
    shadows,
)
from dvsnet_ros.drives.synthetic.textures import Texture
from dvsnet_ros.drives.synthetic.weather import Light

SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(
    len(CAMVID.classes)
)
BLOCK_CELLS = 8
BLOCK = BLOCK_CELLS * CELL


@dataclass(frozen=True)
class Profile:
    """The street's cross-section, in metres from its middle."""

    road: float = 5.5
    pavement: float = 8.5


@dataclass(frozen=True)
class Block:
    """A piece of street with all that stands on it."""

    surfaces: Surfaces
    shadows: list[Array]


def build_block(index: int, seed: int, line: Centreline, profile: Profile, light: Light) -> Block:
    """One block; the same arguments give the same block."""
    rng = np.random.default_rng((seed, index + 1000))
    objects: list[Placed] = []
    key = (index + 1000) * 10000
    for cell in range(BLOCK_CELLS):
        station = index * BLOCK + cell * CELL
        for side in (-1, 1):
            objects += _ground(line, station, side, profile)
            key += 1
            objects.append(_facade(line, station, side, profile, rng, key))
    return Block(place(objects, light), shadows(objects, light))


def _strip(line: Centreline, station: float, inner: float, outer: float, height: float) -> Array:
    """A level quad across the street from one lateral to a greater one, seen from above."""
    return line.place(
        np.array((station, station + CELL, station + CELL, station)),
        np.array((outer, outer, inner, inner)),
        height,
    )


def _ground(line: Centreline, station: float, side: int, profile: Profile) -> list[Placed]:
    bands = (
        (0.0, profile.road, 0.0, ROAD, Texture.ASPHALT, (0.5, 0.5, 0.5), Layer.ROAD),
        (profile.road, profile.pavement, 0.1, PAVEMENT, Texture.PAVING, (0.7,) * 3, Layer.PAVEMENT),
        (profile.pavement, 40.0, 0.1, TREE, Texture.GRASS, (0.3, 0.6, 0.4), Layer.EARTH),
    )
    out = []
    for inner, outer, height, label, texture, color, layer in bands:
        modeller = Modeller(label)
        inner, outer = sorted((side * inner, side * outer))
        modeller.quad(_strip(line, station, inner, outer, height), color, texture)
        out.append(Placed(modeller.build(), layer, station, layer=layer))
    return out


def _facade(
    line: Centreline,
    station: float,
    side: int,
    profile: Profile,
    rng: np.random.Generator,
    key: int,
) -> Placed:
    modeller = Modeller(BUILDING)
    height = rng.uniform(5, 15)
    lateral = side * (profile.pavement + 1)
    ends = (station, station + CELL) if side < 0 else (station + CELL, station)
    color: Color = tuple(rng.uniform(0.4, 0.9, 3))
    base = line.place(np.array(ends), lateral, 0.0)
    top = base + (0, 0, height)
    modeller.quad((base[0], base[1], top[1], top[0]), color, Texture.BRICK)
    return Placed(modeller.build(), key, station, lateral)
