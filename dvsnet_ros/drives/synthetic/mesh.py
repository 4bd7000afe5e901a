"""Low-poly surfaces: planar quads with a colour, a texture and a label each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dvsnet_ros.drives.synthetic.textures import PERIODS, Texture

Array = NDArray[np.float64]
Color = tuple[float, float, float]

UP = np.array((0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Mesh:
    """Planar quads, seen from the side from which their corners turn counter-clockwise.

    A triangle is a quad whose last two corners are one.

    Attributes:
        quads: [F, 4, 3] corners in metres.
        uv: [F, 2, 4] maps a point (x, y, z, 1) to texture coordinates, one tile being 1.
        color: [F, 3] BGR factors of the texture's colours.
        texture: [F] rows of the atlas.
        labels: [F] class ids.
        part: [F] which rigid part of its object a facet belongs to.
    """

    quads: Array
    uv: Array
    color: Array
    texture: NDArray[np.intp]
    labels: NDArray[np.uint8]
    part: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.quads)

    def moved(self, rotation: Array, offset: ArrayLike) -> "Mesh":
        """The mesh rotated by a 3×3 matrix, then shifted; its texture comes along."""
        offset = np.asarray(offset, np.float64)
        uv = self.uv.copy()
        uv[..., :3] = self.uv[..., :3] @ rotation.T
        uv[..., 3] -= uv[..., :3] @ offset
        return replace(self, quads=self.quads @ rotation.T + offset, uv=uv)

    def scaled(self, factors: ArrayLike) -> "Mesh":
        """The mesh stretched along its axes; its texture stretches along."""
        factors = np.asarray(factors, np.float64)
        uv = self.uv.copy()
        uv[..., :3] /= factors
        return replace(self, quads=self.quads * factors, uv=uv)

    def tinted(self, color: Color) -> "Mesh":
        """The mesh with its colours multiplied."""
        return replace(self, color=self.color * np.asarray(color))


def join(meshes: Iterable[Mesh]) -> Mesh:
    """All the quads of some meshes in one."""
    meshes = list(meshes)
    return Mesh(
        *(
            np.concatenate([getattr(mesh, name) for mesh in meshes])
            for name in ("quads", "uv", "color", "texture", "labels", "part")
        )
    )


def heading_matrix(heading: float) -> Array:
    """Turns x (ahead) to a heading, in radians counter-clockwise from east."""
    cos, sin = np.cos(heading), np.sin(heading)
    return np.array(((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)))


def normals(quads: Array) -> Array:
    """Unit normals [F, 3] of quads [F, 4, 3]; zero where a quad has no area."""
    cross = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    return np.asarray(cross / np.maximum(length, 1e-12))


def planar_uv(quads: Array, periods: Array) -> Array:
    """Texture maps [F, 2, 4] of quads: u runs level along the surface, v down it.

    Level surfaces take x and y. Both count from the origin, so that neighbours fit together.

    Args:
        quads: [F, 4, 3].
        periods: [F, 2] metres that one tile spans along u and v.
    """
    normal = normals(quads)
    level = np.cross(UP, normal)
    size = np.linalg.norm(level, axis=1, keepdims=True)
    flat = size < 0.05
    level = np.where(flat, (1.0, 0.0, 0.0), level / np.maximum(size, 1e-9))
    down = np.where(flat, (0.0, -1.0, 0.0), np.cross(level, normal))
    uv = np.zeros((len(quads), 2, 4))
    uv[:, 0, :3] = level / periods[:, :1]
    uv[:, 1, :3] = down / periods[:, 1:]
    return uv


class Modeller:
    """Collects quads and turns them into a mesh."""

    def __init__(self, label: int) -> None:
        self.label = label
        self.part = 0
        self._quads: list[ArrayLike] = []
        self._color: list[Color] = []
        self._texture: list[int] = []
        self._label: list[int] = []
        self._part: list[int] = []

    def quad(
        self,
        corners: ArrayLike,
        color: Color,
        texture: Texture = Texture.PLAIN,
        label: int | None = None,
    ) -> None:
        """Adds one quad of four corners, counter-clockwise as seen from its front."""
        self._quads.append(corners)
        self._color.append(color)
        self._texture.append(int(texture))
        self._label.append(self.label if label is None else label)
        self._part.append(self.part)

    def polygon(
        self, corners: Sequence[ArrayLike], color: Color, texture: Texture = Texture.PLAIN
    ) -> None:
        """Adds a convex polygon as a fan of quads."""
        for start in range(1, len(corners) - 1, 2):
            end = min(start + 2, len(corners) - 1)
            self.quad(
                (corners[0], corners[start], corners[start + 1], corners[end]), color, texture
            )

    def box(
        self,
        low: Sequence[float],
        high: Sequence[float],
        color: Color,
        texture: Texture = Texture.PLAIN,
        *,
        taper: float = 1.0,
        top: bool = True,
    ) -> None:
        """Adds a box on its base; its upper side may taper about the middle."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        xm, ym, xr, yr = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2 * taper, (y1 - y0) / 2 * taper
        base = ((x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0))
        roof = (
            (xm - xr, ym - yr, z1),
            (xm + xr, ym - yr, z1),
            (xm + xr, ym + yr, z1),
            (xm - xr, ym + yr, z1),
        )
        for i in range(4):
            k = (i + 1) % 4
            self.quad((base[i], base[k], roof[k], roof[i]), color, texture)
        if top:
            self.quad(roof, color, texture)

    def build(self) -> Mesh:
        """The mesh of all that was added."""
        quads = np.asarray(self._quads, np.float64).reshape(-1, 4, 3)
        texture = np.asarray(self._texture, np.intp)
        return Mesh(
            quads,
            planar_uv(quads, PERIODS[texture]),
            np.asarray(self._color, np.float64).reshape(-1, 3),
            texture,
            np.asarray(self._label, np.uint8),
            np.asarray(self._part, np.intp),
        )
