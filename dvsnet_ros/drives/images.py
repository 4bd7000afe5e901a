"""Drives that are image files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives import cityscapes
from dvsnet_ros.drives.frame import Calibration, DriveError, Frame, frame_index
from dvsnet_ros.drives.image_files import read_image, read_labels

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFile:
    """Where one frame of a drive lies.

    Attributes:
        path: the image file.
        stamp: nanoseconds.
        labels: the file of its class ids; it is looked for when the frame is read.
        calibration: of the camera, where it is known.
    """

    path: Path
    stamp: int
    labels: Path | None = None
    calibration: Calibration | None = None


@dataclass(frozen=True)
class ImageDrive:
    """A drive whose frames are image files, each read when it is asked for.

    Grey images become BGR of three equal channels; 16-bit images lose their lower byte.
    """

    name: str
    rate: float
    files: tuple[ImageFile, ...]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Frame]:
        problems = _LabelProblems(self.name)
        try:
            for index in range(len(self)):
                try:
                    frame = self._frame(index, problems)
                except DriveError as error:
                    _log.warning("%s: frame %d is skipped: %s", self.name, index, error)
                else:
                    yield frame
        finally:
            problems.report()

    def __getitem__(self, index: int) -> Frame:
        problems = _LabelProblems(self.name)
        frame = self._frame(frame_index(index, len(self)), problems)
        problems.report()
        return frame

    def _frame(self, index: int, problems: _LabelProblems) -> Frame:
        """A frame; it is as good without labels, so unusable ones only add to the problems."""
        file = self.files[index]
        image = read_image(file.path)
        try:
            labels = None if file.labels is None else _labels_of(image, file.labels)
        except DriveError as error:
            labels = None
            problems.add(index, error)
        label_set = (
            "" if labels is None or file.labels is None else cityscapes.label_set_of(file.labels)
        )
        return Frame(
            image,
            file.stamp,
            labels=labels,
            calibration=file.calibration,
            label_set=label_set,
            index=index,
        )


class _LabelProblems:
    """What is wrong with a drive's labels: of all frames together, as one tool wrote them all."""

    def __init__(self, drive: str) -> None:
        self._drive = drive
        self._count = 0
        self._first = ""

    def add(self, index: int, error: DriveError) -> None:
        """Count a frame whose labels can't be used."""
        if not self._count:
            self._first = f"frame {index} is given without labels: {error}"
        self._count += 1

    def report(self) -> None:
        """Warn of them, if there are any."""
        if self._count:
            others = f"; so are {self._count - 1} more frames" if self._count > 1 else ""
            _log.warning("%s: %s%s", self._drive, self._first, others)


def _labels_of(image: NDArray[np.uint8], path: Path) -> NDArray[np.uint8] | None:
    """The labels of an image, None where there is no such file.

    Raises:
        DriveError: they can't be used.
    """
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise DriveError(f"{path} can't be read: {error.strerror or error}") from error
    return read_labels(path, image)
