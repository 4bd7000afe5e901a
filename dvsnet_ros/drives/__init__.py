"""Where frames come from: folders of images, lists, videos, bags and the synthetic drive."""

import math
import stat
from pathlib import Path

from dvsnet_ros.drives.folders import BAG_SUFFIXES, IMAGE_SUFFIXES, folder_drive, is_bag_folder
from dvsnet_ros.drives.frame import Calibration, Drive, DriveError, Frame
from dvsnet_ros.drives.lists import LIST_SUFFIXES, list_drive
from dvsnet_ros.drives.names import DriveName, parse_name
from dvsnet_ros.drives.synthetic import SyntheticDrive, parse_synthetic
from dvsnet_ros.drives.video import video_drive

__all__ = [
    "KINDS_OF_DRIVES",
    "LIST_SUFFIXES",
    "Calibration",
    "Drive",
    "DriveError",
    "Frame",
    "SyntheticDrive",
    "drive",
]

LOWEST_RATE = 1e-6
"""Frames a second: one in 12 days; at far lower ones stamps overflow."""

KINDS_OF_DRIVES = (
    "a folder of images (town, or town?rate=10 at 10 frames a second), a video, a bag (town.bag, "
    "or town.bag?topic=/camera/image_raw), a list of images, or 'synthetic'"
)


def drive(
    source: str | Path, *, rate: float | None = None, data_dir: str | Path | None = None
) -> Drive:
    """Opens a drive, telling by looking which kind it is.

    Args:
        source: a folder of images; a list file (`.txt`, `.lst`, `.list`) with an image's path a
            line; a video file; a bag (a folder with rosbag2's `metadata.yaml`, an `.mcap` or a
            `.db3`), with `?topic=/camera/image_raw` after it where it holds several cameras; or
            `synthetic`, with options such as `synthetic:seed=3,duration=15`. Any of them with
            `?rate=10` after it, or `&rate=10` after a topic.
        rate: frames a second, in place of the drive's own, and of those in the source.
        data_dir: the folder that the paths in a list file start from, in place of the list's own.

    Raises:
        DriveError: the source is none of these; the message says what it is.
    """
    try:
        name = parse_name(source)
        rate = name.rate if rate is None else rate
        if rate is not None and not LOWEST_RATE <= rate < math.inf:
            raise DriveError(
                f"a drive's rate must be at least {LOWEST_RATE:f} frames a second, not {rate}"
            )
        if isinstance(source, str) and name.place.partition(":")[0] == "synthetic":
            _check_no_topic(name)
            return parse_synthetic(name.place, rate)
        return _recorded(name, rate, None if data_dir is None else Path(data_dir))
    except OSError as error:
        what = error.filename or source
        raise DriveError(f"{what} can't be read: {error.strerror or error}") from error


def _recorded(name: DriveName, rate: float | None, data_dir: Path | None) -> Drive:
    path = Path(name.place)
    suffix = path.suffix.lower()
    is_folder = _is_folder(path)
    if is_bag_folder(path) if is_folder else suffix in BAG_SUFFIXES:
        return _bag_drive(path, name.topic, rate)
    _check_no_topic(name)
    if is_folder:
        return folder_drive(path, rate)
    if suffix in LIST_SUFFIXES:
        return list_drive(path, data_dir, rate)
    if suffix in IMAGE_SUFFIXES:
        raise DriveError(f"{path} is one image; a drive is the folder that holds it")
    if suffix == ".zstd":
        raise DriveError(
            f"{path} is a packed part of a bag; give the folder that holds it and a metadata.yaml"
        )
    if suffix == ".bag":
        raise DriveError(
            f"{path} is a bag of ROS 1; rosbags-convert (pip install rosbags) makes one of ROS 2"
        )
    return video_drive(path, rate)


def _check_no_topic(name: DriveName) -> None:
    if name.topic is not None:
        raise DriveError(f"{name.place} is no bag, and only a bag takes ?topic={name.topic}")


def _is_folder(path: Path) -> bool:
    """Whether it is a folder, otherwise a file; raises DriveError where it is neither."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: no path
        raise DriveError(f"there is no {path}; a drive is {KINDS_OF_DRIVES}") from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise DriveError(f"{path} is neither a file nor a folder")
    return stat.S_ISDIR(mode)


def _bag_drive(path: Path, topic: str | None, rate: float | None) -> Drive:
    try:
        from dvsnet_ros.drives.bag import bag_drive
    except ImportError as error:
        raise DriveError(
            f"{path} is a bag, and reading bags needs the extra 'drives' (pip install "
            f"'.[drives]', or pip install rosbags rosbags-image): {error}"
        ) from error
    return bag_drive(path, topic, rate)
