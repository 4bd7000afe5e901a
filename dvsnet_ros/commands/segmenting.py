"""What the commands have in common that put a drive through the video segmenter."""

from __future__ import annotations

import argparse
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.merging import AGE_DISCOUNT
from dvsnet_ros.core.schedule import Path, Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives.frame import Frame

MOST_UNSEGMENTED: Final = 32
"""Frames from a drive's start after which, if none can be segmented, nobody waits for one more."""

_log = logging.getLogger(__name__)


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
        ValueError: no frame can be segmented, or none of the first MOST_UNSEGMENTED; the sentence
            says why the first can't.
    """
    skipped: list[tuple[int, str]] = []  # not the errors, which hold on to their frames
    for frame in frames:
        segmentation = None
        try:
            segmentation = segmenter.segment(frame.image, frame.stamp, confidence=confidence)
        except ValueError as error:
            segmenter.reset()
            skipped.append((frame.index, str(error)))
        begun = begun or segmentation is not None
        if begun:
            _report(skipped, name)
            skipped = []
        elif len(skipped) >= MOST_UNSEGMENTED:
            break
        yield frame, segmentation
    if skipped:
        raise ValueError(skipped[0][1])


def _report(skipped: list[tuple[int, str]], name: str) -> None:
    for index, why in skipped:
        _log.warning("%s: frame %d is skipped: %s", name, index, why)


def describe_paths(counts: Counter[Path]) -> str:
    """How many regions took each path, in words."""
    regions = counts.total()
    return ", ".join(
        f"{path.label} path {counts[path]} regions ({100 * counts[path] / regions:.1f} %)"
        for path in Path
    )
