"""Meshes placed in the world, with what the renderer must know about each facet."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.synthetic.mesh import Array, Mesh, normals
from dvsnet_ros.drives.synthetic.weather import Light

CELL = 6.0  # metres of street that are drawn as one, from the far end to the near one


class Layer(IntEnum):
    """What is drawn before what, whatever its distance."""

    SKY = 0
    SKYLINE = 1
    EARTH = 2
    ROAD = 3
    KERB = 4
    PAVEMENT = 5
    MARKING = 6
    OBJECT = 7


@dataclass(frozen=True)
class Placed:
    """A mesh in world coordinates, at home somewhere along the street.

    Attributes:
        mesh: in metres, z up.
        key: tells this object from every other one, in all frames.
        station, lateral: where along and beside the street it stands, for the drawing order.
        layer: its layer.
        shadow: whether it casts one.
    """

    mesh: Mesh
    key: int
    station: float = 0.0
    lateral: float = 0.0
    layer: Layer = Layer.OBJECT
    shadow: bool = False


@dataclass(frozen=True)
class Surfaces:
    """The facets of many placed meshes, as arrays over the facets.

    Attributes:
        quads, normal: [F, 4, 3] and [F, 3] in world coordinates.
        uv: [F, 2, 4] texture maps.
        color: [F, 3] BGR factors, the light in them.
        middle: [F, 3] points whose distances order the facets of an object.
        texture, labels, layer, cell, lateral, key, part: [F]; part -1 does not move.
    """

    quads: Array
    normal: Array
    uv: Array
    color: Array
    middle: Array
    texture: NDArray[np.intp]
    labels: NDArray[np.uint8]
    layer: NDArray[np.int8]
    cell: NDArray[np.int32]
    lateral: NDArray[np.float32]
    key: NDArray[np.int64]
    part: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.quads)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Surfaces":
        """Some of the facets, in the order given."""
        return Surfaces(*(getattr(self, field.name)[rows] for field in fields(self)))


def join_surfaces(parts: Sequence[Surfaces]) -> Surfaces:
    """All facets of some surfaces in one."""
    return Surfaces(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Surfaces))
    )


def place(objects: Sequence[Placed], light: Light) -> Surfaces:
    """The facets of objects that stand still, lit."""
    meshes = [item.mesh for item in objects]
    counts = [len(mesh) for mesh in meshes]
    quads = np.concatenate([mesh.quads for mesh in meshes])
    normal = normals(quads)
    color = np.concatenate([mesh.color for mesh in meshes])
    layer = np.repeat([int(item.layer) for item in objects], counts)
    lit = color * light.on(normal)
    lit[layer <= Layer.SKYLINE] = color[layer <= Layer.SKYLINE]
    return Surfaces(
        quads,
        normal,
        np.concatenate([mesh.uv for mesh in meshes]),
        lit,
        np.concatenate([mesh.middle for mesh in meshes]),
        np.concatenate([mesh.texture for mesh in meshes]),
        np.concatenate([mesh.labels for mesh in meshes]),
        layer.astype(np.int8),
        np.repeat([np.floor(item.station / CELL) for item in objects], counts).astype(np.int32),
        np.repeat([abs(item.lateral) for item in objects], counts).astype(np.float32),
        np.repeat([item.key for item in objects], counts).astype(np.int64),
        np.full(len(quads), -1, np.intp),
    )


def shadow_of(points: Array, light: Light) -> Array:
    """The outline [N, 3] on the ground of the shadow of a convex body with these corners."""
    ground = points[:, :2] - points[:, 2:] * (light.direction[:2] / light.direction[2])
    origin = ground[0]
    hull = cv2.convexHull((ground - origin).astype(np.float32))[:, 0] + origin
    return np.concatenate((hull, np.zeros((len(hull), 1))), axis=1)


def shadows(objects: Sequence[Placed], light: Light) -> list[Array]:
    """The shadows of the objects that cast one, where the sun shines."""
    if not light.casts_shadows:
        return []
    return [shadow_of(item.mesh.quads.reshape(-1, 3), light) for item in objects if item.shadow]
