"""What the commands have in common that put a drive through the video segmenter."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.merging import AGE_DISCOUNT
from dvsnet_ros.core.schedule import Path, Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.drives.skipping import SkippedFrames


def new_segmenter(
    options: argparse.Namespace, age_discount: float = AGE_DISCOUNT
) -> VideoSegmenter:
    """The video segmenter that `add_segmenter_flags` describe.

    Raises:
        ValueError: they can't work together, or a checkpoint can't be used.
    """
    return VideoSegmenter(
        load_checkpoint(options.restore_from, options.decision_from),
        height=options.height,
        width=options.width,
        rows=options.rows,
        columns=options.columns,
        overlap=options.overlap,
        schedule=schedule_of(options),
        age_discount=age_discount,
        max_gap=options.max_gap,
        device=options.device,
        precision=options.precision,
    )


def schedule_of(options: argparse.Namespace) -> Schedule:
    """The schedule that these flags describe; raises ValueError where one is out of range."""
    return Schedule(
        options.schedule,
        options.target,
        options.dynamic_decrease,
        options.dynamic_increase,
        options.rising_share,
        options.max_share,
    )


def segmentations(
    frames: Iterable[Frame],
    segmenter: VideoSegmenter,
    name: str,
    *,
    confidence: bool = False,
    begun: bool = False,
) -> Iterator[tuple[Frame, Segmentation | None]]:
    """Segment frames; with None come those that can't be, reported as broken ones are.

    As in the node, such a frame (one that is too small for the regions) costs the key frames.

    Args:
        frames: in order.
        segmenter: goes on where it is.
        name: of the drive.
        confidence: whether to compute the confidence of every pixel.
        begun: whether a frame before these was segmented.

    Raises:
        ValueError: no frame can be segmented, or none of the first ones (see SkippedFrames); the
            sentence says why the first can't.
    """
    skipped = SkippedFrames(name, begun)
    for frame in frames:
        segmentation, why = None, ""
        try:
            segmentation = segmenter.segment(frame.image, frame.stamp, confidence=confidence)
        except ValueError as error:
            why = str(error)
        if segmentation is None:
            segmenter.reset()
            skipped.add(frame.index, why)
        else:
            skipped.go_on()
        yield frame, segmentation
    skipped.end()


def describe_paths(counts: Counter[Path]) -> str:
    """How many regions took each path, in words."""
    regions = counts.total()
    return ", ".join(
        f"{path.label} path {counts[path]} regions ({100 * counts[path] / regions:.1f} %)"
        for path in Path
    )
