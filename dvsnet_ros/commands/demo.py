"""``dvsnet demo``: play a drive through the node and picture what it does."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from dvsnet_ros.commands.demo_record import DemoRecord
from dvsnet_ros.commands.demo_summary import draw_summary
from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    SHIPPED,
    add_device_flag,
    add_max_share_flag,
    add_schedule_flag,
    checkpoint_file,
    number,
    number_between,
    whole_number,
)
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.device import resolve_device
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import DEFAULT_SCHEDULE
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.drives import KINDS_OF_DRIVES, DriveError, drive
from dvsnet_ros.drives.names import check_utf8
from dvsnet_ros.drives.skipping import fitting_frames
from dvsnet_ros.drives.video_answers import check_rate
from dvsnet_ros.drives.video_writer import VideoWriter
from dvsnet_ros.drives.whole import check_folder
from dvsnet_ros.nodes.demo_pacing import LONGEST_STEP
from dvsnet_ros.nodes.demo_processes import ProcessEndedError
from dvsnet_ros.nodes.demo_recorder import WrongAnswerError
from dvsnet_ros.nodes.demo_session import record
from dvsnet_ros.nodes.starting import StartError

FAILED = 1
WRONG_INPUT = 2

RESULTS = "results"

MOST = 0.5
"""Share of segmentations above which the demo says how to come by fewer."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be played, once it is known that it can be.

    Attributes:
        source: the drive, as ``dvsnet_ros.drives.drive`` takes it.
        title: the drive's name, size and rate, for people.
        rate: frames a second.
        frames: how many.
        checkpoint: file.
        labels: the classes.
    """

    source: str
    title: str
    rate: float
    frames: int
    checkpoint: Path
    labels: LabelSet


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet demo",
        description="Starts the node and a player as two processes, plays a drive over DDS, and "
        "leaves overlay.mp4, decisions.csv and summary.png. The drive is played as its stamps say; "
        f"but gaps of over {LONGEST_STEP:g} s, at which the node forgets its key frames, are not "
        "waited for.",
        epilog="example: dvsnet demo street.mp4 --out demo",
    )
    flags.add_argument(
        "drive",
        metavar="DRIVE",
        nargs="?",
        default="synthetic",
        help=f"{KINDS_OF_DRIVES} (default: %(default)s)",
    )
    flags.add_argument(
        "--out", type=Path, default=Path("demo"), help="output folder (default: %(default)s)"
    )
    flags.add_argument(
        "--duration",
        type=_seconds,
        metavar="S",
        help="seconds (default: the whole drive; synthetic: 15)",
    )
    flags.add_argument(
        "--rate",
        type=number,
        metavar="HZ",
        help="frames a second, in place of the drive's own stamps",
    )
    flags.add_argument(
        "--restore-from",
        "--checkpoint",
        metavar="CHECKPOINT",
        type=checkpoint_file,
        default=SHIPPED,
        help="networks, label set and input format (default: the shipped weights)",
    )
    flags.add_argument(
        "--target",
        type=number_between(0, 100),
        default=DEFAULT_SCHEDULE.target,
        help="score, 0-100, under which a region is segmented (default: %(default)s)",
    )
    add_schedule_flag(flags)
    add_max_share_flag(flags)
    add_device_flag(flags)
    flags.add_argument(
        "--domain-id",
        type=whole_number,
        choices=range(102),
        metavar="N",
        default=86,
        help="ROS domain of the demo, 0-101; it stays on this machine (default: %(default)s)",
    )
    return flags


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(arguments)
    try:
        plan = _plan(options)
    except (ValueError, OSError) as error:
        return _say(str(error), WRONG_INPUT)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends all processes, as Ctrl-C does
    try:
        with _scratch_folder(options.out) as folder:
            kept = _play(plan, options, Path(folder))
            files = _move(Path(folder) / RESULTS, options.out)
        _report(plan, kept, files)
    except (ProcessEndedError, WrongAnswerError, StartError, OSError) as error:
        return _say(str(error), FAILED)
    except KeyboardInterrupt:
        return _say("interrupted; nothing is left behind", INTERRUPTED)
    return 0


def _say(sentence: str, code: int) -> int:
    print(f"dvsnet demo: {sentence}", file=sys.stderr)
    return code


def _seconds(text: str) -> float:
    value = number(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} seconds are no duration; use more than 0")
    return value


def _plan(options: argparse.Namespace) -> Plan:
    """Look at drive and checkpoint before anything is started.

    Raises:
        ValueError: one of them can't be used; the sentence says what would work.
        OSError: nor can the output's folder.
    """
    check_folder(options.out)
    check_utf8(options.drive, "ROS")
    source = options.drive
    if source == "synthetic" and options.duration:
        source = f"synthetic:duration={options.duration}"
    frames = drive(source, rate=options.rate)
    check_rate(frames.name, frames.rate, "give another --rate")
    first = next(fitting_frames(frames, frames.name, RegionGrid), None)
    if first is None:
        raise DriveError(f"no frame of {frames.name} can be read")
    height, width = first.image.shape[:2]
    resolve_device(options.device)
    count = len(frames)
    if options.duration:
        count = min(count, max(1, round(options.duration * frames.rate)))
    loaded = load_checkpoint(options.restore_from)
    return Plan(
        source=source,
        title=f"DVSNet on {frames.name}: {width}×{height}, {frames.rate:g} frames/s",
        rate=frames.rate,
        frames=count,
        checkpoint=options.restore_from.absolute(),
        labels=loaded.label_set,
    )


def _scratch_folder(out: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder where files can be moved to out from, whatever is mounted where."""
    out = out.absolute()
    place = next(folder for folder in (out, *out.parents) if folder.is_dir())
    return tempfile.TemporaryDirectory(prefix=".dvsnet-demo-", dir=place)


