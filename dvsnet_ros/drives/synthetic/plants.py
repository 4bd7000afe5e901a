"""Trees, bushes and hedges."""

import numpy as np

from dvsnet_ros.drives.synthetic.classes import TREE
from dvsnet_ros.drives.synthetic.mesh import Array, Color, Mesh, Modeller
from dvsnet_ros.drives.synthetic.textures import Texture

GREENS: tuple[Color, ...] = (
    (0.3, 0.62, 0.42),
    (0.26, 0.58, 0.5),
    (0.36, 0.68, 0.46),
    (0.3, 0.5, 0.34),
    (0.26, 0.66, 0.6),
)
AUTUMN: tuple[Color, ...] = ((0.16, 0.55, 0.85), (0.2, 0.7, 0.88), (0.16, 0.38, 0.7))
BARK: Color = (0.24, 0.31, 0.38)


def _icosahedron() -> tuple[Array, list[tuple[int, int, int]]]:
    g = (1 + 5**0.5) / 2
    corners = np.array(
        [(s, t * g, 0) for s in (-1, 1) for t in (-1, 1)]
        + [(0, s, t * g) for s in (-1, 1) for t in (-1, 1)]
        + [(t * g, 0, s) for s in (-1, 1) for t in (-1, 1)],
        np.float64,
    )
    corners /= np.linalg.norm(corners[0])
    edge = np.linalg.norm(corners[:, None] - corners[None], axis=2)
    near = (edge > 0.1) & (edge < 1.2)
    faces = []
    for a in range(12):
        for b in range(a + 1, 12):
            for c in range(b + 1, 12):
                if near[a, b] and near[b, c] and near[a, c]:
                    turn = np.dot(np.cross(corners[b], corners[c]), corners[a])
                    faces.append((a, b, c) if turn > 0 else (a, c, b))
    return corners, faces


BALL = _icosahedron()


def _crown(
    modeller: Modeller,
    rng: np.random.Generator,
    center: tuple[float, float, float],
    radii: tuple[float, float, float],
    color: Color,
    texture: Texture = Texture.FOLIAGE,
) -> None:
    """Adds an uneven ball of leaves."""
    corners, faces = BALL
    rough = rng.uniform(0.78, 1.16, (len(corners), 1))
    points = corners * rough * radii + center
    for a, b, c in faces:
        # Leaves below and inside get less light than the faces' own slant tells.
        dim = 0.92 + 0.2 * float(corners[[a, b, c], 2].mean())
        bgr = (color[0] * dim, color[1] * dim, color[2] * dim)
        modeller.quad(points[[a, b, c, c]], bgr, texture)


def _trunk(modeller: Modeller, radius: float, height: float) -> None:
    modeller.prism((radius, radius * 0.7), (0, height), BARK, Texture.BARK, sides=5)


def _clumps(
    modeller: Modeller,
    rng: np.random.Generator,
    center: tuple[float, float, float],
    radii: tuple[float, float, float],
    color: Color,
    count: int,
) -> None:
    """Adds a crown of balls about an inner one, so that its outline is uneven."""
    inner = (radii[0] * 0.85, radii[1] * 0.85, radii[2] * 0.85)
    _crown(modeller, rng, center, inner, color)
    for k in range(count):
        # Directions spread evenly over the ball, not too far down.
        z = 1 - 1.6 * (k + 0.5) / count
        angle = k * 2.4 + rng.uniform(-0.4, 0.4)
        flat = np.sqrt(1 - z * z)
        way = np.array((flat * np.cos(angle), flat * np.sin(angle), z)) * radii * 0.62
        part = rng.uniform(0.42, 0.6)
        shade = rng.uniform(0.86, 1.12)
        _crown(
            modeller, rng, (center[0] + way[0], center[1] + way[1], center[2] + way[2]),
            (radii[0] * part, radii[1] * part, min(radii) * part),
            (color[0] * shade, color[1] * shade, color[2] * shade),
        )  # fmt: skip


def broad_tree(rng: np.random.Generator, color: Color, clumps: int) -> Mesh:
    """A wide crown on a trunk."""
    modeller = Modeller(TREE)
    stem, size = rng.uniform(1.6, 2.6), rng.uniform(1.9, 2.9)
    high = size * rng.uniform(0.75, 1.1)
    _trunk(modeller, rng.uniform(0.14, 0.24), stem + high * 0.6)
    _clumps(modeller, rng, (0, 0, stem + high * 0.8), (size, size, high), color, clumps)
    return modeller.build()


def slim_tree(rng: np.random.Generator, color: Color, clumps: int) -> Mesh:
    """A poplar, or a young street tree."""
    modeller = Modeller(TREE)
    stem, width = rng.uniform(1.0, 2.0), rng.uniform(0.9, 1.4)
    high = width * rng.uniform(1.5, 2.6)
    _trunk(modeller, 0.12, stem + high * 0.5)
    _clumps(modeller, rng, (0, 0, stem + high * 0.85), (width, width, high), color, clumps)
    return modeller.build()


def conifer(rng: np.random.Generator, color: Color, sides: int) -> Mesh:
    """Three cones of needles."""
    modeller = Modeller(TREE)
    high, width = rng.uniform(5, 9), rng.uniform(1.3, 2.0)
    _trunk(modeller, 0.15, high * 0.3)
    dark = (color[0] * 0.8, color[1] * 0.75, color[2] * 0.7)
    for tier in range(3):
        low = high * (0.12 + 0.25 * tier)
        radius = width * (1 - 0.27 * tier)
        top = low + high * 0.42 if tier < 2 else high
        modeller.prism((radius, 0.02), (low, top), dark, Texture.FOLIAGE, sides=max(5, sides))
    return modeller.build()


def bush(rng: np.random.Generator, color: Color) -> Mesh:
    """A ball of leaves on the ground."""
    modeller = Modeller(TREE)
    width, high = rng.uniform(0.5, 1.1), rng.uniform(0.45, 0.9)
    _crown(
        modeller, rng, (0, 0, high * 0.7), (width, width, high), color,
        Texture.HEDGE,
    )  # fmt: skip
    return modeller.build()


def draw_trees(rng: np.random.Generator, detail: int) -> tuple[Mesh, ...]:
    """The trees of a drive, of a few kinds and seasons; detail counts the balls of a crown."""
    autumn = rng.random() < 0.2
    kinds = (broad_tree, broad_tree, broad_tree, slim_tree, slim_tree, conifer)
    trees = []
    for index in range(12):
        colors = AUTUMN + GREENS[:2] if autumn else GREENS
        color = colors[int(rng.integers(len(colors)))]
        trees.append(kinds[index % len(kinds)](rng, color, detail))
    return tuple(trees)


def draw_bushes(rng: np.random.Generator) -> tuple[Mesh, ...]:
    """The bushes of a drive."""
    return tuple(bush(rng, GREENS[int(rng.integers(len(GREENS)))]) for _ in range(4))
