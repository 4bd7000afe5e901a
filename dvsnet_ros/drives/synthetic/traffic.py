"""Who is under way: cars ahead and oncoming, cyclists, people walking and crossing."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dvsnet_ros.drives.synthetic.agents import Across, Agent, Along, Course
from dvsnet_ros.drives.synthetic.centreline import Centreline, Waves
from dvsnet_ros.drives.synthetic.ground import KERB_HEIGHT, Profile
from dvsnet_ros.drives.synthetic.mesh import Mesh
from dvsnet_ros.drives.synthetic.motion import Motion
from dvsnet_ros.drives.synthetic.people import Figure, Joint, cyclist, walker
from dvsnet_ros.drives.synthetic.surfaces import CELL

SIGHT = 190.0  # metres ahead in which there are cars
SMALL_SIGHT = 130.0  # and people
BEHIND = 8.0
CROSSING_EVERY = 54.0
CROSSING_SIGHT = 90.0


@dataclass(frozen=True)
class Ahead:
    """A car that drives before the camera and keeps a changing distance."""

    motion: Motion
    gap: Waves
    lateral: float

    def at(self, time: float) -> tuple[float, float]:
        """Station and lateral."""
        return self.motion.station(time) + float(self.gap.at(time)), self.lateral

    def walked(self, time: float) -> float:
        """Metres from its start."""
        return self.at(time)[0]

    @property
    def turn(self) -> float:
        """Along the street."""
        return 0.0


@dataclass(frozen=True)
class Stream:
    """A row of agents without end, who all go at one speed.

    Attributes:
        number: tells one stream from the others.
        speed: metres a second along the street; negative comes towards the camera.
        spacing: metres from one to the next, on average.
        share: how many of the places in the row are taken.
        laterals: between which each keeps its own.
        figures: who they are.
        height: of the ground they move on.
        sight: metres ahead in which they are seen.
    """

    number: int
    speed: float
    spacing: float
    share: float
    laterals: tuple[float, float]
    figures: tuple[Figure, ...]
    height: float = 0.0
    sight: float = SMALL_SIGHT

    def places(self, time: float, station: float) -> range:
        """The places between a little behind a station and the end of sight, or a few more."""
        origin = station - self.speed * time
        first = int(np.ceil((origin - BEHIND) / self.spacing - 0.5))
        return range(first, int(np.floor((origin + self.sight) / self.spacing + 0.5)) + 1)

    def agent(self, place: int, seed: int, line: Centreline) -> Agent | None:
        """Who takes a place in the row, if anybody does."""
        rng = np.random.default_rng((seed, 0x57E4, self.number, _seed_of(place)))
        if rng.random() > self.share:
            return None
        start = (place + rng.uniform(-0.3, 0.3)) * self.spacing
        course = Along(start, self.speed, rng.uniform(min(self.laterals), max(self.laterals)))
        figure = self.figures[int(rng.integers(len(self.figures)))]
        key = -(1 + self.number) * 10**9 - place % 10**9
        return Agent(key, figure, course, line, self.height)


def _seed_of(place: int) -> int:
    """Places may be negative, seeds may not."""
    return place % 2**32


class Traffic:
    """All that moves in a drive."""

    def __init__(
        self, seed: int, profile: Profile, motion: Motion, vehicles: tuple[Mesh, ...]
    ) -> None:
        rng = np.random.default_rng((seed, 0x7AFF))
        self._seed = seed
        self._line = line = motion.line
        self._profile = profile
        self._motion = motion
        cars = tuple(Figure(mesh, (Joint((0, 0, 0), 0, 0),), 1.0) for mesh in vehicles)
        self._walkers = tuple(walker(rng) for _ in range(14))
        cyclists = tuple(cyclist(rng) for _ in range(6))
        lane, edge, kerb = profile.lane, profile.edge, profile.kerb
        keeps, pace = profile.keeps, max(4.0, motion.speed.level)
        self._streams = [
            Stream(0, -pace * rng.uniform(0.8, 1.2), 34.0, rng.uniform(0.35, 0.75),
                   (-keeps * lane * 0.5, -keeps * lane * 0.56), cars, sight=SIGHT),
            Stream(1, rng.uniform(3.2, 4.6), 34.0, 0.6,
                   (keeps * (lane - 0.45), keeps * (lane - 0.75)), cyclists),
            Stream(2, -rng.uniform(3.4, 5.0), 45.0, 0.6,
                   (-keeps * (lane - 0.45), -keeps * (lane - 0.75)), cyclists),
        ]  # fmt: skip
        for number, (side, speed) in enumerate(((1, 1.2), (1, -1.4), (-1, 1.4), (-1, -1.2))):
            self._streams.append(
                Stream(
                    3 + number, speed * rng.uniform(0.8, 1.2), 11.0, rng.uniform(0.35, 0.7),
                    (side * (kerb + 0.7), side * (edge - 0.4)), self._walkers, KERB_HEIGHT,
                )
            )  # fmt: skip
        gap = rng.uniform(18, 45)
        swell = Waves(gap, np.array((0.35, 0.25)) * gap, 2 * np.pi / np.array((23.0, 9.0)),
                      rng.uniform(0, 2 * np.pi, 2))  # fmt: skip
        ahead: Course = Ahead(motion, swell, keeps * lane / 2)
        leads = rng.random() < 0.65
        small = cars[int(rng.integers(6))]
        self._ahead = [Agent(-5, small, ahead, line)] if leads else []
        # Who takes a place never changes; drawing it anew for every frame would cost more.
        self._in_stream = lru_cache(maxsize=2048)(self._draw_in_stream)
        self._crossing = lru_cache(maxsize=64)(self._draw_crossing)

    def agents(self, time: float, station: float) -> list[Agent]:
        """Those near a station at a time."""
        out = list(self._ahead)
        for stream in self._streams:
            for place in stream.places(time, station):
                agent = self._in_stream(stream.number, place)
                if agent and -BEHIND < agent.course.at(time)[0] - station < stream.sight:
                    out.append(agent)
        first = max(1, int(np.ceil((station - BEHIND) / CROSSING_EVERY)))
        for place in range(first, int((station + CROSSING_SIGHT) / CROSSING_EVERY) + 1):
            out += self._crossing(place)
        return out

    def _draw_in_stream(self, number: int, place: int) -> Agent | None:
        return self._streams[number].agent(place, self._seed, self._line)

    def _draw_crossing(self, place: int) -> list[Agent]:
        """People who cross, early enough to be over when the camera comes."""
        rng = np.random.default_rng((self._seed, 0xC055E5, place))
        if rng.random() > 0.7:
            return []
        station = (np.floor(place * CROSSING_EVERY / CELL) + rng.uniform(0.2, 0.8)) * CELL
        arrival = self._motion.arrival(station)
        out = []
        for walk in range(int(rng.integers(1, 3))):
            side, speed = float(rng.choice((-1, 1))), rng.uniform(1.1, 1.8)
            edge = self._profile.kerb + 0.8
            start = arrival - rng.uniform(1.2, 2.5) - 2 * edge / speed
            course = Across(station + walk * 0.9, -side * edge, side * edge, start, speed)
            figure = self._walkers[int(rng.integers(len(self._walkers)))]
            key = -(10**12) - place * 10 - walk
            out.append(Agent(key, figure, course, self._line, KERB_HEIGHT / 2))
        return out
