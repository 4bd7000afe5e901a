"""`dvsnet inference`: segment a drive, as the original's inference.py."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from dvsnet_ros.commands.flags import INTERRUPTED, add_device_flags, checkpoint_path, dashed
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import KINDS_OF_DRIVES, Drive, drive
from dvsnet_ros.drives.decision_log import DecisionLog


def parser() -> argparse.ArgumentParser:
    """The command's flags: the original's, and a few more."""
    flags = argparse.ArgumentParser(
        prog="dvsnet inference",
        description="Segment a drive: a mask a frame, and the path of every region. Flags are the "
        "original DVSNet's (underscores work too); --height to --save-ids are new.",
        epilog="example: dvsnet inference stuttgart_00/ --restore-from dvsnet.safetensors "
        "--save-dir out --target 90",
    )
    flags.add_argument("drive", nargs="?", help=KINDS_OF_DRIVES)
    flags.add_argument(
        "--data-dir", help="the folder from which --data-list's paths start, or a drive itself"
    )
    flags.add_argument("--data-list", help="a file with an image's path a line, or a drive itself")
    flags.add_argument("--restore-from", help="the checkpoint (default: the shipped weights)")
    flags.add_argument(
        "--decision-from", help="a checkpoint whose decision network is used instead"
    )
    flags.add_argument(
        "--save-dir", type=Path, default=Path("video"), help="output folder (default: %(default)s)"
    )
    flags.add_argument("--num-steps", type=_at_least_one, help="frames at most (default: all)")
    flags.add_argument(
        "--overlap", type=int, default=64, help="of regions, divisible by 8 (default: %(default)s)"
    )
    flags.add_argument(
        "--target", type=float, default=90.0, help="of the score, 0-100 (default: %(default)s)"
    )
    flags.add_argument("--dynamic", action="store_true", help="each region's target moves")
    for side in ("height", "width"):
        flags.add_argument(
            f"--{side}", type=int, default=0, help=f"processing {side} (default: the frame's own)"
        )
    add_device_flags(flags)
    flags.add_argument(
        "--save-ids", action="store_true", help="class ids as ids000000.png ... beside the masks"
    )
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        frames = _drive(options)
        segmenter = _segmenter(options)
        options.save_dir.mkdir(parents=True, exist_ok=True)
        _segment(frames, segmenter, options)
    except (ValueError, OSError) as error:
        print(f"dvsnet inference: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dvsnet inference: interrupted; the masks so far are whole", file=sys.stderr)
        return INTERRUPTED
    return 0


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} frames are none; use 1 or more")
    return value


def _drive(options: argparse.Namespace) -> Drive:
    source = options.drive or options.data_list or options.data_dir
    if source is None:
        raise ValueError(f"which drive? give {KINDS_OF_DRIVES}, or --data-list FILE")
    return drive(source, data_dir=options.data_dir)


def _segmenter(options: argparse.Namespace) -> VideoSegmenter:
    checkpoint = load_checkpoint(checkpoint_path(options.restore_from), options.decision_from)
    return VideoSegmenter(
        checkpoint,
        height=options.height,
        width=options.width,
        overlap=options.overlap,
        schedule=Schedule("dynamic" if options.dynamic else "fixed", options.target),
        device=options.device,
        precision=options.precision,
    )


def _segment(frames: Drive, segmenter: VideoSegmenter, options: argparse.Namespace) -> None:
    steps = min(len(frames), options.num_steps or len(frames))
    counts: Counter[RegionPath] = Counter()
    written = 0
    start = time.perf_counter()
    with DecisionLog(options.save_dir / "decisions.csv") as log:
        bar = tqdm(itertools.islice(frames, steps), total=steps, unit="frame", dynamic_ncols=True)
        for index, frame in enumerate(bar):
            segmentation = segmenter.segment(frame.image, frame.stamp)
            counts.update(decision.path for decision in segmentation.decisions)
            _log(log, index, segmentation)
            colored = segmenter.label_set.colorize(segmentation.mask)
            _write(options.save_dir / f"mask{index:06}.png", colored)
            if options.save_ids:
                _write(options.save_dir / f"ids{index:06}.png", segmentation.mask)
            written = index + 1
        if not written:
            raise ValueError(f"no frame of {frames.name} could be read")
    _summarize(counts, written, time.perf_counter() - start)


def _log(log: DecisionLog, index: int, segmentation: Segmentation) -> None:
    for region, decision in enumerate(segmentation.decisions):
        log.add(index, region, decision.path.label, decision.expected_confidence, decision.target)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    if not cv2.imwrite(str(path), image):
        raise OSError(f"'{path}' can't be written; is there room, and may you write there?")


def _summarize(counts: Counter[RegionPath], frames: int, seconds: float) -> None:
    regions = counts.total()
    shares = ", ".join(
        f"{path.label} path {counts[path]} regions ({100 * counts[path] / regions:.1f} %)"
        for path in RegionPath
    )
    print(f"{frames} frames in {seconds:.1f} s, {frames / seconds:.2f} frames/s (reading and")
    print(f"writing included); {shares}")
