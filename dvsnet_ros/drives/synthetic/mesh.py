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
        middle: [F, 3] the point whose distance orders facets; a decal has that of what it is on.
    """

    quads: Array
    uv: Array
    color: Array
    texture: NDArray[np.intp]
    labels: NDArray[np.uint8]
    part: NDArray[np.intp]
    middle: Array

    def __len__(self) -> int:
        return len(self.quads)

    def moved(self, rotation: Array, offset: ArrayLike) -> "Mesh":
        """The mesh rotated by a 3×3 matrix, then shifted; its texture comes along."""
        offset = np.asarray(offset, np.float64)
        uv = self.uv.copy()
        uv[..., :3] = self.uv[..., :3] @ rotation.T
        uv[..., 3] -= uv[..., :3] @ offset
        return replace(
            self,
            quads=self.quads @ rotation.T + offset,
            uv=uv,
            middle=self.middle @ rotation.T + offset,
        )

    def scaled(self, factors: ArrayLike) -> "Mesh":
        """The mesh stretched along its axes; its texture stretches along."""
        factors = np.asarray(factors, np.float64)
        uv = self.uv.copy()
        uv[..., :3] /= factors
        return replace(self, quads=self.quads * factors, uv=uv, middle=self.middle * factors)


def join(meshes: Iterable[Mesh]) -> Mesh:
    """All the quads of some meshes in one."""
    meshes = list(meshes)
    return Mesh(
        *(
            np.concatenate([getattr(mesh, name) for mesh in meshes])
            for name in ("quads", "uv", "color", "texture", "labels", "part", "middle")
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
    """Collects quads and turns them into a mesh.

    Args:
        label: the class of all quads that name no other.
    """

    def __init__(self, label: int) -> None:
        self.label = label
        self.part = 0
        self._quads: list[Array] = []
        self._color: list[Color] = []
        self._texture: list[int] = []
        self._label: list[int] = []
        self._part: list[int] = []
        self._anchored: list[bool] = []
        self._middle: list[Array] = []
        self._base: Array = np.zeros(3)

    def quad(
        self,
        corners: ArrayLike,
        color: Color,
        texture: int = Texture.PLAIN,
        label: int | None = None,
        *,
        anchored: bool = False,
        decal: bool = False,
    ) -> None:
        """Adds a quad.

        Args:
            corners: [4, 3], counter-clockwise as seen from the front.
            color: BGR factors of the texture's colours.
            texture: its texture.
            label: its class, where it is not the modeller's.
            anchored: the texture starts at the first corner, not at the origin.
            decal: it lies on the last quad that was none, and is drawn after it.
        """
        quad = np.asarray(corners, np.float64)
        self._middle.append(self._base if decal else quad.mean(axis=0))
        if not decal:
            self._base = self._middle[-1]
        self._quads.append(quad)
        self._color.append(color)
        self._texture.append(texture)
        self._label.append(self.label if label is None else label)
        self._part.append(self.part)
        self._anchored.append(anchored)

    def polygon(
        self,
        corners: Sequence[ArrayLike],
        color: Color,
        texture: int = Texture.PLAIN,
        label: int | None = None,
        *,
        decal: bool = False,
    ) -> None:
        """Adds a convex polygon as a fan of quads that are drawn together."""
        for start in range(1, len(corners) - 1, 2):
            end = min(start + 2, len(corners) - 1)
            quad = (corners[0], corners[start], corners[start + 1], corners[end])
            self.quad(np.stack(quad), color, texture, label, decal=decal or start > 1)

    def box(
        self,
        low: Sequence[float],
        high: Sequence[float],
        color: Color,
        texture: int = Texture.PLAIN,
        label: int | None = None,
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
            self.quad((base[i], base[k], roof[k], roof[i]), color, texture, label)
        if top:
            self.quad(roof, color, texture, label)

    def prism(
        self,
        radius: tuple[float, float],
        heights: tuple[float, float],
        color: Color,
        texture: int = Texture.PLAIN,
        *,
        sides: int = 6,
        center: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Adds an upright prism about a centre; its radius may change from base to top."""
        angle = np.linspace(0, 2 * np.pi, sides + 1)
        ring = np.stack((np.cos(angle), np.sin(angle), np.zeros_like(angle)), axis=1)
        base, top = (ring * r + (*center, h) for r, h in zip(radius, heights, strict=True))
        for i in range(sides):
            self.quad(np.stack((base[i], base[i + 1], top[i + 1], top[i])), color, texture)

    def build(self) -> Mesh:
        """The mesh of all that was added."""
        quads = np.asarray(self._quads, np.float64).reshape(-1, 4, 3)
        texture = np.asarray(self._texture, np.intp)
        uv = planar_uv(quads, PERIODS[texture])
        start = np.einsum("fci,fi->fc", uv[..., :3], quads[:, 0])
        uv[..., 3] = np.where(np.asarray(self._anchored, bool)[:, None], -start, 0.0)
        return Mesh(
            quads,
            uv,
            np.asarray(self._color, np.float64).reshape(-1, 3),
            texture,
            np.asarray(self._label, np.uint8),
            np.asarray(self._part, np.intp),
            np.asarray(self._middle, np.float64).reshape(-1, 3),
        )
