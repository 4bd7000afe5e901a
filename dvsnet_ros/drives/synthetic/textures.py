"""The atlas: every texture of the synthetic street with its mip levels, in one image."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

TILE = 256
LEVELS = 8
PAD = 1  # each level repeats its first row and column behind its last, for interpolation
STRIDE = TILE + PAD

FACADES = 8
SKIES = 4


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
    GLASS = 10
    SIGNS = 11
    CLOTH = 12
    STONE = 13
    SKYLINE = 14
    HEDGE = 15
    SHOP = 16
    OFFICE = 17
    FACADE = 18  # the first of FACADES tiles
    SKY = 26  # the first of SKIES tiles, which go on in each other


COUNT = Texture.SKY + SKIES

# Metres that one tile spans, along and down the surface.
PERIODS = np.full((COUNT, 2), 2.0)
PERIODS[Texture.ASPHALT] = 5.0
PERIODS[Texture.PAVING] = 2.4
PERIODS[Texture.GRASS] = 4.0
PERIODS[Texture.FOLIAGE] = 3.0
PERIODS[Texture.ROOF] = 2.4
PERIODS[Texture.BRICK] = 2.0
PERIODS[Texture.STONE] = 3.0
PERIODS[Texture.HEDGE] = 1.6
PERIODS[Texture.SHOP] = (6.0, 3.6)
PERIODS[Texture.OFFICE] = (6.0, 6.4)
PERIODS[Texture.FACADE : Texture.FACADE + FACADES] = (6.0, 6.0)
PERIODS[Texture.RAILS] = (2.0, 1.0)
PERIODS[Texture.BOARDS] = (1.6, 1.6)
PERIODS[Texture.SIGNS] = 2.8  # four signs of 70 cm


@dataclass(frozen=True)
class Atlas:
    """All tiles with their mip levels: a row of levels for each tile.

    Attributes:
        image: uint8 [COUNT · STRIDE, …, 3] BGR.
        column: [LEVELS] where each level starts.
        size: [LEVELS] pixels of a tile at each level.
    """

    image: NDArray[np.uint8]
    column: NDArray[np.float32]
    size: NDArray[np.float32]


def pack_atlas(tiles: Sequence[NDArray[np.float32]]) -> Atlas:
    """The atlas of the tiles, each float32 [TILE, TILE, 3] BGR in 0–1, in the order of Texture."""
    sizes = [TILE >> level for level in range(LEVELS)]
    columns = np.cumsum([0, *(size + PAD for size in sizes[:-1])])
    image = np.zeros((COUNT * STRIDE, int(columns[-1]) + sizes[-1] + PAD, 3), np.uint8)
    for row, tile in enumerate(tiles):
        for column, size in zip(columns, sizes, strict=True):
            level = cv2.resize(tile, (size, size), interpolation=cv2.INTER_AREA)
            level = np.pad(level, ((0, PAD), (0, PAD), (0, 0)), mode="wrap")
            y = row * STRIDE
            part = image[y : y + size + PAD, column : column + size + PAD]
            part[:] = np.clip(np.rint(level * 255), 0, 255)
    return Atlas(image, columns.astype(np.float32), np.asarray(sizes, np.float32))