def _move(results: Path, out: Path) -> list[Path]:
    """Move the files of a folder to another one, to be made; returns where they are."""
    out.mkdir(parents=True, exist_ok=True)
    return [file.replace(out / file.name) for file in sorted(results.iterdir())]


def _play(plan: Plan, options: argparse.Namespace, folder: Path) -> DemoRecord:
    """Play the drive and put what comes of it into the folder's RESULTS."""
    results = folder / RESULTS
    results.mkdir()
    node = {
        "checkpoint": str(plan.checkpoint),
        "device": options.device,
        "target": options.target,
        "schedule": options.schedule,
        "max_share": options.max_share,
        "reliability": "reliable",
    }
    player = {"drive": plan.source, "rate": options.rate or 0.0, "frames": plan.frames}
    kept = DemoRecord(plan.frames, plan.rate)
    with (
        VideoWriter(results / "overlay.mp4", plan.rate) as video,
        closing(record(node, player, options.domain_id, folder)) as frames,
        tqdm(total=plan.frames, desc="starting", unit="frame", dynamic_ncols=True) as bar,
    ):
        for frame in frames:
            if not len(kept):
                bar.unpause()  # so that the start does not count as slow frames
                bar.set_description("playing")
            kept.add(frame, time.monotonic())
            video.write(frame.overlay)
            bar.update()
    kept.write_decisions(results / "decisions.csv")
    draw_summary(kept, plan.labels, plan.title, results / "summary.png")
    return kept


def _report(plan: Plan, kept: DemoRecord, files: Sequence[Path]) -> None:
    print(plan.title)
    count = f"{len(kept)} frames at {kept.rate:.1f} frames/s, {kept.speed:.2f} × real time"
    print(
        f"{count if len(kept) > 1 else '1 frame'}; none dropped, each mask of its frame's own size "
        "and stamp"
    )
    if len(kept) < plan.frames:
        print(
            f"the drive announces {plan.frames}: the others can't be read, or are too small for "
            "the regions"
        )
    print(
        f"latency, from the frame's publishing to its mask: median "
        f"{1e3 * kept.latency(50):.0f} ms, 99th percentile {1e3 * kept.latency(99):.0f} ms"
    )
    shares = (f"{100 * kept.share(path):.1f} % on the {path.label} path" for path in RegionPath)
    print(f"regions: {', '.join(shares)}")
    if len(kept) > 1 and kept.share(RegionPath.SEGMENTATION) > MOST:
        print(
            "most scores are under the target on this drive; a lower --target, or a --max-share, "
            f"segments less, and dvsnet report '{plan.source}' report.html shows what each target "
            "costs and brings"
        )
    for file in files:
        print(file)
