"""What moves along the street: each of its parts has a pose at every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dvsnet_ros.drives.synthetic.centreline import Array, Centreline
from dvsnet_ros.drives.synthetic.flow import Poses
from dvsnet_ros.drives.synthetic.mesh import Mesh, normals
from dvsnet_ros.drives.synthetic.people import Figure
from dvsnet_ros.drives.synthetic.surfaces import CELL, Layer, Surfaces, shadow_of
from dvsnet_ros.drives.synthetic.weather import Light


class Course(Protocol):
    """A way along or across the street."""

    def at(self, time: float) -> tuple[float, float]:
        """Station and lateral at a time in seconds."""
        ...

    def walked(self, time: float) -> float:
        """Metres covered since some moment; they count the strides."""
        ...

    @property
    def turn(self) -> float:
        """Radians from the street's direction to where it leads, counter-clockwise."""
        ...


@dataclass(frozen=True)
class Along:
    """Keeps its distance from the street's middle."""

    start: float
    speed: float
    lateral: float

    def at(self, time: float) -> tuple[float, float]:
        """Station and lateral."""
        return self.start + self.speed * time, self.lateral

    def walked(self, time: float) -> float:
        """Metres from its start."""
        return abs(self.speed) * time

    @property
    def turn(self) -> float:
        """Along the street or against it."""
        return 0.0 if self.speed >= 0 else float(np.pi)


@dataclass(frozen=True)
class Across:
    """Crosses the street at a station, from one lateral to another, and waits at both ends."""

    station: float
    begin: float
    end: float
    start: float
    speed: float

    def at(self, time: float) -> tuple[float, float]:
        """Station and lateral."""
        way = self.end - self.begin
        return self.station, self.begin + float(np.sign(way)) * self.walked(time)

    def walked(self, time: float) -> float:
        """Metres from its start."""
        return float(np.clip((time - self.start) * self.speed, 0, abs(self.end - self.begin)))

    @property
    def turn(self) -> float:
        """Laterals count to the right, angles to the left."""
        return float(-np.pi / 2 * np.sign(self.end - self.begin))


@dataclass(frozen=True, eq=False)
class Agent:
    """A car or a person on its way.

    Attributes:
        key: tells it from every other object, in all frames.
        figure: its parts.
        course: its way.
        line: the street.
        height: of the ground it moves on.
    """

    key: int
    figure: Figure
    course: Course
    line: Centreline
    height: float = 0.0


def all_poses(agents: Sequence[Agent], time: float) -> Poses:
    """The poses of all parts of some agents, one agent after another."""
    if not agents:
        return Poses(np.zeros((0, 3, 3)), np.zeros((0, 3)))
    line = agents[0].line
    station, lateral = np.transpose([agent.course.at(time) for agent in agents])
    turn = line.heading_at(station) + [agent.course.turn for agent in agents]
    place = line.place(station, lateral, [agent.height for agent in agents])
    steps = np.array([agent.course.walked(time) / agent.figure.stride for agent in agents])
    rows = np.repeat(np.arange(len(agents)), [len(agent.figure.joints) for agent in agents])
    joints = [joint for agent in agents for joint in agent.figure.joints]
    body = _turned(turn, up=2)[rows]
    swing, phase = np.transpose([(joint.swing, joint.phase) for joint in joints])
    stride = 2 * np.pi * steps[rows]
    angle = np.where([joint.turns for joint in joints], stride, swing * np.sin(stride + phase))
    pivot = np.array([joint.pivot for joint in joints])
    offset = np.einsum("pij,pj->pi", body, pivot) + place[rows]
    return Poses(body @ _turned(angle, up=1), offset)


def _turned(angle: Array, up: int) -> Array:
    """Rotation matrices [N, 3, 3] by angles [N] about an axis."""
    out = np.zeros((len(angle), 3, 3))
    first, second = (up + 1) % 3, (up + 2) % 3
    out[:, up, up] = 1
    out[:, first, first] = out[:, second, second] = np.cos(angle)
    out[:, second, first] = np.sin(angle)
    out[:, first, second] = -np.sin(angle)
    return out


def place_agents(agents: Sequence[Agent], time: float, poses: Poses, light: Light) -> Surfaces:
    """The facets of agents where they are at a time; their parts index the poses."""
    meshes: list[Mesh] = [agent.figure.mesh for agent in agents]
    counts = [len(mesh) for mesh in meshes]
    first = np.cumsum([0, *(len(agent.figure.joints) for agent in agents[:-1])])
    part = np.repeat(first, counts) + np.concatenate([mesh.part for mesh in meshes])
    rotation, offset = poses.rotation[part], poses.offset[part]
    local = np.concatenate([mesh.quads for mesh in meshes])
    quads = local @ rotation.transpose(0, 2, 1) + offset[:, None]
    uv = np.concatenate([mesh.uv for mesh in meshes])
    turned = uv[..., :3] @ rotation.transpose(0, 2, 1)
    shift = uv[..., 3] - np.einsum("fci,fi->fc", turned, offset)
    middle = np.concatenate([mesh.middle for mesh in meshes])
    normal = normals(quads)
    stations, laterals = np.transpose([agent.course.at(time) for agent in agents])
    return Surfaces(
        quads,
        normal,
        np.concatenate((turned, shift[..., None]), axis=2),
        np.concatenate([mesh.color for mesh in meshes]) * light.on(normal),
        np.einsum("fij,fj->fi", rotation, middle) + offset,
        np.concatenate([mesh.texture for mesh in meshes]),
        np.concatenate([mesh.labels for mesh in meshes]),
        np.full(len(quads), Layer.OBJECT, np.int8),
        np.repeat(np.floor(stations / CELL), counts).astype(np.int32),
        np.repeat(np.abs(laterals), counts).astype(np.float32),
        np.repeat([agent.key for agent in agents], counts).astype(np.int64),
        part,
    )


def agent_shadows(agents: Sequence[Agent], surfaces: Surfaces, light: Light) -> list[Array]:
    """The shadows of placed agents, where the sun shines."""
    if not light.casts_shadows:
        return []
    ends = np.cumsum([len(agent.figure.mesh) for agent in agents])
    bodies = np.split(surfaces.quads, ends[:-1])
    return [shadow_of(quads.reshape(-1, 3), light) for quads in bodies]
