"""The textures of the synthetic street, painted from a seed into one atlas with mip levels."""

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 256
LEVELS = 8
PAD = 1  # each level repeats its first row and column behind its last, for interpolation
STRIDE = TILE + PAD

Image = NDArray[np.float32]


class Texture(IntEnum):
    """The tiles of the atlas, in its order."""

    PLAIN = 0
    ASPHALT = 1
    PAVING = 2
    GRASS = 3
    FOLIAGE = 4
    BARK = 5
    ROOF = 6
    BOARDS = 7
    RAILS = 8
    BRICK = 9
    SHOP = 10
    GLASS = 11
    SIGNS = 12
    CLOTH = 13
    FACADE = 14  # and the five tiles after it
    SKY = 20  # and the three tiles after it
    SKYLINE = 24
    STONE = 25


COUNT = 26
FACADES = 6
SKIES = 4

# Metres that one tile spans, along and down the surface.
PERIODS = np.full((COUNT, 2), 2.0)
PERIODS[Texture.ASPHALT] = 5.0
PERIODS[Texture.PAVING] = 2.4
PERIODS[Texture.GRASS] = 4.0
PERIODS[Texture.FOLIAGE] = 2.5
PERIODS[Texture.ROOF] = 3.0
PERIODS[Texture.BRICK] = 3.0
PERIODS[Texture.SHOP] = (6.0, 3.5)
PERIODS[Texture.FACADE : Texture.FACADE + FACADES] = 6.0
PERIODS[Texture.RAILS] = (2.0, 1.1)
PERIODS[Texture.BOARDS] = (2.0, 1.8)


@dataclass(frozen=True)
class Atlas:
    """All tiles with their mip levels, a tile a row of levels.

    Attributes:
        image: uint8 [COUNT · STRIDE, …, 3] BGR.
        column: [LEVELS] where each level starts.
        size: [LEVELS] pixels of a tile at each level.
    """

    image: NDArray[np.uint8]
    column: NDArray[np.float32]
    size: NDArray[np.float32]


def value_noise(
    rng: np.random.Generator, cells: int, octaves: int = 4, gain: float = 0.55
) -> Image:
    """Smooth noise that tiles, [TILE, TILE], about 0 with deviation 1."""
    total = np.zeros((TILE, TILE), np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        grid = rng.standard_normal((cells, cells)).astype(np.float32)
        wrapped = np.pad(grid, 2, mode="wrap")
        step = TILE / cells
        axis = ((np.arange(TILE) + 0.5) / step - 0.5 + 2).astype(np.float32)
        x, y = np.meshgrid(axis, axis)
        total += amplitude * cv2.remap(wrapped, x, y, cv2.INTER_CUBIC)
        amplitude *= gain
        cells = min(cells * 2, TILE)
    total -= total.mean()
    return np.asarray(total / total.std(), np.float32)


def _grey(brightness: Image) -> Image:
    return np.repeat(brightness[..., None], 3, axis=2)


def _mottled(rng: np.random.Generator, cells: int, depth: float, level: float = 0.8) -> Image:
    return _grey(level + depth * value_noise(rng, cells))


def build_atlas(seed: int) -> Atlas:
    """Paints every tile; the same seed gives the same atlas."""
    rng = np.random.default_rng((seed, 0x7E57))
    tiles = [_mottled(rng, 32, 0.05) for _ in range(COUNT)]
    sizes = [TILE >> level for level in range(LEVELS)]
    columns = np.cumsum([0, *(size + PAD for size in sizes[:-1])])
    image = np.zeros((COUNT * STRIDE, int(columns[-1]) + sizes[-1] + PAD, 3), np.uint8)
    for row, tile in enumerate(tiles):
        level = np.clip(tile * 255, 0, 255).astype(np.uint8)
        for column, size in zip(columns, sizes, strict=True):
            level = cv2.resize(level, (size, size), interpolation=cv2.INTER_AREA)
            padded = np.pad(level, ((0, PAD), (0, PAD), (0, 0)), mode="wrap")
            y = row * STRIDE
            image[y : y + size + PAD, column : column + size + PAD] = padded
    return Atlas(image, columns.astype(np.float32), np.asarray(sizes, np.float32))
