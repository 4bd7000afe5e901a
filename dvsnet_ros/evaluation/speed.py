"""How long a frame takes, by how many of its regions are segmented."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.schedule import Path
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.evaluation.fixed_schedules import RepeatedSchedule


def measure_frame_seconds(
    segmenter: VideoSegmenter, frames: Sequence[NDArray[np.uint8]]
) -> NDArray[np.float64]:
    """Seconds that the segmenter takes for a frame with 0, 1, ..., R segmented regions, [R + 1].

    The median of the frames that have the first one's size; that one is segmented whole,
    beforehand. Which regions are segmented makes no difference to the time.

    Args:
        segmenter: as it would run; it is left with another schedule.
        frames: at least two, each [H, W, 3] BGR, which can be segmented whole.
    """
    first, *rest = frames
    others = [frame for frame in rest if frame.shape == first.shape] or [first]
    regions = len(segmenter.segment(first).decisions)
    medians = []
    for segmented in range(regions + 1):
        paths = [Path.SEGMENTATION] * segmented + [Path.FLOW] * (regions - segmented)
        segmenter.schedule = RepeatedSchedule(itertools.cycle(paths))
        segmenter.reset()
        segmenter.segment(first)
        medians.append(float(np.median([_seconds(segmenter, frame) for frame in others])))
    return np.array(medians)


def _seconds(segmenter: VideoSegmenter, frame: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    with suppress(ValueError):  # logits of the flow path that are not finite take as long
        segmenter.segment(frame)  # ends with the mask on the CPU, so a CUDA device has finished
    return time.perf_counter() - start
