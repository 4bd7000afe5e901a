"""When frames were taken: at a rate, as file names number them, or as KITTI recorded it."""

import re
import statistics
from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from dvsnet_ros.drives.frame import NANOSECONDS, DriveError

DEFAULT_RATE: Final = 10.0

SEQUENCE_GAP: Final = 12 * NANOSECONDS
"""From a sequence's last frame to the next one's first, where a drive is of several sequences:
more than the 10 s after which the node forgets its key frames."""

LAST_STAMP: Final = 2**31 * NANOSECONDS - 1
"""The largest stamp that a message can have, in nanoseconds; in the year 2038."""

RATE_INSTEAD: Final = "give the drive a rate, as with ?rate=10 after its name"

WITHOUT_STAMPS: Final = "write ?rate=10 after the drive's name to do without that file"

# How data sets call a sequence and a frame in it, and how many frames a second their cameras count.
_NUMBERED_NAMES: Final = (
    (re.compile(r"(.+_\d{6})_(\d{6})_leftImg8bit"), 17.0),  # Cityscapes
    (re.compile(r"(\d{4}[A-Z]\d|\d{4}[A-Z]{2}|Seq\d\dVD)_f?(\d{5,6})"), 30.0),  # CamVid
)

# KITTI raw writes nanoseconds, which datetime can't read: 2011-09-26 13:02:25.964389445
_LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")


class Timing(NamedTuple):
    """The stamps of a drive's frames in nanoseconds, and how many frames a second these are."""

    stamps: Sequence[int]
    rate: float


def check_stamp(stamp: int, advice: str = RATE_INSTEAD) -> None:
    """Check that a message can have a frame's stamp, in nanoseconds.

    Raises:
        DriveError: none can; the sentence ends with the advice.
    """
    if not 0 <= stamp <= LAST_STAMP:
        raise DriveError(
            f"a frame's stamp is {stamp} ns; messages can have stamps from 0 to {LAST_STAMP} (the "
            f"year 2038): {advice}"
        )


def regular_stamp(index: int, rate: float) -> int:
    """A frame's stamp, in nanoseconds from 0, at a rate a second."""
    return round(index * NANOSECONDS / rate)


def regular_timing(count: int, rate: float | None) -> Timing:
    """Frames at a rate a second, by default DEFAULT_RATE."""
    rate = rate or DEFAULT_RATE
    return Timing([regular_stamp(index, rate) for index in range(count)], rate)


def timing_of_names(paths: Sequence[Path]) -> Timing | None:
    """The stamps of frames whose file names number them, as Cityscapes' and CamVid's do.

    They start from 0. Inside a sequence they follow the numbers; the next sequence begins
    SEQUENCE_GAP later, because its names don't say when. The rate is the usual one of neighbours.

    Returns:
        None where names say nothing, or the numbers of a sequence do not rise.
    """
    for pattern, rate in _NUMBERED_NAMES:
        matches = [pattern.fullmatch(path.stem) for path in paths]
        names = [(match[1], int(match[2])) for match in matches if match is not None]
        if len(names) == len(paths):
            return _timing_of_numbers(names, rate)
    return None


def _timing_of_numbers(names: Sequence[tuple[str, int]], rate: float) -> Timing | None:
    steps = []
    stamps = [0]
    first, start = names[0][1], 0
    for (sequence, number), (next_sequence, next_number) in pairwise(names):
        if next_sequence != sequence:
            first, start = next_number, stamps[-1] + SEQUENCE_GAP
        elif next_number <= number:
            return None
        elif (next_number - number) * NANOSECONDS < rate * SEQUENCE_GAP:
            steps.append(next_number - number)
        stamps.append(start + round((next_number - first) * NANOSECONDS / rate))
    return Timing(stamps, rate / statistics.median_low(steps) if steps else rate)


def timing_of_kitti(folder: Path, count: int) -> Timing | None:
    """The stamps of a folder of KITTI raw, in nanoseconds since 1970, taken as UTC; its usual rate.

    Args:
        folder: where the images lie; `timestamps.txt` is looked for there and above it.
        count: how many images there are.

    Returns:
        None where there is no `timestamps.txt`.

    Raises:
        DriveError: the file is there but does not fit the images.
        OSError: it can't be read.
    """
    for file in (folder / "timestamps.txt", folder.parent / "timestamps.txt"):
        if file.is_file():
            stamps = _read_stamps(file)
            if len(stamps) != count:
                raise DriveError(
                    f"{file} has {len(stamps)} stamps for {count} images; {WITHOUT_STAMPS}"
                )
            return Timing(stamps, usual_rate(stamps) or DEFAULT_RATE)
    return None


def usual_rate(stamps: Sequence[int]) -> float | None:
    """Frames a second as neighbours mostly have it: gaps say nothing of a camera's rate.

    Returns:
        None where no stamp is later than the one before.
    """
    steps = [later - earlier for earlier, later in pairwise(stamps) if later > earlier]
    return NANOSECONDS / statistics.median(steps) if steps else None


def _read_stamps(file: Path) -> list[int]:
    lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    return [_stamp(line.strip(), file) for line in lines if line.strip()]


def _stamp(line: str, file: Path) -> int:
    match = _LINE.fullmatch(line)
    if match is None:
        raise DriveError(
            f"{file} holds the line {line[:40]!r}, which is no stamp such as "
            f"2011-09-26 13:02:25.964389445; {WITHOUT_STAMPS}"
        )
    try:
        seconds = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc).timestamp()
    except ValueError as error:
        raise DriveError(f"{file} holds the line {line!r}: {error}; {WITHOUT_STAMPS}") from error
    return int(seconds) * NANOSECONDS + int((match[2] or "").ljust(9, "0"))
