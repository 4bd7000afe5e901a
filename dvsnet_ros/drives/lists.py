"""Drives that are a list of images, as in the original DVSNet."""

from pathlib import Path

from dvsnet_ros.drives import cityscapes
from dvsnet_ros.drives.frame import Calibration, DriveError
from dvsnet_ros.drives.images import ImageDrive, ImageFile
from dvsnet_ros.drives.stamps import regular_timing, timing_of_names

LIST_SUFFIXES = frozenset((".txt", ".lst", ".list"))


def list_drive(file: Path, data_dir: Path | None = None, rate: float | None = None) -> ImageDrive:
    """A drive of the images that a list names, as in the original DVSNet.

    A line's first word is an image's path relative to data_dir (the list's own folder by default),
    with or without a leading slash. A line of two words names the image's labels too; further
    words, as in the original's lists of pairs, are other frames and are left aside. Where the first
    word is no file and the whole line is one, that is the image. Stamps come from names as
    Cityscapes' and CamVid's, unless a rate is given. Where all images lie as Cityscapes has them,
    labels that no line names come from its `gtFine`, and cameras from its `camera`.

    Raises:
        DriveError: the list is no text, names nothing, or none of its images is there.
        OSError: it can't be read.
    """
    root = data_dir if data_dir is not None else file.parent
    lines = lines_of_list(file)
    if not lines:
        raise DriveError(f"the list {file} names no image")
    names = [_names(line, root) for line in lines]
    paths = [beneath(root, image) for image, *_ in names]
    if not any(map(_is_file, paths)):
        raise DriveError(
            f"none of the {len(paths)} images that {file} names is there; the first, of the line "
            f"{lines[0][:80]!r}, would be {paths[0]}: is {root} the folder that its paths start "
            "from?"
        )
    timing = None if rate else timing_of_names(paths)
    timing = timing or regular_timing(len(paths), rate)
    labels = [beneath(root, words[1]) if len(words) == 2 else None for words in names]
    calibrations: list[Calibration | None] = [None] * len(paths)
    own = cityscapes.companions(paths)
    if own:
        own_labels, calibrations = own
        labels = [named or found for named, found in zip(labels, own_labels, strict=True)]
    files = map(ImageFile, paths, timing.stamps, labels, calibrations)
    return ImageDrive(file.stem, timing.rate, tuple(files))


def lines_of_list(file: Path) -> list[str]:
    """The lines of a list, without those that are empty.

    Raises:
        DriveError: it is no text.
        OSError: it can't be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DriveError(f"{file} is no list of images: it is not text") from error
    if "\0" in text:
        raise DriveError(f"{file} is no list of images: it holds bytes that are not text")
    return [stripped for line in text.splitlines() if (stripped := line.strip())]


def _names(line: str, root: Path) -> list[str]:
    """The names in a line: its words, or the whole line where an image's name has spaces."""
    words = line.split()
    is_whole = not _is_file(beneath(root, words[0])) and _is_file(beneath(root, line))
    return [line] if is_whole else words


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no name that the disk can have: a line may be too long
        return False


def beneath(root: Path, name: str) -> Path:
    """Where the image lies that a list names, whose paths start from the folder `root`."""
    # The original joins the two as strings, so a leading slash means the data folder too.
    whole = Path(name)
    return whole if whole.is_absolute() and _is_file(whole) else root / name.lstrip("/")
