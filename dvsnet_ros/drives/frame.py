"""What a drive gives: frames with stamps, and what goes wrong with a drive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NANOSECONDS = 1_000_000_000

NO_DISTORTION = (0.0,) * 5
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


class DriveError(ValueError):
    """A drive, or a frame of it, that can't be read; the message says what was seen."""


@dataclass(frozen=True)
class Calibration:
    """What is known of the camera, as `sensor_msgs/CameraInfo` says it.

    Attributes:
        height, width: of the images it speaks of, in pixels.
        distortion_model: such as `plumb_bob`; empty where it is unknown.
        d: distortion coefficients, as many as the model has.
        k: 3x3 intrinsic matrix, row by row; zeros of an uncalibrated camera.
        r: 3x3 rectification matrix, row by row.
        p: 3x4 projection matrix, row by row.
    """

    height: int
    width: int
    distortion_model: str = ""
    d: tuple[float, ...] = ()
    k: tuple[float, ...] = (0.0,) * 9
    r: tuple[float, ...] = (0.0,) * 9
    p: tuple[float, ...] = (0.0,) * 12

    @classmethod
    def pinhole(
        cls, height: int, width: int, focal: tuple[float, float], center: tuple[float, float]
    ) -> Calibration:
        """A camera without distortion; focal length and optical centre are (x, y) in pixels."""
        x_row, y_row = (focal[0], 0.0, center[0]), (0.0, focal[1], center[1])
        last_row = (0.0, 0.0, 1.0)
        return cls(
            height,
            width,
            "plumb_bob",
            d=NO_DISTORTION,
            k=(*x_row, *y_row, *last_row),
            r=IDENTITY,
            p=(*x_row, 0.0, *y_row, 0.0, *last_row, 0.0),
        )


@dataclass(frozen=True)
class Frame:
    """One frame of a drive.

    Attributes:
        image: uint8 [H, W, 3], BGR.
        stamp: nanoseconds; when the frame was taken.
        frame_id: name of the camera's coordinate frame.
        labels: uint8 [H, W] class ids, where the drive has labels for this frame.
        flow: float32 [H, W, 2], where the drive knows it: (dx, dy) in pixels from a pixel of this
            frame to where that surface point was in the frame before,
            so that before[y + dy, x + dx] shows what image[y, x] shows.
        calibration: of the camera, where the drive knows it.
        label_set: name of the label set that the labels are of, empty where the drive can't know.
        index: its place in the drive, the broken frames counted.
    """

    image: NDArray[np.uint8]
    stamp: int
    frame_id: str = "camera"
    labels: NDArray[np.uint8] | None = None
    flow: NDArray[np.float32] | None = None
    calibration: Calibration | None = None
    label_set: str = ""
    index: int = 0

    @property
    def camera(self) -> Calibration:
        """What a `CameraInfo` may say of this image: its calibration, or its size alone.

        A calibration that speaks of images of another size is not this image's.
        """
        height, width = self.image.shape[:2]
        known = self.calibration
        if known is not None and (known.height, known.width) == (height, width):
            return known
        return Calibration(height, width)


class Drive(Protocol):
    """A sequence of frames with stamps.

    Iterating reports broken frames as warnings and leaves them out; asking for a broken frame by
    its index raises DriveError.

    A new kind of drive is a module with a class that has these five members, and a function that
    opens one or raises DriveError; `dvsnet_ros.drives.drive` calls it for sources that look like
    it. What all kinds keep to is in docs/drives.md.
    """

    @property
    def name(self) -> str:
        """What the drive is called, for people to read."""
        ...

    @property
    def rate(self) -> float:
        """Frames a second."""
        ...

    def __len__(self) -> int:
        """How many frames the drive has, the broken ones counted."""
        ...

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order, without the broken ones."""
        ...

    def __getitem__(self, index: int) -> Frame:
        """One frame; negative indices count from the end.

        Raises:
            IndexError: the drive has no frame of this index.
            DriveError: the frame is broken.
        """
        ...


def frame_index(index: int, length: int) -> int:
    """The index from the front of a drive's frame; raises IndexError where there is none."""
    if not -length <= index < length:
        raise IndexError(f"frame {index} of a drive of {length} frames")
    return index % length
