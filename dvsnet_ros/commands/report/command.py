"""`dvsnet report`: flags, and what happens in which order."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    add_device_flags,
    add_max_gap_flag,
    add_network_flags,
    add_schedule_flag,
    dashed,
    number,
    whole_number,
)
from dvsnet_ros.commands.report.drive_record import DriveRecord
from dvsnet_ros.commands.report.origin import (
    describe_checkpoint,
    describe_drive,
    describe_machine,
    describe_settings,
)
from dvsnet_ros.commands.report.page import write_page
from dvsnet_ros.commands.report.page_data import Findings, page_data
from dvsnet_ros.commands.report.recommendation import Recommendation, Wish, recommend
from dvsnet_ros.commands.sweeping import (
    Footage,
    add_sweep_flags,
    segmenters_of,
    sweep_through,
)
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import KINDS_OF_DRIVES, Frame
from dvsnet_ros.drives.whole import check_folder
from dvsnet_ros.evaluation.speed import measure_frame_seconds
from dvsnet_ros.evaluation.sweep import Outcome, Setting, Sweep, interval_setting, target_setting

AGREEMENT = 0.97


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet report",
        description="Makes one page of a drive, to look at and to choose the target by: quality "
        "and speed for many targets, and for one of them the paths over time, scores, latencies, "
        "classes, and the frames that suffer most. The page needs no internet. The drive is gone "
        "through twice; frames that can't be read, or can't "
        "be segmented, are left out.",
        epilog="example: dvsnet report street.mp4 street.html --agreement 0.98",
    )
    flags.add_argument("drive", metavar="DRIVE", help=KINDS_OF_DRIVES)
    flags.add_argument("out", metavar="OUT.html", type=Path, help="the page to write")
    shown = flags.add_argument_group("the target that is recommended, and shown")
    choice = shown.add_mutually_exclusive_group()
    choice.add_argument(
        "--agreement", type=number, metavar="SHARE",
        help="the cheapest target that agrees so far with per-frame segmentation, 0-1 (default: "
        f"{AGREEMENT})",
    )  # fmt: skip
    choice.add_argument(
        "--fps",
        type=number,
        metavar="HZ",
        help="the best target that is so fast, in frames a second",
    )
    shown.add_argument("--target", type=number, help="show this one, whichever is recommended")
    sweep = flags.add_argument_group("the drive, and what it is put through")
    add_sweep_flags(sweep)
    add_schedule_flag(sweep)
    flags.add_argument(
        "--shown", type=whole_number, default=12, metavar="FRAMES",
        help="frames to step through, those that agree worst (default: %(default)s)",
    )  # fmt: skip
    add_network_flags(flags)
    add_max_gap_flag(flags)
    add_device_flags(flags)
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        _check(options)
        _report(options)
    except (ValueError, OSError) as error:
        print(f"dvsnet report: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dvsnet report: interrupted; nothing is left behind", file=sys.stderr)
        return INTERRUPTED
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.out.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"'{options.out}' is no name for a page; give one that ends in .html")
    if options.out.is_dir() or not options.out.parent.is_dir():
        raise ValueError(f"'{options.out}' can't be written: give a file in a folder that is there")
    check_folder(options.out.parent)
    if options.shown < 1:
        raise ValueError(f"--shown is {options.shown}; show at least 1 frame")
    if not options.targets:
        raise ValueError("--targets is empty; give some to choose from, such as 90 95")


def _report(options: argparse.Namespace) -> None:
    wish = _wish(options)
    files = [options.restore_from, options.decision_from]
    segmenters = segmenters_of(load_checkpoint(files[0], files[1]), options)
    footage = Footage(options.drive, segmenters, options.frames)
    sweep = Sweep(segmenters, _settings(options))
    networks = segmenters.networks(RegionNetworks)
    segmenter, reference = (segmenters.new(networks=networks) for _ in range(2))
    sweep_through(footage, sweep, "trying targets")
    frame_seconds = measure_frame_seconds(segmenter, footage.timed)
    outcomes = [outcome for outcome in sweep.outcomes if outcome.setting.kind != "interval"]
    best = recommend(outcomes, wish, frame_seconds)
    shown = next((o for o in outcomes if o.setting.value == options.target), best.outcome)
    segmenter.schedule = shown.setting.schedule
    record = _record(segmenter, reference, footage, options.shown)
    origin = {
        "Checkpoint": describe_checkpoint(segmenters.checkpoint, [file for file in files if file]),
        "Drive": describe_drive(footage.drive, record, sweep.labelled),
        "Settings": describe_settings(segmenters, segmenter),
        "Machine": describe_machine(segmenter.device),
    }
    findings = Findings(record, sweep, shown, frame_seconds, wish, best, origin)
    write_page(options.out, page_data(findings, f"DVSNet on {footage.drive.name}"))
    print(_sentence(shown, best, wish))
    print(f"wrote {options.out}")


def _settings(options: argparse.Namespace) -> list[Setting]:
    """What the drive is put through."""
    wanted = [] if options.target is None else [options.target]
    targets = [
        target_setting(target, options.schedule) for target in sorted({*options.targets, *wanted})
    ]
    return targets + [interval_setting(interval) for interval in options.intervals]


def _sentence(shown: Outcome, best: Recommendation, wish: Wish) -> str:
    value = f"{best.outcome.setting.value:.6g}"
    said = f"target {value} gives {wish}" if best.fulfils else f"no target gives {wish}"
    if best.caveat:
        said += f", and of target {value} mind that {best.caveat}"
    return (
        f"{said}; the page shows target {shown.setting.value:.6g}: {100 * shown.share:.1f} % of "
        f"the regions on the segmentation path, {100 * shown.agreement:.2f} % agreement with "
        "per-frame segmentation"
    )


def _wish(options: argparse.Namespace) -> Wish:
    if options.fps is not None:
        return Wish(fps=options.fps)
    return Wish(agreement=AGREEMENT if options.agreement is None else options.agreement)


def _record(
    segmenter: VideoSegmenter, reference: VideoSegmenter, footage: Footage, shown: int
) -> DriveRecord:
    """Run through the drive, with another segmenter beside that segments each frame whole."""
    record = DriveRecord(segmenter.label_set, shown)
    segmenter.reset()

    def take(frame: Frame) -> None:
        start = time.perf_counter()
        segmentation = segmenter.segment(frame.image, frame.stamp)
        latency = time.perf_counter() - start
        reference.reset()
        record.add(frame, segmentation, reference.segment(frame.image), latency)

    footage.go_through("looking closely", take, segmenter.reset)
    return record
