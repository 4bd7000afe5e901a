"""`dvsnet inference`: segment a drive, as the original's inference.py."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from dvsnet_ros.commands.flags import INTERRUPTED, add_segmenter_flags, dashed, frame_count
from dvsnet_ros.commands.interruption import interruption
from dvsnet_ros.commands.segmenting import describe_paths, new_segmenter, segmentations
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import KINDS_OF_DRIVES, Drive, drive
from dvsnet_ros.drives.mask_folder import MaskFolder, kinds_in
from dvsnet_ros.drives.names import parse_name
from dvsnet_ros.drives.whole import check_folder

SCHEDULE = Schedule("fixed", 95.0)
"""Fixed by default, as the original's; the target is one for the shipped weights."""


def parser() -> argparse.ArgumentParser:
    """The command's flags: the original's, and a few more."""
    flags = argparse.ArgumentParser(
        prog="dvsnet inference",
        description="Segment a drive: a mask a frame, and the path of every region. Flags are the "
        "original DVSNet's (underscores work too), and more.",
        epilog="example: dvsnet inference stuttgart_00/ --save-dir out --target 90",
    )
    flags.add_argument("drive", metavar="DRIVE", nargs="?", help=KINDS_OF_DRIVES)
    flags.add_argument(
        "--data-dir", help="the folder from which --data-list's paths start, or a drive itself"
    )
    flags.add_argument("--data-list", help="a file with an image's path a line, or a drive itself")
    flags.add_argument(
        "--save-dir",
        type=Path,
        default=Path("video"),
        help="output folder, without masks of an earlier run (default: %(default)s)",
    )
    flags.add_argument("--num-steps", type=frame_count, help="frames at most (default: all)")
    add_segmenter_flags(flags, max_gap=0.0, schedule=SCHEDULE)
    flags.add_argument(
        "--save-ids", action="store_true", help="class ids as ids000000.png ... beside the masks"
    )
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        check_folder(options.save_dir)
        frames = _drive(options)
        _check_unused(options.save_dir)
        segmenter = new_segmenter(options, age_discount=0.0)
        options.save_dir.mkdir(parents=True, exist_ok=True)
        _segment(frames, segmenter, options)
    except (ValueError, OSError) as error:
        print(f"dvsnet inference: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dvsnet inference: interrupted; the masks so far are whole", file=sys.stderr)
        return INTERRUPTED
    return 0


def _drive(options: argparse.Namespace) -> Drive:
    source = options.drive or options.data_list or options.data_dir
    if source is None:
        raise ValueError(f"which drive? give {KINDS_OF_DRIVES}, or --data-list FILE")
    if options.drive and options.data_list:
        raise ValueError(
            f"which drive, {options.drive} or the list {options.data_list}? give one of them"
        )
    frames = drive(source, data_dir=options.data_dir)
    for place in filter(None, (source, options.data_dir)):
        _check_apart(options.save_dir, Path(parse_name(place).place))
    return frames


def _check_apart(folder: Path, place: Path) -> None:
    """Check that the masks would not lie among the drive's own files; raises ValueError."""
    if folder.exists() and place.exists() and folder.samefile(place):
        raise ValueError(f"'{folder}' is the drive's own folder; give another --save-dir")


def _check_unused(folder: Path) -> None:
    """Check that no earlier run's masks would lie among the new ones; raises FileExistsError."""
    if folder.exists() and kinds_in(folder):
        raise FileExistsError(
            f"'{folder}' holds masks of an earlier run; give another --save-dir, or remove it"
        )


def _segment(frames: Drive, segmenter: VideoSegmenter, options: argparse.Namespace) -> None:
    steps = min(len(frames), options.num_steps or len(frames))
    counts: Counter[RegionPath] = Counter()
    written = 0
    start = time.perf_counter()
    folder = MaskFolder(options.save_dir, ids=options.save_ids, colors=segmenter.label_set)
    with interruption() as interrupted, folder:
        bar = tqdm(itertools.islice(frames, steps), total=steps, unit="frame", dynamic_ncols=True)
        for frame, segmentation in segmentations(bar, segmenter, frames.name):
            if segmentation is not None:
                counts.update(decision.path for decision in segmentation.decisions)
                folder.write(frame.index, segmentation)
                written += 1
            interrupted.check()
        if not written:
            raise ValueError(f"no frame of {frames.name} could be read")
    rate = written / (time.perf_counter() - start)
    print(
        f"{written} frames in {options.save_dir}, {rate:.2f} frames/s with reading and writing; "
        f"{describe_paths(counts)}"
    )
