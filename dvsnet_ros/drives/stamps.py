"""Stamps that a recording brings along."""

import re
from datetime import datetime, timezone
from pathlib import Path

from dvsnet_ros.drives.frame import NANOSECONDS, DriveError

# KITTI raw writes nanoseconds, which datetime can't read: 2011-09-26 13:02:25.964389445
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")


def kitti_stamps(folder: Path, count: int) -> list[int] | None:
    """The stamps of a folder of KITTI raw, in nanoseconds since 1970, taken as UTC.

    Args:
        folder: where the images lie; `timestamps.txt` is looked for there and above it.
        count: how many images there are.

    Returns:
        One stamp an image, or None where there is no `timestamps.txt`.

    Raises:
        DriveError: the file is there but does not fit the images.
    """
    for file in (folder / "timestamps.txt", folder.parent / "timestamps.txt"):
        if file.is_file():
            lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
            stamps = [_stamp(line.strip(), file) for line in lines if line.strip()]
            if len(stamps) != count:
                raise DriveError(
                    f"{file} has {len(stamps)} stamps for {count} images; "
                    "give a rate to do without it"
                )
            return stamps
    return None


def _stamp(line: str, file: Path) -> int:
    match = _LINE.fullmatch(line)
    if match is None:
        raise DriveError(
            f"{file} holds the line {line[:40]!r}, which is no stamp such as "
            "2011-09-26 13:02:25.964389445"
        )
    try:
        seconds = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise DriveError(f"{file} holds the line {line!r}: {error}") from error
    return int(seconds) * NANOSECONDS + int((match[2] or "").ljust(9, "0"))
