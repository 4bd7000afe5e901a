"""Drives that are a folder of images: any, and those of KITTI raw, Cityscapes and CamVid."""

import os
import re
from pathlib import Path

from dvsnet_ros.drives import cityscapes, kitti
from dvsnet_ros.drives.frame import DriveError
from dvsnet_ros.drives.images import ImageDrive, ImageFile
from dvsnet_ros.drives.stamps import regular_timing, timing_of_kitti, timing_of_names

IMAGE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".pgm", ".tif", ".tiff", ".webp")
)
BAG_SUFFIXES = frozenset((".mcap", ".db3"))


def folder_drive(folder: Path, rate: float | None = None) -> ImageDrive:
    """A drive of the images in a folder, in natural order of their names.

    The folder of a KITTI drive stands for its left colour camera. Stamps come from KITTI's
    `timestamps.txt` in the folder or above it, or from names as Cityscapes' and CamVid's, unless a
    rate is given; otherwise from the rate, 10 Hz by default. Labels come from the folder
    `<name>_labels` beside it, for each image the PNG of the same name, where there is one; those of
    Cityscapes from its `gtFine`.

    Raises:
        DriveError: the folder holds no image, or stamps that do not fit.
        OSError: it can't be read.
    """
    folder = kitti.image_folder(folder.resolve())
    paths = images_of(folder)
    if not paths:
        raise DriveError(f"the folder {folder} holds no images; {_content_of(folder)}")
    timing = None if rate else timing_of_kitti(folder, len(paths)) or timing_of_names(paths)
    timing = timing or regular_timing(len(paths), rate)
    own = cityscapes.companions(paths)
    if own:
        labels, calibrations = own
    else:
        beside = folder.with_name(f"{folder.name}_labels")
        labels = [beside / f"{path.stem}.png" for path in paths]
        calibrations = [kitti.calibration(folder)] * len(paths)
    files = map(ImageFile, paths, timing.stamps, labels, calibrations)
    return ImageDrive(kitti.drive_name(folder), timing.rate, tuple(files))


def is_bag_folder(folder: Path) -> bool:
    """Whether a folder is a bag, damaged or not: its metadata.yaml is rosbag2's.

    Other tools write a file of that name too; beside a bag's storage, it is taken for the bag's.

    Raises:
        OSError: it can't be read.
    """
    metadata = folder / "metadata.yaml"
    if not metadata.is_file():
        return False
    return b"rosbag2" in metadata.read_bytes() or _storage_in(folder) is not None


def _storage_in(folder: Path) -> str | None:
    """The name of a file in which a bag keeps messages."""
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in BAG_SUFFIXES)
    return names[0] if names else None


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sorts frame2 before frame10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)


def images_of(folder: Path) -> list[Path]:
    """The image files of a folder, in natural order."""
    with os.scandir(folder) as entries:
        paths = [Path(entry.path) for entry in entries if _is_file(entry)]
    return sorted((p for p in paths if p.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file, or something of which only reading it says what is wrong."""
    try:
        return entry.is_file()
    except OSError:  # such as of a link to itself
        return True


def _content_of(folder: Path) -> str:
    entries = sorted(folder.iterdir())
    if not entries:
        return "it is empty"
    storage = _storage_in(folder)
    if storage is not None:
        return (
            f"it holds {storage} but no metadata.yaml; give the file itself, or let "
            "`ros2 bag reindex` write one"
        )
    shown = ", ".join(entry.name + "/" * entry.is_dir() for entry in entries[:3])
    return f"it holds {shown}{', …' if len(entries) > 3 else ''}"
