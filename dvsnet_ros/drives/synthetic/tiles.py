"""All the tiles of a drive's atlas."""

from collections.abc import Callable

import numpy as np

from dvsnet_ros.drives.synthetic import painting, walls
from dvsnet_ros.drives.synthetic.noise import Image
from dvsnet_ros.drives.synthetic.textures import FACADES, Atlas, Texture, pack_atlas
from dvsnet_ros.drives.synthetic.weather import Weather

# Tangents of the elevations between which the sky is painted.
SKY_LOW, SKY_HIGH = -0.15, 1.65

_PAINTERS: dict[Texture, Callable[[np.random.Generator], Image]] = {
    Texture.PLAIN: painting.plain,
    Texture.ASPHALT: painting.asphalt,
    Texture.PAVING: painting.paving,
    Texture.GRASS: painting.grass,
    Texture.FOLIAGE: painting.foliage,
    Texture.BARK: painting.bark,
    Texture.ROOF: painting.roof,
    Texture.BOARDS: painting.boards,
    Texture.RAILS: painting.rails,
    Texture.BRICK: walls.brick,
    Texture.GLASS: painting.glass,
    Texture.SIGNS: painting.signs,
    Texture.CLOTH: painting.cloth,
    Texture.STONE: painting.stone,
    Texture.SKYLINE: painting.skyline,
    Texture.HEDGE: painting.hedge,
    Texture.SHOP: walls.shop,
    Texture.OFFICE: walls.office,
}


def build_atlas(seed: int, weather: Weather) -> Atlas:
    """Paints every tile; the same arguments give the same atlas."""
    rng = np.random.default_rng((seed, 0x7E57))
    tiles = [_PAINTERS[texture](rng) for texture in sorted(_PAINTERS)]
    tiles += [walls.facade(rng, style) for style in range(FACADES)]
    tiles += painting.skies(rng, weather, SKY_LOW, SKY_HIGH)
    return pack_atlas(tiles)
