"""What a drive gives: frames with stamps, and what goes wrong with a drive."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

NANOSECONDS = 1_000_000_000


class DriveError(ValueError):
    """A drive, or a frame of it, that can't be read; the message says what was seen."""


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
    """

    image: NDArray[np.uint8]
    stamp: int
    frame_id: str = "camera"
    labels: NDArray[np.uint8] | None = None
    flow: NDArray[np.float32] | None = None


class Drive(Protocol):
    """A sequence of frames with stamps.

    Iterating reports broken frames as warnings and leaves them out; asking for a broken frame by
    its index raises DriveError.
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
