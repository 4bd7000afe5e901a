"""Paints the tiles of the atlas that are not walls: ground, plants, wood, cloth, signs, sky."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.noise import Image, value_noise
from dvsnet_ros.drives.synthetic.textures import SKIES, TILE
from dvsnet_ros.drives.synthetic.weather import Weather

Random = np.random.Generator
SHAPE = (TILE, TILE)


def noise(rng: Random, cells: int, octaves: int = 4, gain: float = 0.55) -> Image:
    """Noise of a tile's size, with mean 0 and deviation 1."""
    return value_noise(rng, SHAPE, (cells, cells), octaves, gain)


def flat(color: float | tuple[float, float, float]) -> Image:
    """A tile of one BGR colour."""
    return np.full((*SHAPE, 3), color, np.float32)


def mottled(
    rng: Random, cells: int, depth: float, color: float | tuple[float, float, float] = 0.85
) -> Image:
    """A tile of one colour whose brightness varies."""
    return np.asarray(flat(color) * (1 + depth * noise(rng, cells))[..., None], np.float32)


def plain(rng: Random) -> Image:
    """Paint, hardly uneven."""
    return mottled(rng, 8, 0.02, 0.95)


def asphalt(rng: Random) -> Image:
    """Grains, stains and a few cracks."""
    grain = 0.045 * noise(rng, 256, 1) + 0.03 * noise(rng, 100, 1) + 0.035 * noise(rng, 3, 4)
    cracks = np.ones(SHAPE, np.float32)
    for _ in range(2):
        steps = rng.normal(0, 9, (14, 2)) + rng.normal(0, 5, 2)
        points = np.cumsum(steps, axis=0) + TILE / 2
        cv2.polylines(cracks, [np.rint(points).astype(np.int32)], False, 0.8, 1)
    return np.asarray(flat(0.8) * ((1 + grain) * cracks)[..., None], np.float32)


def paving(rng: Random) -> Image:
    """Four by four slabs."""
    image = flat(0.8) * np.kron(rng.normal(1, 0.05, (4, 4)), np.ones((64, 64)))[..., None]
    image *= (1 + 0.04 * noise(rng, 64, 2) + 0.04 * noise(rng, 4, 2))[..., None]
    for k in range(4):
        image[k * 64 : k * 64 + 3] *= 0.72
        image[:, k * 64 + (k % 2) : k * 64 + (k % 2) + 3] *= 0.72
    return image.astype(np.float32)


def grass(rng: Random) -> Image:
    """Green with dry patches."""
    dry = np.clip(0.5 + 0.35 * noise(rng, 4, 4), 0, 1)[..., None]
    color = (1 - dry) * np.array((0.62, 0.9, 0.6)) + dry * np.array((0.6, 0.85, 0.82))
    return np.asarray(color * (0.85 + 0.13 * noise(rng, 64, 2))[..., None], np.float32)


def foliage(rng: Random) -> Image:
    """Clumps of leaves with dark gaps between them."""
    clumps = noise(rng, 14, 3, 0.7)
    light = np.clip(0.72 + 0.24 * np.tanh(1.4 * clumps) + 0.07 * noise(rng, 64, 1), 0.2, 1.1)
    tint = 0.05 * noise(rng, 10, 2)
    return np.stack((light * (0.9 - tint), light, light * (0.92 + tint)), axis=2)


def hedge(rng: Random) -> Image:
    """Denser leaves."""
    light = np.clip(0.75 + 0.17 * noise(rng, 24, 3, 0.8), 0.25, 1.1)
    return np.repeat(light[..., None], 3, axis=2)


def bark(rng: Random) -> Image:
    """Streaks along the trunk."""
    return flat(0.8) * (1 + 0.16 * value_noise(rng, SHAPE, (4, 40), 2))[..., None]


def roof(rng: Random) -> Image:
    """Eight rows of tiles."""
    image = mottled(rng, 16, 0.05)
    for row in range(8):
        y, shift = row * 32, 8 * (row % 2)
        image[y : y + 32] *= np.linspace(0.86, 1.08, 32)[:, None, None]
        image[y : y + 3] *= 0.7
        for x in range(shift, TILE, 16):
            image[y : y + 32, x : x + 14] *= rng.normal(1, 0.05)
            image[y : y + 32, x : x + 1] *= 0.75
    return image


def boards(rng: Random) -> Image:
    """Upright boards with a rail."""
    image = mottled(rng, 8, 0.03) * (1 + 0.06 * value_noise(rng, SHAPE, (3, 64), 2))[..., None]
    for x in range(0, TILE, 32):
        image[:, x : x + 32] *= rng.normal(1, 0.07)
        image[:, x : x + 3] *= 0.4
    image[36:50] *= 0.8
    return np.asarray(image, np.float32)


