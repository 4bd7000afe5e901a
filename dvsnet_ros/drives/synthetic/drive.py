"""The synthetic drive: a street from a seed, with exact labels and optical flow."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.drives.frame import NANOSECONDS, Calibration, DriveError, Frame, frame_index
from dvsnet_ros.drives.synthetic.agents import all_poses
from dvsnet_ros.drives.synthetic.flow import flow_of, points_in_other_view, visible_in_other
from dvsnet_ros.drives.synthetic.render import (
    Geometry,
    Lens,
    draw_geometry,
    sample_textures,
    shade,
)
from dvsnet_ros.drives.synthetic.sensor import Sensor, draw_sensor
from dvsnet_ros.drives.synthetic.world import SLOWEST, Scene, World

MAX_SIDE = 4096
SHARPEST = 20.0  # metres of a bend's radius, below which the street would run into itself


@dataclass(frozen=True)
class SyntheticDrive:
    """A drive through a street that is drawn from a seed.

    Every frame is a function of the parameters and its index alone, so frames may be asked for in
    any order. Labels are CamVid's ids; 11 is void.

    Args:
        width: of the images, in pixels.
        height: of the images, in pixels.
        rate: frames a second.
        duration: seconds.
        seed: 0 or more; another seed is another street, weather and traffic.
        speed: metres a second; None: drawn from the seed, and changing on the way.
        turn_rate: degrees a second at that speed, positive to the left; None: the street winds.
        noise: the camera's grain in grey levels (its exposure drifts too); 0 gives clean images.
        shake: strength of the camera's pitch, roll and sway; 1 is a car's, 0 none.

    Raises:
        DriveError: a parameter is out of range.
    """

    width: int = 640
    height: int = 480
    rate: float = 15.0
    duration: float = 15.0
    seed: int = 0
    speed: float | None = None
    turn_rate: float | None = None
    noise: float = 3.0
    shake: float = 1.0

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            if not 16 <= getattr(self, name) <= MAX_SIDE:
                raise DriveError(
                    f"the synthetic drive's {name} must be 16 to {MAX_SIDE} pixels, "
                    f"not {getattr(self, name)}"
                )
        limits = {
            "rate": (0.1, 1000.0), "duration": (0.0, 86400.0), "seed": (0, 2**63),
            "speed": (0.0, 40.0), "turn_rate": (-20.0, 20.0), "noise": (0.0, 50.0),
            "shake": (0.0, 3.0),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise DriveError(
                    f"the synthetic drive's {name} must be {low} to {high}, not {value}"
                )
        if len(self) == 0:
            raise DriveError(
                f"a synthetic drive of {self.duration} s has no frame at {self.rate} a second"
            )
        fastest = math.degrees((SLOWEST if self.speed is None else self.speed) / SHARPEST)
        if abs(self.turn_rate or 0.0) > fastest:
            raise DriveError(
                f"the synthetic drive's turn_rate can be at most {fastest:.3g} degrees a second at "
                f"this speed, not {self.turn_rate}: streets have no sharper bends"
            )

    @property
    def name(self) -> str:
        """The seed tells one synthetic drive from another."""
        return f"synthetic-{self.seed}"

    def __len__(self) -> int:
        return round(self.duration * self.rate)

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Frame:
        index = frame_index(index, len(self))
        return Frame(
            self.image(index),
            self.stamp(index),
            labels=self.labels(index),
            flow=self.flow(index, index - 1) if index else None,
            calibration=self.calibration,
            label_set=CAMVID.name,
            index=index,
        )

    @property
    def calibration(self) -> Calibration:
        """Of the pinhole camera that sees the street."""
        lens = self._lens
        focal, center = (lens.focal, lens.focal), (lens.center_x, lens.center_y)
        return Calibration.pinhole(lens.height, lens.width, focal, center)

    def stamp(self, index: int) -> int:
        """Nanoseconds from the drive's start."""
        return round(frame_index(index, len(self)) * NANOSECONDS / self.rate)

    def image(self, index: int) -> NDArray[np.uint8]:
        """The image of a frame, uint8 [H, W, 3] BGR."""
        time = self._time(index)
        geometry = self._geometry(index)
        world = _world(self)
        texels = sample_textures(geometry, world.atlas, self._lens)
        weather = world.weather
        light = shade(geometry, texels, weather.haze, weather.horizon, weather.light.shade)
        return _sensor(self.seed, self.noise, self.height, self.width).capture(light, index, time)

    def labels(self, index: int) -> NDArray[np.uint8]:
        """The class of each pixel, uint8 [H, W]."""
        geometry = self._geometry(index)
        return geometry.surfaces.labels[geometry.facet]

    def depth(self, index: int) -> NDArray[np.float32]:
        """Metres along the camera's axis, float32 [H, W]; the sky is farther than 100 km."""
        return self._geometry(index).depth

    def flow(self, index: int, other: int) -> NDArray[np.float32]:
        """Exact flow, float32 [H, W, 2]: from a frame's pixels to the same points in another frame.

        It holds (dx, dy) in pixels, also where the other frame does not show the point: because
        something hides it, or because it lies outside the image. NaN: it lies behind the camera.
        """
        return flow_of(self._points(index, other), self._lens)

    def visible(self, index: int, other: int) -> NDArray[np.bool_]:
        """Where `flow` leads to a pixel that shows the same point as brightly, bool [H, W]."""
        points = self._points(index, other)
        flow = flow_of(points, self._lens)
        return visible_in_other(self._geometry(index), self._geometry(other), points, flow)

    @property
    def _lens(self) -> Lens:
        return Lens.fitting(self.width, self.height)

    def _time(self, index: int) -> float:
        return frame_index(index, len(self)) / self.rate

    def _geometry(self, index: int) -> Geometry:
        return _geometry(self, frame_index(index, len(self)))

    def _points(
        self, index: int, other: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        world = _world(self)
        scene = _scene(self, frame_index(index, len(self)))
        there = self._time(other)
        return points_in_other_view(
            self._geometry(index),
            world.motion.view(there),
            scene.poses,
            all_poses(scene.agents, there),
            self._lens,
        )


# A drive is only its parameters, so that it can be compared, hashed and sent to other processes.
# What is made from them is kept here for the next frame, and made anew elsewhere.


@lru_cache(maxsize=4)
def _world(drive: SyntheticDrive) -> World:
    return World(drive.seed, drive.duration, drive.speed, drive.turn_rate, drive.shake)


@lru_cache(maxsize=4)
def _sensor(seed: int, noise: float, height: int, width: int) -> Sensor:
    return draw_sensor(seed, noise, height, width)


@lru_cache(maxsize=2)
def _scene(drive: SyntheticDrive, index: int) -> Scene:
    return _world(drive).scene(index / drive.rate)


@lru_cache(maxsize=2)
def _geometry(drive: SyntheticDrive, index: int) -> Geometry:
    scene = _scene(drive, index)
    lens = Lens.fitting(drive.width, drive.height)
    return draw_geometry(scene.surfaces, scene.shadows, scene.view, lens)


_OPTIONS = {
    "width": int, "height": int, "seed": int, "rate": float, "duration": float, "speed": float,
    "turn_rate": float, "noise": float, "shake": float,
}  # fmt: skip


def parse_synthetic(source: str, rate: float | None = None) -> SyntheticDrive:
    """The drive of a source such as `synthetic` or `synthetic:seed=3,duration=15`.

    Raises:
        DriveError: an option is unknown, is no number, or is out of range.
    """
    options: dict[str, float] = {} if rate is None else {"rate": rate}
    for option in filter(None, source.partition(":")[2].split(",")):
        name, _, text = (part.strip() for part in option.partition("="))
        if name not in _OPTIONS:
            raise DriveError(
                f"the synthetic drive has no option {name!r}; it has {', '.join(_OPTIONS)}"
            )
        try:
            value = _OPTIONS[name](text)
        except ValueError as error:
            kind = "a whole number" if _OPTIONS[name] is int else "a number"
            raise DriveError(
                f"the synthetic drive's {name} must be {kind}, not {text!r}"
            ) from error
        if not math.isfinite(value):
            raise DriveError(f"the synthetic drive's {name} must be a finite number, not {text!r}")
        options.setdefault(name, value)
    return SyntheticDrive(**options)  # type: ignore[arg-type]
