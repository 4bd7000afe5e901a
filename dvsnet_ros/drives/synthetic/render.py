"""Draws surfaces: which facet each pixel shows, how far it is, and what it looks like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.mesh import Array
from dvsnet_ros.drives.synthetic.surfaces import Layer, Surfaces, join_surfaces
from dvsnet_ros.drives.synthetic.textures import LEVELS, STRIDE, TILE, Atlas

NEAR = 0.25
SMALLEST = 0.8  # pixels across, below which facets are left out
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
        plane: [F, 3] their 1/depth as a function of the ray.
        facet: intp [H, W], rows of surfaces.
        inverse: float32 [H, W], 1 over the depth along the camera's z, in metres.
        depth: float32 [H, W].
        shaded: bool [H, W], ground that lies in a shadow.
    """

    view: View
    surfaces: Surfaces
    plane: Array
    facet: NDArray[np.intp]
    inverse: Float
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


@dataclass(frozen=True)
class _Seen:
    """Facets that may be seen.

    Attributes:
        surfaces: their rows.
        corners: [F, 4, 3] in camera coordinates.
        order: [F] their rows, the first to be drawn first.
        polygons: pixel polygons in this order.
    """

    surfaces: Surfaces
    corners: Array
    order: NDArray[np.intp]
    polygons: list[NDArray[np.int32]]


def _seen(world: Sequence[Surfaces], view: View, lens: Lens) -> _Seen:
    pieces = [_in_view(part, view, lens) for part in world]
    surfaces = join_surfaces(
        [part.take(rows) for part, (rows, _, _) in zip(world, pieces, strict=True)]
    )
    corners = np.concatenate([corners for _, corners, _ in pieces])
    pixels = np.concatenate([pixels for _, _, pixels in pieces])
    order = _far_to_near(surfaces, view)
    polygons = list(pixels[order])
    for place in np.nonzero((corners[order, :, 2] < NEAR).any(axis=1))[0]:
        polygons[place] = _fixed_point(clip_near(corners[order[place]]), lens)
    return _Seen(surfaces, corners, order, polygons)


def _in_view(
    surfaces: Surfaces, view: View, lens: Lens
) -> tuple[NDArray[np.intp], Array, NDArray[np.int32]]:
    """Facets that may be seen: their rows, corners in camera coordinates, and pixel polygons."""
    rows = _facing(surfaces, view)
    corners = ((surfaces.quads[rows] - view.position).reshape(-1, 3) @ view.rotation.T).reshape(
        -1, 4, 3
    )
    behind = corners[..., 2] < NEAR
    crossing = behind.any(axis=1)
    pixels = _fixed_point(np.where(behind[..., None], (0.0, 0.0, 1.0), corners), lens)
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    size = np.array((lens.width, lens.height)) << FRACTION_BITS
    inside = (high > -(1 << FRACTION_BITS)).all(axis=1) & (low < size).all(axis=1)
    large = (high - low).max(axis=1) > (1 << FRACTION_BITS) * SMALLEST
    keep = np.where(crossing, ~behind.all(axis=1), inside & large)
    return rows[keep], corners[keep], pixels[keep]


def _far_to_near(surfaces: Surfaces, view: View) -> NDArray[np.intp]:
    """The drawing order: by layer, then cells from the far end, then from the sides inwards."""
    to_middle = surfaces.middle - view.position
    distance = np.einsum("fi,fi->f", to_middle, to_middle)
    inwards = np.minimum(surfaces.lateral * 64, 4095).astype(np.int64)
    place = (
        (surfaces.layer.astype(np.int64) << 40) - (surfaces.cell.astype(np.int64) << 12) - inwards
    )
    return np.lexsort((-distance, surfaces.key, place))


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


def _over_image(function: Array, facet: NDArray[np.intp], x: Float, y: Float) -> Float:
    """Each pixel's facet's linear function [F, 3] of the ray (x, y, 1), float32 [H, W]."""
    a, b, c = function.T.astype(np.float32)
    return np.asarray(a[facet] * x + b[facet] * y + c[facet])


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
    for index, polygon in zip(seen.order.tolist(), seen.polygons, strict=True):
        cv2.fillConvexPoly(buffer, polygon, index, cv2.LINE_8, FRACTION_BITS)
    for polygon in _before_camera(shadows, view, lens):
        cv2.fillConvexPoly(shaded, polygon, 1, cv2.LINE_8, FRACTION_BITS)
    facet = buffer.astype(np.intp)
    plane, low, high = _inverse_depth(seen, view)
    x, y = lens.rays()
    inverse = _over_image(plane, facet, x, y)
    np.clip(inverse, low.astype(np.float32)[facet], high.astype(np.float32)[facet], out=inverse)
    ground = seen.surfaces.layer < Layer.OBJECT
    shadow = shaded.astype(bool) & ground[facet]
    return Geometry(view, seen.surfaces, plane, facet, inverse, np.float32(1) / inverse, shadow)


def _texture_table(geometry: Geometry) -> Array:
    """Texture coordinates over depth as functions [F, 2, 3] of the ray."""
    direction, view = geometry.surfaces.uv[..., :3], geometry.view
    start = direction @ view.position + geometry.surfaces.uv[..., 3]
    start -= np.rint(start)  # textures repeat; small numbers keep float32 exact
    return np.asarray(direction @ view.rotation.T + start[..., None] * geometry.plane[:, None])


def sample_textures(geometry: Geometry, atlas: Atlas, lens: Lens) -> NDArray[np.uint8]:
    """The texture's colour at each pixel, uint8 [H, W, 3] BGR, each from a fitting mip level."""
    surfaces, facet, depth = geometry.surfaces, geometry.facet, geometry.depth
    table = _texture_table(geometry)
    x, y = lens.rays()
    u, v = (_over_image(table[:, i], facet, x, y) * depth for i in range(2))
    texels = np.abs(np.einsum("fi,fi->f", np.cross(table[:, 0], table[:, 1]), geometry.plane))
    texels *= (TILE / lens.focal) ** 2
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
