"""What moves along the street: each of its parts has a pose at every time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Centreline
from dvsnet_ros.drives.synthetic.flow import Poses
from dvsnet_ros.drives.synthetic.mesh import Array, Mesh, Modeller, heading_matrix, normals
from dvsnet_ros.drives.synthetic.street import CAR
from dvsnet_ros.drives.synthetic.surfaces import CELL, Layer, Surfaces, shadow_of
from dvsnet_ros.drives.synthetic.weather import Light


class Agent(Protocol):
    """Something that moves.

    Attributes:
        key: tells it from every other object, in all frames.
        mesh: its facets, each in the coordinates of its part.
    """

    @property
    def key(self) -> int: ...  # noqa: D102

    @property
    def mesh(self) -> Mesh: ...  # noqa: D102

    def place(self, time: float) -> tuple[float, float]:
        """Its station and lateral at a time in seconds."""
        ...

    def poses(self, time: float) -> Poses:
        """Where each of its parts is at a time in seconds."""
        ...


@dataclass(frozen=True)
class Vehicle:
    """A car that keeps its lane."""

    key: int
    mesh: Mesh
    line: Centreline
    start: float
    speed: float
    lateral: float

    def place(self, time: float) -> tuple[float, float]:
        return self.start + self.speed * time, self.lateral

    def poses(self, time: float) -> Poses:
        station, lateral = self.place(time)
        turn = np.pi if self.speed < 0 else 0.0
        rotation = heading_matrix(float(self.line.heading_at(station)) + turn)
        return Poses(rotation[None], self.line.place(station, lateral)[None])


def all_poses(agents: Sequence[Agent], time: float) -> Poses:
    """The poses of all parts of some agents, one after another."""
    poses = [agent.poses(time) for agent in agents]
    if not poses:
        return Poses(np.zeros((0, 3, 3)), np.zeros((0, 3)))
    return Poses(
        np.concatenate([pose.rotation for pose in poses]),
        np.concatenate([pose.offset for pose in poses]),
    )


def place_agents(agents: Sequence[Agent], time: float, poses: Poses, light: Light) -> Surfaces:
    """The facets of agents where they are at a time; their parts index the poses."""
    counts = [len(agent.mesh) for agent in agents]
    parts = [int(agent.mesh.part.max()) + 1 for agent in agents]
    first = np.repeat(np.cumsum([0, *parts[:-1]]), counts)
    part = first + np.concatenate([agent.mesh.part for agent in agents])
    rotation, offset = poses.rotation[part], poses.offset[part]
    quads = np.concatenate([agent.mesh.quads for agent in agents])
    quads = np.einsum("fij,fcj->fci", rotation, quads) + offset[:, None]
    uv = np.concatenate([agent.mesh.uv for agent in agents])
    turned = np.einsum("fij,fcj->fci", rotation, uv[..., :3])
    shift = uv[..., 3] - np.einsum("fci,fi->fc", turned, offset)
    normal = normals(quads)
    places = [agent.place(time) for agent in agents]
    return Surfaces(
        quads,
        normal,
        np.concatenate((turned, shift[..., None]), axis=2),
        np.concatenate([agent.mesh.color for agent in agents]) * light.on(normal),
        np.concatenate([agent.mesh.texture for agent in agents]),
        np.concatenate([agent.mesh.labels for agent in agents]),
        np.full(len(quads), Layer.OBJECT, np.int8),
        np.repeat([np.floor(s / CELL) for s, _ in places], counts).astype(np.int32),
        np.repeat([abs(lateral) for _, lateral in places], counts).astype(np.float32),
        np.repeat([agent.key for agent in agents], counts).astype(np.int64),
        part,
    )


def agent_shadows(agents: Sequence[Agent], surfaces: Surfaces, light: Light) -> list[Array]:
    """The shadows of placed agents, where the sun shines."""
    if not light.casts_shadows:
        return []
    ends = np.cumsum([len(agent.mesh) for agent in agents])
    return [shadow_of(quads.reshape(-1, 3), light) for quads in np.split(surfaces.quads, ends[:-1])]


def simple_car() -> Mesh:
    """A box on the road."""
    modeller = Modeller(CAR)
    modeller.box((-2.1, -0.9, 0.0), (2.1, 0.9, 0.8), (0.2, 0.2, 0.7))
    modeller.box((-1.6, -0.8, 0.8), (1.0, 0.8, 1.45), (0.3, 0.25, 0.2), taper=0.8)
    return modeller.build()


@dataclass(frozen=True)
class Traffic:
    """All that moves, from a seed."""

    seed: int
    line: Centreline

    def agents(self, time: float, station: float) -> list[Agent]:
        """Those near a station at a time."""
        oncoming = Vehicle(0, simple_car(), self.line, 0.0, -8.0, -1.7)
        spacing = 40.0
        first = int(np.ceil((station - 10 - oncoming.speed * time) / spacing))
        last = int(np.floor((station + 180 - oncoming.speed * time) / spacing))
        return [replace(oncoming, key=-1 - k, start=k * spacing) for k in range(first, last + 1)]
