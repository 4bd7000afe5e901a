"""From what the video segmenter says to what the node publishes."""

from __future__ import annotations

from typing import Final

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import Header

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.overlay import paint_overlay
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation
from dvsnet_ros.msg import PathDecision, PathDecisions
from dvsnet_ros.nodes.image_conversion import from_array

NANOSECONDS: Final = 1_000_000_000


def nanoseconds(stamp: Time) -> int:
    """A stamp as one number."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def time_message(stamp: int) -> Time:
    """A stamp in nanoseconds as a message."""
    seconds, rest = divmod(stamp, NANOSECONDS)
    return Time(sec=seconds, nanosec=rest)


def mask_message(segmentation: Segmentation, header: Header) -> Image:
    """The class ids, ``mono8``."""
    return from_array(segmentation.mask, "mono8", header)


def overlay_message(
    frame: NDArray[np.uint8],
    segmentation: Segmentation,
    labels: LabelSet,
    opacity: float,
    header: Header,
) -> Image:
    """The overlay of a frame, ``bgr8``; see ``paint_overlay``."""
    return from_array(paint_overlay(frame, segmentation, labels, opacity), "bgr8", header)


def decisions_message(segmentation: Segmentation, mode: str, header: Header) -> PathDecisions:
    """One decision a region; `mode` is the schedule's."""
    return PathDecisions(
        header=header,
        rows=segmentation.grid.rows,
        columns=segmentation.grid.columns,
        schedule=mode,
        decisions=[_decision_message(decision) for decision in segmentation.decisions],
    )


def _decision_message(decision: RegionDecision) -> PathDecision:
    area = decision.region
    return PathDecision(
        region=RegionOfInterest(
            x_offset=area.x, y_offset=area.y, height=area.height, width=area.width
        ),
        path=int(decision.path),
        expected_confidence=decision.expected_confidence,
        target=decision.target,
        key_stamp=time_message(decision.key_stamp),
        key_age=decision.key_age,
    )
