"""`dvsnet process`: every frame of a drive through the video segmenter."""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from os.path import realpath
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dvsnet_ros.commands.broken_frames import reported_before
from dvsnet_ros.commands.digest import sha256
from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    add_segmenter_flags,
    dashed,
    number,
    number_between,
)
from dvsnet_ros.commands.interruption import Interruption, interruption
from dvsnet_ros.commands.segmentation_store import SegmentationStore, StoreError, is_store
from dvsnet_ros.commands.segmenting import (
    describe_paths,
    new_segmenter,
    schedule_of,
    segmentations,
)
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import KINDS_OF_DRIVES, Drive, DriveError, Frame, SyntheticDrive, drive
from dvsnet_ros.drives.answers import Look
from dvsnet_ros.drives.bag import BagDrive
from dvsnet_ros.drives.bag_writer import STORAGES, is_bag
from dvsnet_ros.drives.names import parse_name
from dvsnet_ros.drives.outputs import (
    Received,
    check_frame,
    check_output,
    check_rate,
    is_output,
    new_output,
)
from dvsnet_ros.drives.whole import check_new

WRONG_INPUT = 2
STORAGE = "mcap"


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet process",
        description="Put every frame of a drive through the video segmenter, as the node would if "
        "it dropped none. The same input and settings give the same bytes. OUT appears when it is "
        "whole; until then, what is done lies in OUT.part, and --resume goes on with it.",
        epilog="example: dvsnet process street.bag answers.bag --target 85",
    )
    flags.add_argument("drive", metavar="DRIVE", help=KINDS_OF_DRIVES)
    flags.add_argument(
        "out", metavar="OUT", type=Path,
        help="OUT.bag (a folder, as ROS 2 makes it) or OUT.mcap (one file): the input's messages "
        "and the node's; OUT.mp4, .mkv or .mov: the overlay; a name without a suffix: a folder of "
        "class ids as PNGs, with decisions.csv",
    )  # fmt: skip
    flags.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    flags.add_argument(
        "--rate",
        type=number,
        metavar="HZ",
        help="frames a second, in place of the drive's own stamps; not from a bag to a bag",
    )
    flags.add_argument(
        "--confidence", action="store_true", help="the confidence of every pixel, too, in a bag"
    )
    flags.add_argument(
        "--no-overlay", dest="overlay", action="store_false", help="no overlay in a bag"
    )
    flags.add_argument(
        "--overlay-opacity", type=number_between(0, 1), default=0.5, metavar="SHARE",
        help="of the classes over the image, 0-1 (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--storage", choices=STORAGES,
        help="of OUT.bag; sqlite3 is what ROS 2 Humble plays without more packages (default: "
        f"{STORAGE})",
    )  # fmt: skip
    add_segmenter_flags(flags)
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    part = Path(f"{options.out}.part")
    try:
        _check_output(options)
        if options.resume and options.out.exists():
            _check_whole(options.out)
            if is_store(part):  # killed between the last two steps
                shutil.rmtree(part)
            print(f"'{options.out}' is whole already")
            return 0
        check_new(options.out)
        frames = _drive(options)
        segmenter = new_segmenter(options)
        store = SegmentationStore(
            part, _settings(options, frames, segmenter), resume=options.resume
        )
    except (ValueError, OSError) as error:
        return _say(str(error), WRONG_INPUT)
    try:
        counts = _process(frames, segmenter, store, options)
    except StoreError as error:
        return _say(str(error), WRONG_INPUT)
    except ValueError as error:  # the next time is as this one
        return _say(f"{error}{_what_is_left(part)}", WRONG_INPUT)
    except OSError as error:  # of the disk, say, which may have more room the next time
        return _say(f"{error}{_what_is_kept(part)}", WRONG_INPUT)
    except KeyboardInterrupt:
        return _say(f"interrupted{_what_is_kept(part)}", INTERRUPTED)
    print(f"{store.frames} frames in {options.out}; {describe_paths(counts)}")
    return 0


def _say(sentence: str, code: int) -> int:
    print(f"dvsnet process: {sentence}", file=sys.stderr)
    return code


def _check_output(options: argparse.Namespace) -> None:
    """Check that there are outputs of this name, and that the flags go with it.

    Raises:
        ValueError: there are none, or they don't.
    """
    check_output(options.out, options.storage or STORAGE)
    for_bags = {
        "--confidence": options.confidence,
        "--no-overlay": not options.overlay,
        "--storage": options.storage,
    }
    for flag, is_given in for_bags.items():
        if is_given and not is_bag(options.out):
            raise ValueError(f"{flag} is for a bag, which '{options.out}' is not by its name")


def _check_whole(out: Path) -> None:
    """Check that what is there is an output of this command.

    Raises:
        OSError: it is something else.
    """
    if not is_output(out):
        raise FileExistsError(
            f"'{out}' is there already, and does not look like what this command makes; choose "
            "another name, or remove it"
        )


