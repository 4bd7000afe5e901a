"""Drives that are image files: a folder of images, or a list of them."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.frame import NANOSECONDS, DriveError, Frame, frame_index
from dvsnet_ros.drives.stamps import kitti_stamps

IMAGE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
)
BAG_SUFFIXES = frozenset((".mcap", ".db3"))
DEFAULT_RATE = 10.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageFile:
    """Where one frame of a drive lies.

    Attributes:
        path: the image file.
        stamp: nanoseconds.
        labels: the file of its class ids; it is looked for when the frame is read.
    """

    path: Path
    stamp: int
    labels: Path | None = None


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
        for index in range(len(self)):
            try:
                frame = self[index]
            except DriveError as error:
                _log.warning("%s: frame %d is skipped: %s", self.name, index, error)
            else:
                yield frame

    def __getitem__(self, index: int) -> Frame:
        file = self.files[frame_index(index, len(self))]
        image = read_image(file.path)
        labels = None
        if file.labels is not None and file.labels.exists():
            labels = read_labels(file.labels)
            if labels.shape != image.shape[:2]:
                raise DriveError(
                    f"the labels {file.labels} are {labels.shape[1]}×{labels.shape[0]}, "
                    f"their image is {image.shape[1]}×{image.shape[0]}"
                )
        return Frame(image, file.stamp, labels=labels)


def read_image(path: Path) -> NDArray[np.uint8]:
    """The image of a file, uint8 [H, W, 3] BGR; raises DriveError where there is none."""
    return np.asarray(_decode(path, cv2.IMREAD_COLOR), np.uint8)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """The class ids of a file, uint8 [H, W]; raises DriveError where it holds no such thing."""
    labels = _decode(path, cv2.IMREAD_UNCHANGED)
    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise DriveError(
            f"the labels {path} are not one byte a pixel "
            f"(they have the shape {labels.shape} of {labels.dtype})"
        )
    return np.asarray(labels, np.uint8)


def _decode(path: Path, mode: int) -> NDArray[np.generic]:
    # Decoded from bytes, because cv2.imread tells a missing file from a broken one only on stderr.
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DriveError(f"{path} can't be read: {error.strerror or error}") from error
    if data.size == 0:
        raise DriveError(f"{path} is empty")
    try:
        image = cv2.imdecode(data, mode)
    except cv2.error as error:
        raise DriveError(f"{path} can't be decoded: {error.err}") from error
    if image is None:
        raise DriveError(f"{path} is no image that OpenCV can decode")
    return image


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts frame2 before frame10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def regular_stamps(count: int, rate: float) -> list[int]:
    """The stamps, in nanoseconds from 0, of frames at a rate a second."""
    return [round(index * NANOSECONDS / rate) for index in range(count)]


def images_of(folder: Path) -> list[Path]:
    """The image files of a folder, in natural order."""
    with os.scandir(folder) as entries:
        paths = [Path(entry.path) for entry in entries if entry.is_file()]
    return sorted((p for p in paths if p.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)


def folder_drive(folder: Path, rate: float | None = None) -> ImageDrive:
    """A drive of the images in a folder, in natural order of their names.

    Stamps come from KITTI's `timestamps.txt` in the folder or above it, unless a rate is given;
    otherwise from the rate, 10 Hz by default. Labels come from the folder `<name>_labels` beside
    it: for each image the PNG of the same name, where there is one.

    Raises:
        DriveError: the folder holds no image.
    """
    folder = folder.resolve()
    try:
        paths = images_of(folder)
    except OSError as error:
        raise DriveError(f"the folder {folder} can't be read: {error.strerror}") from error
    if not paths:
        raise DriveError(f"the folder {folder} holds no images; {_content_of(folder)}")
    stamps = None if rate else kitti_stamps(folder, len(paths))
    if stamps is not None:
        span = (stamps[-1] - stamps[0]) / NANOSECONDS
        measured = (len(stamps) - 1) / span if span > 0 else DEFAULT_RATE
        return ImageDrive(folder.name, measured, _with_labels(folder, paths, stamps))
    rate = rate or DEFAULT_RATE
    stamps = regular_stamps(len(paths), rate)
    return ImageDrive(folder.name, rate, _with_labels(folder, paths, stamps))


def _content_of(folder: Path) -> str:
    entries = sorted(folder.iterdir())
    if not entries:
        return "it is empty"
    storage = next((entry.name for entry in entries if entry.suffix in BAG_SUFFIXES), None)
    if storage is not None:
        return (
            f"it holds {storage} but no metadata.yaml; give the file itself, or let "
            "`ros2 bag reindex` write one"
        )
    shown = ", ".join(entry.name + "/" * entry.is_dir() for entry in entries[:3])
    return f"it holds {shown}{', …' if len(entries) > 3 else ''}"


def _with_labels(
    folder: Path, paths: Sequence[Path], stamps: Sequence[int]
) -> tuple[ImageFile, ...]:
    labels = folder.with_name(f"{folder.name}_labels")
    return tuple(
        ImageFile(path, stamp, labels / f"{path.stem}.png")
        for path, stamp in zip(paths, stamps, strict=True)
    )


def list_drive(file: Path, data_dir: Path | None = None, rate: float | None = None) -> ImageDrive:
    """A drive of the images that a list names, as in the original DVSNet.

    A line's first word is an image's path relative to data_dir (the list's own folder by default),
    with or without a leading slash. A line of two words names the image's labels too; further
    words, as in the original's lists of pairs, are other frames and are left aside.

    Raises:
        DriveError: the list is no text, names nothing, or none of its images is there.
    """
    root = data_dir if data_dir is not None else file.parent
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise DriveError(f"{file} is no list of images: it is not text") from error
    except OSError as error:
        raise DriveError(f"{file} can't be read: {error.strerror}") from error
    lines = [words for words in lines if words]
    if not lines:
        raise DriveError(f"the list {file} names no image")
    rate = rate or DEFAULT_RATE
    files = tuple(
        ImageFile(
            beneath(root, words[0]), stamp, beneath(root, words[1]) if len(words) == 2 else None
        )
        for words, stamp in zip(lines, regular_stamps(len(lines), rate), strict=True)
    )
    if not any(image.path.exists() for image in files):
        raise DriveError(
            f"none of the {len(files)} images that {file} names is there; the first would be "
            f"{files[0].path}: is {root} the folder that its paths start from?"
        )
    return ImageDrive(file.stem, rate, files)


def beneath(root: Path, name: str) -> Path:
    """Where the image lies that a list names, whose paths start from the folder `root`."""
    # The original joins the two as strings, so a leading slash means the data folder too.
    whole = Path(name)
    return whole if whole.is_absolute() and whole.exists() else root / name.lstrip("/")
