"""The whole world of a synthetic drive, and what of it there is at a time."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dvsnet_ros.drives.synthetic.agents import (
    Agent,
    agent_shadows,
    all_poses,
    place_agents,
)
from dvsnet_ros.drives.synthetic.centreline import Array, Centreline, Waves, steady, waves
from dvsnet_ros.drives.synthetic.flow import Poses
from dvsnet_ros.drives.synthetic.ground import draw_profile
from dvsnet_ros.drives.synthetic.motion import Motion, draw_shake
from dvsnet_ros.drives.synthetic.render import View
from dvsnet_ros.drives.synthetic.sky import build_sky
from dvsnet_ros.drives.synthetic.street import BLOCK, Block, Street, draw_stock
from dvsnet_ros.drives.synthetic.surfaces import Surfaces
from dvsnet_ros.drives.synthetic.tiles import build_atlas
from dvsnet_ros.drives.synthetic.traffic import Traffic
from dvsnet_ros.drives.synthetic.weather import draw_weather

BLOCKS_AHEAD = 4
BEHIND = 6.0
SLOWEST = 6.0  # metres a second, of the mean speeds that are drawn


@dataclass(frozen=True)
class Scene:
    """All that may be seen at a time.

    Attributes:
        view: the camera.
        surfaces: facets in world coordinates, in a few pieces.
        shadows: outlines on the ground.
        agents: what moves.
        poses: where the agents' parts are.
    """

    view: View
    surfaces: tuple[Surfaces, ...]
    shadows: list[Array]
    agents: tuple[Agent, ...]
    poses: Poses


class World:
    """A street, its weather, what stands and what moves along it: all from a seed.

    Args:
        seed: any whole number from 0.
        duration: seconds that the camera will move.
        speed: metres a second; None: from the seed, and changing.
        turn_rate: degrees a second, positive to the left; None: the street winds by the seed.
        shake: strength of the camera's unrest; 1 is a car's, 0 none.
    """

    def __init__(
        self,
        seed: int,
        duration: float,
        speed: float | None,
        turn_rate: float | None,
        shake: float,
    ) -> None:
        rng = np.random.default_rng((seed, 0x30AD))
        pace = _draw_speed(rng) if speed is None else steady(speed)
        curve = _draw_curve(rng) if turn_rate is None else _even_curve(turn_rate, pace.level)
        line = Centreline.from_curvature(curve, float(pace.integral(duration)))
        self.weather = draw_weather(seed)
        profile = draw_profile(seed, self.weather.wet)
        self.atlas = build_atlas(seed, self.weather)
        lateral = profile.keeps * profile.lane / 2
        self.motion = Motion(line, pace, lateral, draw_shake(rng, shake))
        stock = draw_stock(seed)
        self.traffic = Traffic(seed, profile, self.motion, stock.cars)
        self._sky = build_sky(seed, self.weather)
        street = Street(seed, line, profile, stock, self.weather.light)
        self._block = lru_cache(maxsize=BLOCKS_AHEAD + 4)(street.block)

    def scene(self, time: float) -> Scene:
        """What there is at a time in seconds."""
        view = self.motion.view(time)
        station = self.motion.station(time)
        first = int(np.floor((station - BEHIND) / BLOCK))
        blocks: list[Block] = [self._block(first + i) for i in range(BLOCKS_AHEAD + 1)]
        surfaces = [self._sky.around(view), *(block.surfaces for block in blocks)]
        outlines = [outline for block in blocks for outline in block.shadows]
        agents = self.traffic.agents(time, station)
        poses = all_poses(agents, time)
        if agents:
            light = self.weather.light
            surfaces.append(place_agents(agents, time, poses, light))
            outlines += agent_shadows(agents, surfaces[-1], light)
        return Scene(view, tuple(surfaces), outlines, tuple(agents), poses)


def _draw_speed(rng: np.random.Generator) -> Waves:
    level = rng.uniform(SLOWEST, 12.0)
    return waves(rng, level, (0.35 * level, 0.25 * level, 0.12 * level), (19.0, 8.0, 3.5))


def _draw_curve(rng: np.random.Generator) -> Waves:
    bend = rng.uniform(0.6, 1.3) / 250
    return waves(rng, 0.0, (bend, 1.2 * bend, 0.8 * bend), (610.0, 240.0, 130.0))


def _even_curve(turn_rate: float, speed: float) -> Waves:
    return steady(float(np.radians(turn_rate)) / speed if turn_rate else 0.0)
