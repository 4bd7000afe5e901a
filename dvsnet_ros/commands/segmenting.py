"""What the commands have in common that put a drive through the video segmenter."""

from __future__ import annotations

import argparse
from collections import Counter

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.merging import AGE_DISCOUNT
from dvsnet_ros.core.schedule import Path, Schedule
from dvsnet_ros.core.video_segmenter import VideoSegmenter


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


def describe_paths(counts: Counter[Path]) -> str:
    """How many regions took each path, in words."""
    regions = counts.total()
    return ", ".join(
        f"{path.label} path {counts[path]} regions ({100 * counts[path] / regions:.1f} %)"
        for path in Path
    )