def _drive(options: argparse.Namespace) -> Drive:
    """The drive, once it is known that the output can be made of it.

    Raises:
        ValueError: it can't; the sentence says what would work.
    """
    frames = drive(options.drive, rate=options.rate)
    if is_bag(options.out) and isinstance(frames, BagDrive) and not frames.keeps_stamps:
        raise ValueError(
            "a bag has stamps of its own, which go with its messages to another bag; give no rate"
        )
    check_rate(options.out, frames)
    return frames


def _process(
    frames: Drive,
    segmenter: VideoSegmenter,
    store: SegmentationStore,
    options: argparse.Namespace,
) -> Counter[RegionPath]:
    """Process the drive; returns how many regions took each path.

    Raises:
        ValueError: it can't be processed, nor with --resume.
        OSError: something can't be written; what is done is saved.
        KeyboardInterrupt: somebody asked to stop; what is done is saved.
    """
    try:
        with interruption() as interrupted:
            if not store.finished:
                _segment(frames, segmenter, store, options, interrupted)
            counts = _write(frames, segmenter, store, options, interrupted)
    finally:
        store.close()
    store.remove()
    return counts


def _segment(
    frames: Drive,
    segmenter: VideoSegmenter,
    store: SegmentationStore,
    options: argparse.Namespace,
    interrupted: Interruption,
) -> None:
    """Segment the frames that the store lacks."""
    if store.state:
        segmenter.restore(store.state)
    segmented = segmentations(
        _left(frames, store.place, options.out),
        segmenter,
        frames.name,
        confidence=options.confidence,
        begun=store.frames > 0,
    )
    with _bar("segmenting", len(frames), store.place) as bar:
        for frame, segmentation in segmented:
            if segmentation is None:
                store.skip()
            else:
                store.add(frame.stamp, segmentation)
            bar.update()
            if interrupted.asked or store.is_full:
                store.save(segmenter.state())
            interrupted.check()
    store.save(segmenter.state(), finished=True)
    if not store.frames:
        raise DriveError(f"no frame of {frames.name} can be read")


def _left(frames: Drive, place: int, out: Path) -> Iterator[Frame]:
    """The frames from a place on, each when it is known that the output can have it."""
    for frame in itertools.islice(frames, place, None):
        check_frame(out, frames, frame)
        yield frame


def _write(
    frames: Drive,
    segmenter: VideoSegmenter,
    store: SegmentationStore,
    options: argparse.Namespace,
    interrupted: Interruption,
) -> Counter[RegionPath]:
    """Make the output of what the store holds."""
    counts: Counter[RegionPath] = Counter()
    mode = schedule_of(options).mode
    look = Look(segmenter.label_set, mode, options.overlay_opacity, options.overlay)
    with (
        reported_before(),
        new_output(
            options.out,
            frames,
            look,
            options.storage or STORAGE,
            store.scratch(),
            interrupted.check,
        ) as output,
        _bar("writing", store.frames) as bar,
    ):
        for (frame, received), segmentation in _paired(output.frames, store):
            segmentation = segmentation.resized(*frame.image.shape[:2])
            output.answers.write(frame, segmentation, received)
            counts.update(decision.path for decision in segmentation.decisions)
            bar.update()
            interrupted.check()
    return counts


def _paired(
    frames: Iterator[Received], store: SegmentationStore
) -> Iterator[tuple[Received, Segmentation]]:
    """Frames and their segmentations."""
    skipped = frozenset(store.skipped)
    segmented = (each for place, each in enumerate(frames) if place not in skipped)
    for each, stamped in itertools.zip_longest(segmented, store):
        if each is None or stamped is None or each[0].stamp != stamped.stamp:
            raise StoreError(
                f"the drive has changed since it was segmented; remove '{store.folder}' and start "
                "again"
            )
        yield each, stamped.segmentation


def _settings(
    options: argparse.Namespace, frames: Drive, segmenter: VideoSegmenter
) -> dict[str, Any]:
    """Everything that decides what the segmentations are."""
    names = (
        "rate", "confidence", "target", "schedule", "dynamic_decrease", "dynamic_increase",
        "rising_share", "max_share", "overlap", "rows", "columns", "height", "width", "max_gap",
    )  # fmt: skip
    return {
        "checkpoint": sha256(options.restore_from),
        "decision checkpoint": options.decision_from and sha256(options.decision_from),
        "drive": options.drive if isinstance(frames, SyntheticDrive) else _resolved(options.drive),
        "device": str(segmenter.device),
        "precision": str(segmenter.precision).removeprefix("torch."),
        **{name.replace("_", " "): getattr(options, name) for name in names},
    }


def _resolved(source: str) -> str:
    """A drive's name with its path resolved, and its options."""
    place = parse_name(source).place
    return realpath(place) + source.removeprefix(place)


def _what_is_kept(part: Path) -> str:
    return (
        f"; what is done is kept in '{part}', and --resume goes on with it"
        if is_store(part)
        else ""
    )


def _what_is_left(part: Path) -> str:
    return f"; what is done lies in '{part}', which can be removed" if is_store(part) else ""


def _bar(what: str, total: int, done: int = 0) -> Any:
    return tqdm(desc=what, total=total, initial=done, unit="frame", dynamic_ncols=True)
