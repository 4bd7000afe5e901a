"""Exact optical flow between two frames, and where it can be followed."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.mesh import Array
from dvsnet_ros.drives.synthetic.render import Float, Geometry, Lens, View

DEPTH_TOLERANCE = 0.03


@dataclass(frozen=True)
class Poses:
    """Where each moving part of a frame is: world = rotation · part + offset.

    Attributes:
        rotation: [P, 3, 3].
        offset: [P, 3].
    """

    rotation: Array
    offset: Array


def _camera_motion(here: View, there: View) -> tuple[Array, Array]:
    """Takes camera coordinates of one view to the other's, for what stands still."""
    rotation = there.rotation @ here.rotation.T
    return rotation, there.rotation @ (here.position - there.position)


def _part_motions(here: View, there: View, now: Poses, then: Poses) -> tuple[Array, Array]:
    """The same for each moving part: [P, 3, 3] and [P, 3]."""
    turned = then.rotation @ now.rotation.transpose(0, 2, 1)
    # Relative to the camera, so that no accuracy is lost far from the world's origin.
    start = np.einsum("pij,pj->pi", turned, here.position - now.offset)
    rotation = there.rotation @ turned @ here.rotation.T
    return rotation, (start + then.offset - there.position) @ there.rotation.T


def points_in_other_view(
    geometry: Geometry, other: View, now: Poses, then: Poses, lens: Lens
) -> tuple[Float, Float, Float]:
    """Where each pixel's surface point is in another frame's camera, over its depth in this one.

    Args:
        geometry: what this frame shows.
        other: the other frame's camera.
        now: where the moving parts are in this frame.
        then: where they are in the other one.
        lens: of both cameras.

    Returns:
        x, y, z, each float32 [H, W]: camera coordinates divided by this frame's depth.
    """
    ray_x, ray_y = lens.rays()
    inverse = geometry.inverse
    rotation, offset = (a.astype(np.float32) for a in _camera_motion(geometry.view, other))
    x, y, z = (
        (rotation[i, 0] * ray_x + (rotation[i, 1] * ray_y + rotation[i, 2])) + offset[i] * inverse
        for i in range(3)
    )
    part = geometry.surfaces.part
    rows, columns = np.nonzero((part >= 0)[geometry.facet])
    if len(rows):
        part = part[geometry.facet[rows, columns]]
        motions = _part_motions(geometry.view, other, now, then)
        turn, shift = (a.astype(np.float32)[part] for a in motions)
        ones = np.ones(len(rows), np.float32)
        ray = np.stack((ray_x[0, columns], ray_y[rows, 0], ones), axis=1)
        moved = np.einsum("nij,nj->ni", turn, ray) + shift * inverse[rows, columns, None]
        x[rows, columns], y[rows, columns], z[rows, columns] = moved.T
    return x, y, z


def flow_of(points: tuple[Float, Float, Float], lens: Lens) -> Float:
    """Flow [H, W, 2] to where the points are seen; what lies behind that camera gets NaN."""
    x, y, z = points
    ray_x, ray_y = lens.rays()
    scale = np.float32(lens.focal) / np.where(z > 1e-3, z, np.nan)
    ray_x, ray_y = ray_x * np.float32(lens.focal), ray_y * np.float32(lens.focal)
    return np.asarray(cv2.merge([x * scale - ray_x, y * scale - ray_y]), np.float32)


def visible_in_other(
    geometry: Geometry, other: Geometry, points: tuple[Float, Float, Float], flow: Float
) -> NDArray[np.bool_]:
    """Which pixels' surface points are seen in the other frame too.

    The nearest pixel there must show the same object at the same depth, and be in the same light.
    """
    height, width = geometry.depth.shape
    with np.errstate(invalid="ignore"):
        x = np.rint(flow[..., 0] + np.arange(width, dtype=np.float32))
        y = np.rint(flow[..., 1] + np.arange(height, dtype=np.float32)[:, None])
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    column = np.where(inside, x, 0).astype(np.intp)
    row = np.where(inside, y, 0).astype(np.intp)
    here = geometry.surfaces.key[geometry.facet]
    there = other.surfaces.key[other.facet[row, column]]
    depth = points[2] * geometry.depth
    near = np.abs(other.depth[row, column] / depth - 1) < DEPTH_TOLERANCE
    light = geometry.shaded == other.shaded[row, column]
    return np.asarray(inside & (here == there) & near & light)
