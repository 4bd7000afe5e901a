"""Who is under way: cars ahead and oncoming, cyclists, people walking and crossing."""

from dataclasses import dataclass

import numpy as np

from dvsnet_ros.drives.synthetic.agents import Across, Agent, Along, Course
from dvsnet_ros.drives.synthetic.centreline import Centreline, Waves
from dvsnet_ros.drives.synthetic.ground import KERB_HEIGHT, Profile
from dvsnet_ros.drives.synthetic.motion import Motion
from dvsnet_ros.drives.synthetic.people import Figure, Joint, cyclist, walker
from dvsnet_ros.drives.synthetic.surfaces import CELL
from dvsnet_ros.drives.synthetic.vehicles import draw_cars

SIGHT = 190.0  # metres ahead in which there is traffic
BEHIND = 8.0
CROSSING_EVERY = 54.0


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

    def turn(self, time: float) -> float:
        """Along the street."""
        del time
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
    """

    number: int
    speed: float
    spacing: float
    share: float
    laterals: tuple[float, float]
    figures: tuple[Figure, ...]
    height: float = 0.0

    def near(self, seed: int, line: Centreline, time: float, station: float) -> list[Agent]:
        """Those between a little behind a station and the end of sight."""
        origin = station - self.speed * time
        first = int(np.ceil((origin - BEHIND) / self.spacing - 0.5))
        last = int(np.floor((origin + SIGHT) / self.spacing + 0.5))
        out = []
        for place in range(first, last + 1):
            # Places may be negative, seeds may not.
            rng = np.random.default_rng((seed, 0x57E4, self.number, place & 0xFFFFFFFF))
            if rng.random() > self.share:
                continue
            start = (place + rng.uniform(-0.3, 0.3)) * self.spacing
            course = Along(start, self.speed, rng.uniform(min(self.laterals), max(self.laterals)))
            figure = self.figures[int(rng.integers(len(self.figures)))]
            here = course.at(time)[0]
            if station - BEHIND < here < station + SIGHT:
                key = -(1 + self.number) * 10**9 - (place & 0xFFFFFF)
                out.append(Agent(key, figure, course, line, self.height))
        return out


class Traffic:
    """All that moves in a drive."""

    def __init__(self, seed: int, line: Centreline, profile: Profile, motion: Motion) -> None:
        rng = np.random.default_rng((seed, 0x7AFF))
        self._seed = seed
        self._line = line
        self._profile = profile
        self._motion = motion
        cars = tuple(Figure(mesh, (Joint((0, 0, 0), 0, 0),), 1.0) for mesh in draw_cars(rng))
        self._walkers = tuple(walker(rng) for _ in range(14))
        cyclists = tuple(cyclist(rng) for _ in range(6))
        lane, edge, kerb = profile.lane, profile.edge, profile.kerb
        keeps, pace = profile.keeps, max(4.0, motion.speed.level)
        self._streams = [
            Stream(0, -pace * rng.uniform(0.8, 1.2), 34.0, rng.uniform(0.35, 0.75),
                   (-keeps * lane * 0.5, -keeps * lane * 0.56), cars),
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

    def agents(self, time: float, station: float) -> list[Agent]:
        """Those near a station at a time."""
        out = list(self._ahead)
        for stream in self._streams:
            out += stream.near(self._seed, self._line, time, station)
        return out + self._crossing(station)

    def _crossing(self, station: float) -> list[Agent]:
        """People who cross, early enough to be over when the camera comes."""
        out = []
        first = int(np.ceil((station - BEHIND) / CROSSING_EVERY))
        for place in range(first, int((station + 90) / CROSSING_EVERY) + 1):
            rng = np.random.default_rng((self._seed, 0xC055E5, place & 0xFFFFFFFF))
            if rng.random() > 0.7 or place < 1:
                continue
            at = (np.floor(place * CROSSING_EVERY / CELL) + rng.uniform(0.2, 0.8)) * CELL
            arrival = self._motion.arrival(at)
            for walk in range(int(rng.integers(1, 3))):
                side, speed = float(rng.choice((-1, 1))), rng.uniform(1.1, 1.8)
                edge = self._profile.kerb + 0.8
                start = arrival - rng.uniform(1.2, 2.5) - 2 * edge / speed
                course = Across(at + walk * 0.9, -side * edge, side * edge, start, speed)
                figure = self._walkers[int(rng.integers(len(self._walkers)))]
                key = -(10**12) - (place & 0xFFFFFF) * 10 - walk
                out.append(Agent(key, figure, course, self._line, KERB_HEIGHT / 2))
        return out
