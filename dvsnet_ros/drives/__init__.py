"""Where frames come from: folders of images, lists, videos and the synthetic drive."""

import math
from pathlib import Path

from dvsnet_ros.drives.frame import Calibration, Drive, DriveError, Frame
from dvsnet_ros.drives.images import IMAGE_SUFFIXES, folder_drive, list_drive
from dvsnet_ros.drives.synthetic import SyntheticDrive, parse_synthetic
from dvsnet_ros.drives.video import video_drive

__all__ = ["Calibration", "Drive", "DriveError", "Frame", "SyntheticDrive", "drive"]

LIST_SUFFIXES = frozenset((".txt", ".lst", ".list"))


def drive(
    source: str | Path, *, rate: float | None = None, data_dir: str | Path | None = None
) -> Drive:
    """Opens a drive, telling by looking which kind it is.

    Args:
        source: a folder of images; a list file (`.txt`, `.lst`, `.list`) with an image's path a
            line; a video file; or `synthetic`, with options such as
            `synthetic:seed=3,duration=15`.
        rate: frames a second, in place of the drive's own.
        data_dir: the folder that the paths in a list file start from, in place of the list's own.

    Raises:
        DriveError: the source is none of these; the message says what it is.
    """
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise DriveError(f"a drive's rate must be more than 0 frames a second, not {rate}")
    if isinstance(source, str) and source.partition(":")[0] == "synthetic":
        return parse_synthetic(source, rate)
    path = Path(source)
    if path.is_dir():
        return folder_drive(path, rate)
    if not path.exists():
        raise DriveError(
            f"there is no {path}; a drive is a folder of images, a list file, a video, or synthetic"
        )
    if not path.is_file():
        raise DriveError(f"{path} is neither a file nor a folder")
    if path.suffix.lower() in LIST_SUFFIXES:
        return list_drive(path, None if data_dir is None else Path(data_dir), rate)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise DriveError(f"{path} is one image; a drive is the folder that holds it")
    return video_drive(path, rate)
