"""Draws surfaces: which facet each pixel shows, how far it is, and what it looks like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.mesh import Array
from dvsnet_ros.drives.synthetic.surfaces import Layer, Surfaces, join_surfaces
from dvsnet_ros.drives.synthetic.textures import LEVELS, STRIDE, TILE, Atlas

NEAR = 0.25
FRACTION_BITS = 4  # of the corners that OpenCV fills polygons between
LARGEST = 40.0  # metres; what starts farther behind the camera does not reach before it
FAR = 1e5  # beyond is the sky, where there is no haze

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Lens:
    """A pinhole camera: x to the right, y down, z ahead, pixel centres at whole numbers."""

    width: int
    height: int
    focal: float
    center_x: float
    center_y: float

    @classmethod
    def fitting(cls, width: int, height: int) -> "Lens":
        """A camera for images of a size; the horizon lies near the middle."""
        focal = 0.62 * float(np.hypot(width, height))
        return cls(width, height, focal, (width - 1) / 2, (height - 1) * 0.52)

    def rays(self) -> tuple[Float, Float]:
        """The rays (x, y, 1) of the pixels: x as [1, W], y as [H, 1]."""
        x = (np.arange(self.width) - self.center_x) / self.focal
        y = (np.arange(self.height) - self.center_y) / self.focal
        return x.astype(np.float32)[None], y.astype(np.float32)[:, None]


@dataclass(frozen=True)
class View:
    """Where the camera is: camera = rotation · (world − position)."""

    rotation: Array
    position: Array


@dataclass(frozen=True)
class Geometry:
    """What each pixel of a frame shows.

    Attributes:
        view: the camera.
        surfaces: the facets that may be seen.
        facet: intp [H, W], rows of surfaces.
        depth: float32 [H, W] along the camera's z, in metres.
        shaded: bool [H, W], ground that lies in a shadow.
    """

    view: View
    surfaces: Surfaces
    facet: NDArray[np.intp]
    depth: Float
    shaded: NDArray[np.bool_]


def clip_near(polygon: Array) -> Array:
    """The part of a polygon [N, 3] in camera coordinates that lies before the near plane."""
    out = []
    for i, point in enumerate(polygon):
        last = polygon[i - 1]
        if (last[2] < NEAR) != (point[2] < NEAR):
            out.append(last + (point - last) * (NEAR - last[2]) / (point[2] - last[2]))
        if point[2] >= NEAR:
            out.append(point)
    return np.asarray(out, np.float64).reshape(-1, 3)


def _fixed_point(polygons: Array, lens: Lens) -> NDArray[np.int32]:
    """Pixel coordinates [..., 2], as OpenCV wants them, of points [..., 3] before the camera."""
    scale = 1 << FRACTION_BITS
    flat = polygons[..., :2] / polygons[..., 2:] * lens.focal + (lens.center_x, lens.center_y)
    return np.rint(np.clip(flat, -1e5, 1e5) * scale).astype(np.int32)


def _fill(image: NDArray[np.integer[Any]], polygon: NDArray[np.int32], value: int) -> None:
    cv2.fillConvexPoly(image, polygon, value, cv2.LINE_8, FRACTION_BITS)


@dataclass(frozen=True)
class _Seen:
    """Facets that face the camera, in drawing order."""

    surfaces: Surfaces
    corners: Array  # [F, 4, 3] camera coordinates
    polygons: list[NDArray[np.int32]]


def _seen(world: Sequence[Surfaces], view: View, lens: Lens) -> _Seen:
    surfaces = join_surfaces([part.take(_facing(part, view)) for part in world])
    corners = (surfaces.quads - view.position) @ view.rotation.T
    z = corners[..., 2]
    behind = z < NEAR
    crossing = behind.any(axis=1)
    safe = np.where(behind[..., None], (0.0, 0.0, 1.0), corners)
    pixels = _fixed_point(safe, lens)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    size = np.array((lens.width, lens.height)) << FRACTION_BITS
    inside = (high > -(1 << FRACTION_BITS)).all(axis=1) & (low < size).all(axis=1)
    extent = (high - low).max(axis=1)
    keep = np.where(crossing, ~behind.all(axis=1), inside & (extent > (1 << FRACTION_BITS) * 0.8))
    rows = np.nonzero(keep)[0]
    distance = np.linalg.norm(surfaces.middle[rows] - view.position, axis=1)
    order = np.lexsort(
        (
            -distance,
            surfaces.key[rows],
            -surfaces.lateral[rows],
            -surfaces.cell[rows],
            surfaces.layer[rows],
        )
    )
    rows = rows[order]
    polygons = list(pixels[rows])
    for position in np.nonzero(crossing[rows])[0]:
        polygons[position] = _fixed_point(clip_near(corners[rows[position]]), lens)
    return _Seen(surfaces.take(rows), corners[rows], polygons)


def _facing(surfaces: Surfaces, view: View) -> NDArray[np.intp]:
    """Rows of the facets whose front the camera may see."""
    towards = view.position - surfaces.quads[:, 0]
    facing = np.einsum("fi,fi->f", towards, surfaces.normal) > 1e-4
    return np.nonzero(facing & (towards @ view.rotation[2] < LARGEST))[0]


def _before_camera(outlines: list[Array], view: View, lens: Lens) -> Iterator[NDArray[np.int32]]:
    """The pixel polygons of outlines in the world, as far as they lie before the camera."""
    if not outlines:
        return
    corners = (np.concatenate(outlines) - view.position) @ view.rotation.T
    behind = corners[:, 2] < NEAR
    pixels = _fixed_point(np.where(behind[:, None], (0.0, 0.0, 1.0), corners), lens)
    ends = np.cumsum([len(outline) for outline in outlines])
    for end, outline in zip(ends, outlines, strict=True):
        rows = slice(end - len(outline), end)
        if not behind[rows].any():
            yield pixels[rows]
        elif not behind[rows].all():
            yield _fixed_point(clip_near(corners[rows]), lens)


def _inverse_depth(seen: _Seen, view: View) -> tuple[Array, Array, Array]:
    """1/z of each facet as a function [F, 3] of the ray, and its bounds [F]."""
    normal = seen.surfaces.normal @ view.rotation.T
    distance = np.einsum("fi,fi->f", normal, seen.corners[:, 0])
    # A polygon's edge pixels reach a little past it; the bounds keep their depth near the facet.
    # Level ground goes on past its edges, which so are no edges of its flow.
    inverse = 1 / np.maximum(seen.corners[..., 2], NEAR)
    slack = np.where(seen.surfaces.layer < Layer.OBJECT, 3.0, 1.1)
    return normal / distance[:, None], inverse.min(axis=1) / slack, inverse.max(axis=1) * slack


def draw_geometry(
    world: Sequence[Surfaces], shadows: list[Array], view: View, lens: Lens
) -> Geometry:
    """Finds out what each pixel shows.

    Args:
        world: all facets there are.
        shadows: outlines [N, 3] on the ground, world coordinates.
        view: where the camera is.
        lens: what it is.
    """
    seen = _seen(world, view, lens)
    buffer = np.zeros((lens.height, lens.width), np.uint16)
    shaded = np.zeros((lens.height, lens.width), np.uint8)
    for index, polygon in enumerate(seen.polygons):
        _fill(buffer, polygon, index)
    for polygon in _before_camera(shadows, view, lens):
        _fill(shaded, polygon, 1)
    facet = buffer.astype(np.intp)
    plane, low, high = (table.astype(np.float32) for table in _inverse_depth(seen, view))
    x, y = lens.rays()
    inverse = plane[:, 0][facet] * x + plane[:, 1][facet] * y + plane[:, 2][facet]
    np.clip(inverse, low[facet], high[facet], out=inverse)
    ground = seen.surfaces.layer < Layer.OBJECT
    shadow = shaded.astype(bool) & ground[facet]
    return Geometry(view, seen.surfaces, facet, np.float32(1) / inverse, shadow)


def _texture_table(surfaces: Surfaces, view: View) -> Array:
    """Texture coordinates over depth as functions [F, 2, 3] of the ray."""
    direction = surfaces.uv[..., :3]
    start = direction @ view.position + surfaces.uv[..., 3]
    start -= np.rint(start)  # textures repeat; small numbers keep float32 exact
    turned = direction @ view.rotation.T
    normal = surfaces.normal @ view.rotation.T
    distance = np.einsum("fi,fi->f", surfaces.normal, surfaces.quads[:, 0] - view.position)
    inverse = normal / distance[:, None]
    return np.asarray(turned + start[..., None] * inverse[:, None, :])


def sample_textures(geometry: Geometry, atlas: Atlas, lens: Lens) -> NDArray[np.uint8]:
    """The texture's colour at each pixel, uint8 [H, W, 3] BGR, each from a fitting mip level."""
    surfaces, facet, depth = geometry.surfaces, geometry.facet, geometry.depth
    table = _texture_table(surfaces, geometry.view).astype(np.float32)
    x, y = lens.rays()
    u, v = (
        (table[:, i, 0][facet] * x + table[:, i, 1][facet] * y + table[:, i, 2][facet]) * depth
        for i in range(2)
    )
    normal = surfaces.normal @ geometry.view.rotation.T
    distance = np.einsum("fi,fi->f", surfaces.normal, surfaces.quads[:, 0] - geometry.view.position)
    planes = np.concatenate((table, (normal / distance[:, None])[:, None]), axis=1)
    texels = np.abs(np.linalg.det(planes)) * (TILE / lens.focal) ** 2
    area = texels.astype(np.float32)[facet] * depth * depth * depth
    # The exponent of a float32 is the whole part of its logarithm.
    level = ((area * 4).view(np.int32) >> 23) - 127
    level = np.clip(level >> 1, 0, LEVELS - 1)
    size = atlas.size[level]
    u = (u - np.floor(u)) * size + atlas.column[level]
    v = (v - np.floor(v)) * size + (surfaces.texture * STRIDE).astype(np.float32)[facet]
    return np.asarray(cv2.remap(atlas.image, u, v, cv2.INTER_LINEAR), np.uint8)


def shade(
    geometry: Geometry, texels: NDArray[np.uint8], haze: float, haze_color: Array, shadow: float
) -> Float:
    """The image of clear glass, float32 [H, W, 3] BGR in 0–255, possibly beyond."""
    depth = geometry.depth
    air = cv2.exp(np.where(depth < FAR, depth, 0) * np.float32(-1 / haze))
    bright = np.where(geometry.shaded, np.float32(shadow), np.float32(1)) * air
    fog = 1 - air
    color = geometry.surfaces.color.astype(np.float32)
    channels = [
        color[:, c][geometry.facet] * texels[..., c] * bright
        + fog * np.float32(255 * haze_color[c])
        for c in range(3)
    ]
    return np.asarray(cv2.merge(channels), np.float32)