def rails(rng: Random) -> Image:
    """Bars before a dark ground, as an iron fence looks from afar."""
    image = flat((0.3, 0.36, 0.33)) * (1 + 0.2 * noise(rng, 24, 2))[..., None]
    for x in range(0, TILE, 20):
        image[:, x : x + 8] = 0.92
    image[4:22] = 1.0
    image[216:232] = 0.95
    return image.astype(np.float32)


def stone(rng: Random) -> Image:
    """Concrete with stains that run down."""
    streaks = 0.05 * value_noise(rng, SHAPE, (2, 24), 2)
    return flat(0.84) * (1 + streaks + 0.03 * noise(rng, 32, 3))[..., None]


def glass(rng: Random) -> Image:
    """A dark pane with the sky in it."""
    fall = np.linspace(0.62, 0.2, TILE, dtype=np.float32)[:, None, None]
    return np.asarray(fall * (1 + 0.15 * noise(rng, 3, 2))[..., None] * (1.1, 1.0, 0.92))


def cloth(rng: Random) -> Image:
    """Folds."""
    return mottled(rng, 12, 0.1, 0.85)


def skyline(rng: Random) -> Image:
    """Windows far away."""
    image = flat(0.9)
    for y in range(0, TILE, 16):
        for x in range(0, TILE, 16):
            image[y + 3 : y + 12, x + 4 : x + 12] = rng.uniform(0.55, 0.85)
    return image


RED, BLUE, GREEN = (33, 26, 199), (190, 85, 20), (76, 128, 13)
WHITE, BLACK, YELLOW = (242, 242, 242), (20, 20, 20), (26, 199, 247)


def _sign(rng: Random, kind: int) -> NDArray[np.uint8]:
    """One road sign, 64 pixels wide."""
    ground = (RED, RED, BLUE, BLUE, WHITE, RED, GREEN, YELLOW)[kind]
    sign = np.full((64, 64, 3), ground, np.uint8)
    if kind == 0:
        limit = str(rng.choice((20, 30, 40, 50)))
        cv2.circle(sign, (32, 32), 22, WHITE, -1)
        cv2.putText(sign, limit, (15, 42), cv2.FONT_HERSHEY_SIMPLEX, 0.85, BLACK, 3)
    elif kind == 1:
        cv2.rectangle(sign, (10, 26), (54, 38), WHITE, -1)
    elif kind == 2:
        cv2.arrowedLine(sign, (14, 50), (48, 16), WHITE, 6, tipLength=0.4)
    elif kind == 3:
        cv2.putText(sign, "P", (16, 50), cv2.FONT_HERSHEY_SIMPLEX, 1.7, WHITE, 6)
    elif kind == 4:
        cv2.rectangle(sign, (7, 7), (56, 56), YELLOW, -1)
    elif kind == 5:
        cv2.circle(sign, (32, 32), 23, BLUE, -1)
        cv2.line(sign, (14, 14), (50, 50), RED, 7)
    elif kind == 6:
        for y in (18, 34, 50):
            cv2.line(sign, (8, y), (int(rng.integers(30, 54)), y), WHITE, 4)
    else:
        cv2.line(sign, (32, 14), (32, 40), BLACK, 7)
        cv2.circle(sign, (32, 52), 4, BLACK, -1)
    return sign


def signs(rng: Random) -> Image:
    """Four by four road signs."""
    rows = [np.hstack([_sign(rng, index % 8) for index in range(y, y + 4)]) for y in (0, 4, 8, 12)]
    return np.asarray(np.vstack(rows) / 255, np.float32)


def skies(rng: Random, weather: Weather, low: float, high: float) -> list[Image]:
    """The sky all around, in tiles that go on in each other.

    Args:
        rng: where the clouds come from.
        weather: its colours.
        low: tangent of the elevation at the lower edge.
        high: at the upper edge.
    """
    # A tile's last column is the next one's first, so that no seam shows between them.
    step = TILE - 1
    shape = (TILE, step * SKIES)
    height = np.linspace(high, low, TILE, dtype=np.float32)[:, None]
    rise = np.clip(height / 0.9, 0, 1) ** 0.6
    clear = weather.horizon + (weather.zenith - weather.horizon) * rise[..., None]
    clear = np.repeat(clear, shape[1], axis=1)
    bank = value_noise(rng, shape, (5, 12), 5, 0.6)
    cover = np.clip(bank + 2.6 * weather.clouds - 1.5, 0, 1.2) / 1.2
    cover *= np.clip(height / 0.25, 0.15, 1)
    lit = 0.5 + 0.5 * np.tanh(bank - np.roll(bank, (6, 9), (0, 1)))
    cloud = weather.cloud * (0.78 + 0.3 * lit[..., None])
    sky = clear + (cloud - clear) * (0.92 * cover)[..., None]
    sky = np.concatenate((sky, sky[:, :1]), axis=1).astype(np.float32)
    return [sky[:, i * step : i * step + TILE] for i in range(SKIES)]
