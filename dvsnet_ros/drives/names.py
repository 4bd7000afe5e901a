"""What a drive's name says beside its place: options, as in `town.bag?topic=/front&rate=10`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from dvsnet_ros.drives.frame import DriveError

# After the last question mark: a folder's name may hold one too, a topic's can't.
_OPTION: Final = r"(?:topic|rate)=[^&?]*"
_NAME: Final = re.compile(rf"(.+)\?({_OPTION}(?:&{_OPTION})*)", re.DOTALL)


class DriveName(NamedTuple):
    """A drive's name in its parts.

    Attributes:
        place: the name without options.
        topic: of a bag, where it is chosen.
        rate: frames a second, where they are given.
    """

    place: str
    topic: str | None = None
    rate: float | None = None


def parse_name(source: str | Path) -> DriveName:
    """Split `place?topic=/front/image&rate=10`, in any order, unless a file is called so.

    Raises:
        DriveError: the rate is no number.
        OSError: it can't be told whether a file is called so.
    """
    match = _NAME.fullmatch(str(source))
    if match is None or Path(source).exists():
        return DriveName(str(source))
    place, given = match.groups()
    options = dict(option.split("=", 1) for option in given.split("&"))
    rate = options.get("rate")
    return DriveName(place, options.get("topic"), None if rate is None else _number(rate, place))


def check_utf8(name: str, who: str) -> None:
    """Check that a name is in UTF-8, as `who` wants names; raises DriveError."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DriveError(f"{name!a} is not in UTF-8, as {who} wants names; rename it") from error


def _number(rate: str, place: str) -> float:
    try:
        return float(rate)
    except ValueError as error:
        raise DriveError(
            f"'{rate}' is no rate; give frames a second, as in {place}?rate=10"
        ) from error
