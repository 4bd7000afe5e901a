"""KITTI raw: where a drive's images lie, and its cameras.

<date>/<date>_drive_NNNN_sync/image_02/data/*.png
<date>/<date>_drive_NNNN_sync/image_02/timestamps.txt
<date>/calib_cam_to_cam.txt
"""

import logging
import math
from pathlib import Path
from typing import Final

from dvsnet_ros.drives.frame import IDENTITY, NO_DISTORTION, Calibration, DriveError

CAMERAS: Final = ("image_00", "image_01", "image_02", "image_03")
LEFT_COLOUR: Final = "image_02"
CALIBRATION_FILE: Final = "calib_cam_to_cam.txt"

_log = logging.getLogger(__name__)


def image_folder(folder: Path) -> Path:
    """The folder of images that one of a KITTI drive's folders stands for; any other is itself.

    A drive's folder stands for its left colour camera, or for the only one that it has.

    Raises:
        DriveError: the drive has several other cameras.
    """
    if folder.name in CAMERAS and (folder / "data").is_dir():
        return folder / "data"
    cameras = [camera for camera in CAMERAS if (folder / camera / "data").is_dir()]
    if not cameras:
        return folder
    if LEFT_COLOUR not in cameras and len(cameras) > 1:
        raise DriveError(
            f"the drive {folder} has the cameras {', '.join(cameras)}; give the folder of one"
        )
    return folder / (LEFT_COLOUR if LEFT_COLOUR in cameras else cameras[0]) / "data"


def drive_name(folder: Path) -> str:
    """What the drive of a folder of images is called."""
    if _is_camera(folder):
        return f"{folder.parents[1].name} {folder.parent.name}"
    return folder.name


def calibration(folder: Path) -> Calibration | None:
    """The camera of a drive's folder of images, from the file of its date; None without one."""
    if not _is_camera(folder):
        return None
    file = folder.parents[2] / CALIBRATION_FILE
    if not file.is_file():
        return None
    camera = folder.parent.name.removeprefix("image_")
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        values = {name: text.split() for name, _, text in (line.partition(":") for line in lines)}
        return _calibration(values, camera, is_rectified=not _is_extract(folder.parents[1]))
    except (OSError, ValueError, KeyError) as error:
        _log.warning("the calibration %s is left aside: %s", file, error)
        return None


def _is_camera(folder: Path) -> bool:
    return folder.name == "data" and folder.parent.name in CAMERAS


def _is_extract(drive: Path) -> bool:
    """KITTI calls drives `_sync` whose images are rectified, and `_extract` the others."""
    return drive.name.endswith("_extract")


def _calibration(values: dict[str, list[str]], camera: str, *, is_rectified: bool) -> Calibration:
    def numbers(name: str, count: int) -> tuple[float, ...]:
        found = tuple(map(float, values[f"{name}_{camera}"]))
        if len(found) != count or not all(map(math.isfinite, found)):
            raise ValueError(f"{name}_{camera} is not {count} numbers")
        return found

    p = numbers("P_rect", 12)
    if is_rectified:
        width, height = numbers("S_rect", 2)
        k = p[0:3] + p[4:7] + p[8:11]
        return Calibration(int(height), int(width), "plumb_bob", NO_DISTORTION, k, IDENTITY, p)
    width, height = numbers("S", 2)
    k, d, r = numbers("K", 9), numbers("D", 5), numbers("R_rect", 9)
    return Calibration(int(height), int(width), "plumb_bob", d, k, r, p)
