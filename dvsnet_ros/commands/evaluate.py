"""`dvsnet evaluate`: how good masks are, on labelled stills and on drives."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    add_device_flags,
    add_max_gap_flag,
    add_network_flags,
    dashed,
    number,
)
from dvsnet_ros.commands.sweeping import (
    Footage,
    add_sweep_flags,
    segmenters_of,
    sweep_through,
)
from dvsnet_ros.core.checkpoint import Checkpoint, load_checkpoint
from dvsnet_ros.core.regions import check_overlap
from dvsnet_ros.core.schedule import MODES
from dvsnet_ros.drives import KINDS_OF_DRIVES
from dvsnet_ros.drives.whole import check_folder
from dvsnet_ros.evaluation.label_ids import check_has_label_ids, save_label_ids
from dvsnet_ros.evaluation.segmenters import Segmenters
from dvsnet_ros.evaluation.speed import measure_frame_seconds
from dvsnet_ros.evaluation.stand_ins import with_stand_ins
from dvsnet_ros.evaluation.sweep import (
    Setting,
    Sweep,
    interval_setting,
    max_share_setting,
    target_setting,
)
from dvsnet_ros.evaluation.tables import (
    format_confusion,
    format_matches,
    format_tradeoff,
    write_confusion,
    write_scores,
    write_tradeoff,
)
from dvsnet_ros.evaluation.target_search import TargetSearch
from dvsnet_ros.training.calibration import calibration_table, format_calibration
from dvsnet_ros.training.confusion import Confusion
from dvsnet_ros.training.data import check_sequences, labelled_files

SCHEDULES = ("fixed", "rising")


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet evaluate",
        description="Measures quality. On labelled stills: IoU a class, mIoU, pixel accuracy and "
        "the confusion matrix of the segmentation path. On a drive, for many targets and for fixed "
        "key-frame intervals: the share of regions on the segmentation path, agreement with "
        "per-frame segmentation, mIoU where the drive has labels, and frames a second; and how "
        "well the decision network foretells agreement. The masks are those of the node.",
        epilog="examples: dvsnet evaluate --data-dir val --labels-dir val_labels; "
        "dvsnet evaluate street.mp4 --shares 0.05 0.1 0.2 0.3 0.5 --out street",
    )
    flags.add_argument("drive", metavar="DRIVE", nargs="?", help=KINDS_OF_DRIVES)
    flags.add_argument(
        "--out", type=Path, default=Path("evaluation"),
        help="folder for tables and plot (default: %(default)s)",
    )  # fmt: skip
    add_network_flags(flags)
    add_max_gap_flag(flags)
    add_device_flags(flags)
    _add_stills(flags.add_argument_group("labelled stills"))
    _add_drive(flags.add_argument_group("drives"))
    return flags


def _add_stills(flags: argparse._ArgumentGroup) -> None:
    flags.add_argument(
        "--data-dir", type=Path,
        help="folder of images, or a split of Cityscapes such as leftImg8bit/val",
    )  # fmt: skip
    flags.add_argument(
        "--labels-dir", type=Path,
        help="folder of PNGs of the same names: class ids of the checkpoint's label set, any other "
        "id is void; or Cityscapes' such as gtFine/val",
    )  # fmt: skip
    flags.add_argument(
        "--sequences", nargs="+", default=[], metavar="SEQUENCE",
        help="only images of these: names up to the first underscore (default: all)",
    )  # fmt: skip
    flags.add_argument(
        "--save-label-ids", type=Path, metavar="DIR",
        help="write the masks there as Cityscapes' label ids, under the images' names, for "
        "cityscapesscripts; of a checkpoint of Cityscapes' classes",
    )  # fmt: skip


def _add_drive(flags: argparse._ArgumentGroup) -> None:
    add_sweep_flags(flags)
    flags.add_argument(
        "--shares", type=number, nargs="+", default=[], metavar="SHARE",
        help="also the targets that bring these shares, 0-1, of the regions on the segmentation "
        "path; they are searched for, which takes several passes over the drive",
    )  # fmt: skip
    flags.add_argument(
        "--max-shares", type=number, nargs="+", default=[], metavar="SHARE",
        help="also the node's default schedule with each of these as its max_share, 0-1",
    )  # fmt: skip
    flags.add_argument(
        "--match-intervals", action="store_true",
        help="also search the targets that bring the intervals' shares, and show both side by side",
    )  # fmt: skip
    flags.add_argument(
        "--schedules", nargs="+", choices=MODES, default=SCHEDULES,
        help="for targets and shares: fixed, or dynamic or rising, where each region's own target "
        f"moves (default: {' '.join(SCHEDULES)})",
    )  # fmt: skip


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        _evaluate(options)
    except (ValueError, OSError) as error:
        print(f"dvsnet evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dvsnet evaluate: interrupted; no table is half written", file=sys.stderr)
        return INTERRUPTED
    return 0


def _evaluate(options: argparse.Namespace) -> None:
    _check(options)
    checkpoint = load_checkpoint(options.restore_from, options.decision_from)
    if options.save_label_ids:
        check_has_label_ids(checkpoint.label_set)
    segmenters = segmenters_of(_with_what_is_needed(checkpoint, options), options)
    if options.data_dir:
        _evaluate_stills(segmenters, options)
    if options.drive:
        _evaluate_drive(segmenters, options)


def _check(options: argparse.Namespace) -> None:
    check_overlap(options.overlap)
    if options.drive is None and options.data_dir is None:
        raise ValueError("evaluate on what? give a drive, or --data-dir and --labels-dir")
    if (options.data_dir is None) != (options.labels_dir is None):
        raise ValueError("give both --data-dir and --labels-dir, or neither")
    stills_only = {"sequences": options.sequences, "save-label-ids": options.save_label_ids}
    for flag, value in stills_only.items():
        if value and options.data_dir is None:
            raise ValueError(f"--{flag} speaks of stills; give --data-dir and --labels-dir too")
    check_folder(options.out)
    for share in options.shares:
        if not 0.0 < share <= 1.0:
            raise ValueError(f"--shares has {share:g}; a share is more than 0 and at most 1")


def _with_what_is_needed(checkpoint: Checkpoint, options: argparse.Namespace) -> Checkpoint:
    """The checkpoint, with stand-ins for those networks that nothing will ask.

    Raises:
        CheckpointError: if it lacks one that is needed.
    """
    needed = ["segmentation"]
    if options.drive:
        needed += ["flow"]
        if options.targets or options.shares or options.max_shares or options.match_intervals:
            needed += ["decision"]
    checkpoint.require(needed)
    return with_stand_ins(checkpoint)


def _evaluate_stills(segmenters: Segmenters, options: argparse.Namespace) -> None:
    """Segment every still as the first frame of a drive."""
    segmenter = segmenters.new()
    labels = segmenter.label_set
    files = labelled_files(options.data_dir, options.labels_dir, labels)
    check_sequences((each.sequence for each in files), options.sequences)
    files = [f for f in files if not options.sequences or f.sequence in options.sequences]
    confusion = Confusion(len(labels.classes))
    for each in tqdm(files, unit="image", dynamic_ncols=True):
        still = each.load()
        segmenter.reset()
        try:
            segmentation = segmenter.segment(still.image)
        except ValueError as error:
            raise ValueError(f"'{still.name}' in {options.data_dir}: {error}") from error
        mask = segmentation.resized(*still.labels.shape).mask
        confusion.add(mask, still.labels)
        if options.save_label_ids:
            save_label_ids(options.save_label_ids / f"{still.name}.png", mask)
    options.out.mkdir(parents=True, exist_ok=True)
    write_confusion(options.out, confusion, labels, len(files))
    print(f"segmentation path, {len(files)} images of {options.data_dir}:")
    print(format_confusion(confusion, labels))
    print(f"wrote classes.csv, confusion.csv and summary.csv in {options.out}")


def _evaluate_drive(segmenters: Segmenters, options: argparse.Namespace) -> None:
    import dvsnet_ros.evaluation.tradeoff_plot  # noqa: F401  # matplotlib may not be there

    footage = Footage(options.drive, segmenters, options.frames)
    settings = _settings(options)
    settings += _searched(segmenters, footage, options)
    if not settings:
        raise ValueError(
            "nothing to evaluate; give --targets, --shares, --max-shares or --intervals"
        )
    sweep = Sweep(segmenters, settings)
    sweep_through(footage, sweep, "evaluating")
    seconds = measure_frame_seconds(segmenters.new(), footage.timed)
    options.out.mkdir(parents=True, exist_ok=True)
    _report(footage, sweep, seconds, options.out)
    if options.match_intervals:
        print(format_matches(sweep.outcomes, labelled=sweep.labelled > 0))


def _settings(options: argparse.Namespace) -> list[Setting]:
    """The settings that are given, checked."""
    targets = [
        target_setting(target, mode) for mode in options.schedules for target in options.targets
    ]
    shares = [max_share_setting(share) for share in options.max_shares]
    return targets + shares + [interval_setting(interval) for interval in options.intervals]


def _searched(
    segmenters: Segmenters, footage: Footage, options: argparse.Namespace
) -> list[Setting]:
    """The settings that bring the wished shares."""
    matched = options.intervals if options.match_intervals else ()
    intervals = [interval for interval in matched if interval > 1]
    settings = []
    for mode in options.schedules if options.shares or intervals else ():
        search = TargetSearch(segmenters, mode)
        passing = partial(footage.go_through, "searching targets")
        targets = search.find(passing, options.shares, intervals)
        settings += [target_setting(target, mode) for target in targets]
    return settings


def _report(footage: Footage, sweep: Sweep, seconds: NDArray[np.float64], out: Path) -> None:
    # Only here, because stills do without matplotlib.
    from dvsnet_ros.evaluation.tradeoff_plot import draw_tradeoff

    order = sorted(sweep.outcomes, key=lambda o: (o.setting.kind, o.share))
    labelled = sweep.labelled > 0
    title = f"{footage.drive.name}, {sweep.per_frame.frames.total()} frames"
    print(
        f"{title}, {sweep.labelled} with labels; per-frame segmentation runs at "
        f"{sweep.per_frame.frames_per_second(seconds):.2f} frames/s:"
    )
    print(format_tradeoff(order, seconds, labelled=labelled))
    write_tradeoff(out / "tradeoff.csv", order, seconds)
    draw_tradeoff(order, sweep.per_frame, title, out / "tradeoff.png", labelled=labelled)
    files = "tradeoff.csv and tradeoff.png"
    if sweep.scores.true:
        rows = calibration_table(np.array(sweep.scores.expected), np.array(sweep.scores.true))
        print(
            f"decision network, {len(sweep.scores.true)} decisions: mean absolute error "
            f"{sweep.scores.error:.3f} points, rank correlation (Spearman) "
            f"{sweep.scores.rank_correlation:.3f}"
        )
        print(format_calibration(rows))
        write_scores(out, sweep.scores, rows)
        files = "tradeoff.csv, tradeoff.png, decision.csv and calibration.csv"
    print(f"wrote {files} in {out}")
