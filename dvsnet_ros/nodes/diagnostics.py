"""What the node says about itself on /diagnostics, once a second."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from dvsnet_ros.core.schedule import NEARLY_ALL
from dvsnet_ros.nodes.statistics import REFUSALS, WINDOW, Case, Summary

PERIOD: Final = 1.0
"""Seconds between two reports."""

PATIENCE: Final = 5.0
"""Seconds that an image may be processed for before it is worth a warning."""


@dataclass(frozen=True)
class Condition:
    """What the node is doing, apart from its frames.

    Attributes:
        state: label of the lifecycle state.
        failure: why the last transition failed, or empty.
        silence: seconds without an image if they are too many, else 0.
        in_work: seconds that an image has been processed for, 0 if there is none.
        topic: the topic the node listens on, or empty.
        device: where the networks run, or empty.
        precision: number format of the networks, or empty.
        checkpoint: the checkpoint's file, or empty.
    """

    state: str
    failure: str = ""
    silence: float = 0.0
    in_work: float = 0.0
    topic: str = ""
    device: str = ""
    precision: str = ""
    checkpoint: str = ""


class Reporter:
    """Makes the messages; remembers the last counts to tell what happened since."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._cases: Counter[Case] = Counter()

    def report(self, condition: Condition, summary: Summary, stamp: Time) -> DiagnosticArray:
        """The next message."""
        recent = Counter(summary.cases)
        recent.subtract(self._cases)
        self._cases = Counter(summary.cases)
        level, message = verdict(condition, summary, recent)
        status = DiagnosticStatus(
            level=level,
            name=f"{self._name}: frames",
            message=message,
            hardware_id=condition.device,
            values=[KeyValue(key=key, value=value) for key, value in values(condition, summary)],
        )
        return DiagnosticArray(header=Header(stamp=stamp), status=[status])


def verdict(
    condition: Condition, summary: Summary, recent: Mapping[Case, int]
) -> tuple[bytes, str]:
    """Level and sentence of a report.

    Args:
        condition: what the node is doing.
        summary: all counts.
        recent: how often each case occurred since the last report.
    """
    refused = sum(recent[case] for case in REFUSALS)
    if condition.state == "unconfigured" and condition.failure:
        return DiagnosticStatus.ERROR, condition.failure
    if condition.state != "active":
        return DiagnosticStatus.OK, f"{condition.state}: no frames are answered"
    if recent[Case.FAILED]:
        return DiagnosticStatus.ERROR, f"{recent[Case.FAILED]} failed: {summary.last_error}"
    if refused:
        return DiagnosticStatus.WARN, f"{refused} refused: {summary.last_error}"
    if recent[Case.LOST]:
        return DiagnosticStatus.WARN, summary.last_error
    if recent[Case.SAME_STAMP]:
        return (
            DiagnosticStatus.WARN,
            f"{recent[Case.SAME_STAMP]} with the stamp of the image before: pauses can't be seen",
        )
    if condition.in_work >= PATIENCE:
        return (
            DiagnosticStatus.WARN,
            f"an image has been processed for {condition.in_work:.0f} s",
        )
    if condition.silence:
        return (
            DiagnosticStatus.WARN,
            f"no image on {condition.topic} for {condition.silence:.0f} s",
        )
    if recent[Case.UNWANTED]:
        return DiagnosticStatus.OK, "lazy: nobody subscribes, so images are left unanswered"
    if not summary.measured and condition.in_work:
        return DiagnosticStatus.OK, "the first image is being processed"
    if not summary.measured:
        return DiagnosticStatus.OK, f"waiting for an image to answer on {condition.topic}"
    sentences = [
        f"{summary.frame_rate:.1f} frames/s, {summary.segmentation_share:.0%} of the regions on "
        "the segmentation path",
        advice(summary),
    ]
    return DiagnosticStatus.OK, "; ".join(filter(None, sentences))


def advice(summary: Summary) -> str:
    """What to do where hardly a score reaches its target, as on a camera unlike the training's.

    Empty where there is nothing to do, or not enough was seen; or where other things than scores,
    such as gaps, have the regions segmented.
    """
    if summary.measured < WINDOW or not summary.chosen_share > NEARLY_ALL:
        return ""
    return (
        f"half of the scores are under {summary.score_median:.1f}, so a lower target, or a "
        "max_share, would segment less"
    )


def values(condition: Condition, summary: Summary) -> list[tuple[str, str]]:
    """All keys and values of a report, in order."""
    return [
        ("state", condition.state),
        ("frame rate (frames/s)", f"{summary.frame_rate:.2f}"),
        ("latency median (ms)", f"{summary.latency_median * 1000:.1f}"),
        ("latency 99th percentile (ms)", f"{summary.latency_99th * 1000:.1f}"),
        ("share of segmentation", f"{summary.segmentation_share:.3f}"),
        ("expected confidence score median", f"{summary.score_median:.1f}"),
        ("received", str(summary.received)),
        ("answered", str(summary.answered)),
        ("dropped", str(summary.dropped)),
        *((case.value, str(count)) for case, count in summary.cases.items()),
        ("device", condition.device),
        ("precision", condition.precision),
        ("checkpoint", condition.checkpoint),
        ("last error", summary.last_error or "none"),
    ]
