"""Paints the tiles of the atlas that are walls: brick, fronts of houses, shops and offices."""

import cv2
import numpy as np

from dvsnet_ros.drives.synthetic.noise import Image
from dvsnet_ros.drives.synthetic.painting import Random, flat, mottled, noise
from dvsnet_ros.drives.synthetic.textures import TILE


def brick(rng: Random) -> Image:
    """Rows of bricks in mortar."""
    image = flat(0.8)
    for row in range(16):
        y = row * 16
        for x in range(-16 * (row % 2), TILE, 32):
            image[y + 2 : y + 16, max(x + 2, 0) : x + 32] = rng.normal(0.74, 0.07)
    return np.asarray(image * (1 + 0.05 * noise(rng, 8, 3))[..., None], np.float32)


def plaster(rng: Random) -> Image:
    """An even wall with stains."""
    return mottled(rng, 4, 0.035, 0.88)


def blocks(rng: Random) -> Image:
    """Large stones with joints."""
    image = mottled(rng, 16, 0.03, 0.86)
    for row in range(8):
        y, shift = row * 32, 32 * (row % 2)
        image[y : y + 2] *= 0.8
        for x in range(shift, TILE, 64):
            image[y : y + 32, x : x + 2] *= 0.8
            image[y : y + 32, x : x + 64] *= rng.normal(1, 0.03)
    return image


def cladding(rng: Random) -> Image:
    """Level boards."""
    image = mottled(rng, 8, 0.02, 0.9)
    for y in range(0, TILE, 16):
        image[y : y + 2] *= 0.72
    return image


def fine_brick(rng: Random) -> Image:
    """Bricks of a wall whose tile is three times as wide."""
    small = cv2.resize(brick(rng), (86, 86), interpolation=cv2.INTER_AREA)
    return np.asarray(np.tile(small, (3, 3, 1))[:TILE, :TILE], np.float32)


def _pane(rng: Random, height: int, width: int) -> Image:
    """Glass with a reflection, curtains, or light behind it."""
    fall = np.linspace(rng.uniform(0.35, 0.6), rng.uniform(0.12, 0.25), height)
    pane = np.repeat(fall[:, None, None], width, axis=1) * (1.12, 1.0, 0.9)
    kind = rng.random()
    if kind < 0.4:
        edge = int(width * rng.uniform(0.15, 0.35))
        shade = rng.uniform(0.5, 0.85)
        pane[:, :edge] = shade
        pane[:, width - edge :] = shade
    elif kind < 0.6:
        pane[: int(height * rng.uniform(0.2, 0.7))] = rng.uniform(0.55, 0.9)
    elif kind < 0.7:
        pane[:] = np.array((0.5, 0.75, 0.95)) * rng.uniform(0.7, 1.0)
    return pane.astype(np.float32)


def window(rng: Random, image: Image, box: tuple[int, int, int, int], style: int) -> None:
    """Paints a window into a wall; box is its top, left, height and width in pixels."""
    top, left, height, width = box
    frame = float(rng.choice((0.15, 0.95, 0.95, 0.6)))
    image[top - 4 : top + height + 4, left - 4 : left + width + 4] *= 0.72
    image[top : top + height, left : left + width] = frame
    image[top + 4 : top + height - 4, left + 4 : left + width - 4] = _pane(
        rng, height - 8, width - 8
    )
    if style % 2:
        image[top + height // 3 : top + height // 3 + 4, left : left + width] = frame
    if style % 4 < 2:
        image[top : top + height, left + width // 2 - 2 : left + width // 2 + 2] = frame
    image[top + height : top + height + 8, left - 8 : left + width + 8] = 0.95
    if style % 3 == 0:
        shutter = rng.uniform(0.25, 0.6, 3).astype(np.float32)
        for x in (left - 24, left + width + 4):
            image[top : top + height, x : x + 20] = shutter
            image[top : top + height : 8, x : x + 20] *= 0.8


def facade(rng: Random, style: int) -> Image:
    """Two floors of two windows (or three narrow ones) in a wall of some kind."""
    image = (plaster, fine_brick, blocks, cladding)[style % 4](rng)
    columns = 3 if style % 5 == 2 else 2
    width = int(rng.integers(36, 46)) if columns == 3 else int(rng.integers(44, 62))
    height = int(rng.integers(60, 82))
    for floor in range(2):
        top = floor * 128 + 24
        for column in range(columns):
            left = int((column + 0.5) * TILE / columns - width / 2)
            window(rng, image, (top, left, height, width), style)
        if style % 4 in (0, 2):
            image[floor * 128 + 122 : floor * 128 + 128] *= 1.08
            image[floor * 128 + 120 : floor * 128 + 122] *= 0.7
    return image


def shop(rng: Random) -> Image:
    """A sign above two shop windows and a door."""
    image = mottled(rng, 8, 0.03, 0.85)
    sign = rng.uniform(0.1, 0.9, 3).astype(np.float32)
    image[14:58, 6:250] = sign
    ink = 1 - np.round(sign)
    for x in range(40, 210, 22):
        if rng.random() < 0.8:
            image[26 : 46 - int(rng.integers(0, 8)), x : x + int(rng.integers(8, 18))] = ink
    glow = np.array((0.45, 0.6, 0.7), np.float32) * rng.uniform(0.5, 1.0)
    for left, right in ((10, 96), (160, 246)):
        image[70:222, left:right] = 0.15
        image[75:217, left + 5 : right - 5] = glow * np.linspace(1.0, 0.45, 142)[:, None, None]
        for x in range(left + 10, right - 20, 18):
            height = int(rng.integers(15, 60))
            image[212 - height : 217, x : x + 13] = rng.uniform(0.1, 0.8, 3)
    image[70:256, 108:150] = rng.uniform(0.1, 0.45, 3)
    image[80:180, 116:142] = 0.28
    image[222:256, 6:104] *= 0.6
    image[222:256, 154:250] *= 0.6
    return image


def office(rng: Random) -> Image:
    """Bands of glass between slabs."""
    image = mottled(rng, 8, 0.03, 0.85)
    for floor in range(2):
        top = floor * 128
        for x in range(0, TILE, 32):
            image[top + 34 : top + 116, x + 2 : x + 30] = _pane(rng, 82, 28)
        image[top + 30 : top + 34] = 0.5
        image[top + 116 : top + 120] = 0.5
    return image
