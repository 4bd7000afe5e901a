"""`dvsnet gentestcase`: testcases for the decision network, as the original's gentestcase.py."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    SHIPPED,
    add_device_flags,
    add_reach_flags,
    checkpoint_file,
    dashed,
    natural_number,
    number,
    reach_of,
    whole_number,
)
from dvsnet_ros.commands.interruption import interruption
from dvsnet_ros.commands.training_loop import settings_of
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.device import resolve_device, resolve_precision
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.regions import RegionLayout
from dvsnet_ros.drives import KINDS_OF_DRIVES, LIST_SUFFIXES, drive
from dvsnet_ros.drives.whole import check_folder
from dvsnet_ros.training.case_files import CaseWriter
from dvsnet_ros.training.data import load_labelled, split_sequences
from dvsnet_ros.training.flow_pairs import StillPairs
from dvsnet_ros.training.testcases import (
    CaseMaker,
    ShotPair,
    count_pairs,
    input_of_testcases,
    pairs_of_drive,
    pairs_of_stills,
    read_pair_list,
)

SAVE_EVERY = 20


@dataclass(frozen=True)
class Pairs:
    """Pairs of frames to make testcases of, and how many there are."""

    pairs: Iterator[ShotPair]
    count: int


def parser() -> argparse.ArgumentParser:
    """The command's flags: the original's, and a few more."""
    flags = argparse.ArgumentParser(
        prog="dvsnet gentestcase",
        description="Make testcases for `dvsnet train` from frames without labels: X.npy, what "
        "the decision network reads, and Y.npy, how far the flow path agrees with the segmentation "
        "network, 0-100. Flags are the original DVSNet's (underscores work too), from --data-dir "
        "to --clip; the others are new.",
        epilog="example: dvsnet gentestcase street.mp4 --max-distance 10 --overlap 64 "
        "--save-dir train",
    )
    flags.add_argument(
        "drives", nargs="*", metavar="DRIVE",
        help=f"each {KINDS_OF_DRIVES}",
    )  # fmt: skip
    flags.add_argument(
        "--data-dir", help="the folder from which --data-list's paths start, or a drive itself"
    )
    flags.add_argument(
        "--data-list",
        type=Path,  # of which contents count, where a run goes on
        help="a file with a pair a line: key frame, frame, and maybe labels, which are not read; "
        "or with one image's path a line, a drive",
    )
    flags.add_argument(
        "--restore-from",
        "--checkpoint",
        metavar="CHECKPOINT",
        type=checkpoint_file,
        default=SHIPPED,
        help="a checkpoint with a segmentation and a flow network (default: 'shipped', the weights "
        "that come with the package)",
    )
    flags.add_argument(
        "--save-dir", type=Path, default=Path("train"), help="output folder (default: %(default)s)"
    )
    flags.add_argument("--num-steps", type=whole_number, help="pairs at most (default: all)")
    flags.add_argument(
        "--clip", type=number, default=0.0,
        help="leave out testcases with at most this share, 0-1, of agreement (default: 0)",
    )  # fmt: skip
    add_reach_flags(flags)
    flags.add_argument(
        "--lights", type=whole_number, default=1,
        help="how often to go through each drive: first as it is, then under other lights "
        "(default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--overlap", type=whole_number, default=0,
        help="of the regions, divisible by 8 (default: 0, as in the original; 64 for the node)",
    )  # fmt: skip
    for side in ("height", "width"):
        flags.add_argument(
            f"--{side}",
            type=whole_number,
            default=0,
            help=f"processing {side} (default: the frame's own)",
        )
    flags.add_argument(
        "--stills-dir",
        type=Path,
        help="stills that are set in motion, as pairs: a folder, or a split of Cityscapes",
    )
    flags.add_argument(
        "--labels-dir", type=Path, help="the stills' labels: ids of the checkpoint's classes"
    )
    flags.add_argument(
        "--stills-pairs",
        type=natural_number,
        default=500,
        help="how many of them (default: %(default)s)",
    )
    flags.add_argument(
        "--val-sequences", nargs="*", default=[], metavar="SEQUENCE",
        help="stills not to use: names up to the first underscore",
    )  # fmt: skip
    flags.add_argument("--seed", type=natural_number, default=0, help="of the stills' motion")
    flags.add_argument("--resume", action="store_true", help="go on with --save-dir's testcases")
    add_device_flags(flags)
    flags.set_defaults(precision="float32")
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        return _make(options)
    except (ValueError, OSError) as error:
        print(f"dvsnet gentestcase: {error}", file=sys.stderr)
        return 2


def _make(options: argparse.Namespace) -> int:
    _check(options)
    checkpoint = load_checkpoint(options.restore_from)
    checkpoint.require(["segmentation", "flow"])
    parts = _pairs(options, checkpoint.label_set)
    total = sum(part.count for part in parts)
    if not total:
        raise ValueError("there is no pair of frames; a drive needs at least two")
    pairs = _in_order(parts)  # before anything is written
    steps = min(total, options.num_steps or total)
    device = resolve_device(options.device)
    precision = resolve_precision(options.precision, device)
    maker = CaseMaker(
        RegionNetworks(checkpoint, device, precision, input_of_testcases(checkpoint)),
        _layout(options),
        clip=options.clip,
        remembered=reach_of(options).frames + 1,
    )
    channels = int(checkpoint.networks["flow"].feature_channels)  # type: ignore[arg-type]
    settings = settings_of(options)
    with CaseWriter(options.save_dir, channels, settings, resume=options.resume) as writer:
        if not writer.finished:
            if not _write(itertools.islice(pairs, writer.steps, steps), steps, maker, writer):
                return INTERRUPTED
            writer.finish()
        print(f"{writer.cases} testcases of {writer.steps} pairs in {options.save_dir}")
    return 0


def _in_order(parts: Sequence[Pairs]) -> Iterator[ShotPair]:
    """The pairs of all parts; raises ValueError if there is none."""
    pairs = itertools.chain.from_iterable(part.pairs for part in parts)
    first = next(pairs, None)
    if first is None:
        raise ValueError(
            "no two frames that can be segmented are within reach of each other; give a longer "
            "drive, or larger --max-distance and --max-seconds"
        )
    return itertools.chain((first,), pairs)


def _write(pairs: Iterator[ShotPair], steps: int, maker: CaseMaker, writer: CaseWriter) -> bool:
    """Write the testcases of these pairs; returns whether all were done."""
    with (
        interruption() as interrupted,
        tqdm(total=steps, initial=writer.steps, unit="pair", dynamic_ncols=True) as bar,
    ):
        for pair in pairs:
            writer.add(*maker.cases(pair))
            bar.update()
            if interrupted.asked:
                writer.save()
                bar.write(f"interrupted at pair {writer.steps}; --resume goes on", file=sys.stderr)
                return False
            if writer.steps % SAVE_EVERY == 0:
                writer.save()
    return True


def _check(options: argparse.Namespace) -> None:
    check_folder(options.save_dir)
    _layout(options)
    if not 0.0 <= options.clip < 1.0:
        raise ValueError(f"--clip is {options.clip}; it must be from 0 to less than 1")
    if options.num_steps is not None and options.num_steps < 1:
        raise ValueError(f"--num-steps is {options.num_steps}; it must be at least 1")
    if options.lights < 1:
        raise ValueError(f"--lights is {options.lights}; it must be at least 1")
    reach_of(options)
    if (options.stills_dir is None) != (options.labels_dir is None):
        raise ValueError("give both --stills-dir and --labels-dir, or neither")


def _pairs(options: argparse.Namespace, labels: LabelSet) -> list[Pairs]:
    """What to make testcases of, in order."""
    data_dir = Path(options.data_dir) if options.data_dir else None
    listed = _listed_pairs(options.data_list, data_dir)
    if listed is not None and options.max_distance is None:
        parts = [Pairs(iter(listed), len(listed))]
        sources = list(options.drives)
    else:
        parts = []
        first = options.data_list or options.data_dir
        sources = [*options.drives, *([first] if first else [])]
    reach, layout = reach_of(options), _layout(options)
    for place, source in enumerate(sources):
        frames = drive(source, data_dir=options.data_dir)
        for light in range(options.lights):
            pairs = pairs_of_drive(frames, reach, light, place=place, layout=layout)
            parts.append(Pairs(pairs, count_pairs(len(frames), reach)))
    if options.stills_dir:
        labelled = load_labelled(options.stills_dir, options.labels_dir, labels)
        stills, _ = split_sequences(labelled, options.val_sequences)
        drawn = pairs_of_stills(StillPairs(stills, labels), options.stills_pairs, options.seed)
        parts.append(Pairs(drawn, options.stills_pairs))
    if not parts:
        raise ValueError(
            "testcases of what? give drives, --data-list FILE, or --stills-dir and --labels-dir"
        )
    return parts


def _layout(options: argparse.Namespace) -> RegionLayout:
    return RegionLayout(options.height, options.width, overlap=options.overlap)


def _listed_pairs(data_list: Path | None, data_dir: Path | None) -> list[ShotPair] | None:
    if data_list is None or data_list.suffix.lower() not in LIST_SUFFIXES:
        return None
    return read_pair_list(data_list, data_dir)
