"""What is counted, and what the diagnostics and the log make of it."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus

from dvsnet_ros.core.regions import Region
from dvsnet_ros.core.schedule import Path
from dvsnet_ros.core.segmentation import RegionDecision, ResetReason
from dvsnet_ros.nodes import throttle
from dvsnet_ros.nodes.diagnostics import Condition, Reporter
from dvsnet_ros.nodes.statistics import RATE_SECONDS, WINDOW, Case, Statistics
from dvsnet_ros.nodes.throttle import Throttle

ACTIVE = Condition("active", topic="/image", device="cpu", checkpoint="road.safetensors")
SEGMENTATION, FLOW = Path.SEGMENTATION, Path.FLOW


def decisions(*paths: Path, scores: float = 80.0) -> list[RegionDecision]:
    """What was decided of a frame's regions."""
    region = Region(0, 0, 0, 0, 8, 8)
    return [RegionDecision(region, path, scores, 85.0, 0, 1) for path in paths]


BOTH_PATHS = decisions(SEGMENTATION, FLOW, FLOW, FLOW)


def answered(
    frames: int,
    latency: float = 0.05,
    rate: float = 10.0,
    frame: Sequence[RegionDecision] = BOTH_PATHS,
) -> tuple[Statistics, float]:
    """Statistics of a steady stream, and the time of its last frame."""
    statistics = Statistics()
    for index in range(frames):
        finished = 100.0 + index / rate
        statistics.image_received()
        statistics.frame_answered(finished - latency * (index + 1), finished, frame)
    return statistics, finished


def test_nothing_measured_yet():
    summary = Statistics().summary(now=5.0)
    assert (summary.received, summary.answered, summary.frame_rate) == (0, 0, 0.0)
    assert math.isnan(summary.latency_median)
    assert math.isnan(summary.segmentation_share)
    assert math.isnan(summary.score_median)


def test_rate_latency_and_share_of_the_last_frames():
    statistics, end = answered(2 * WINDOW, latency=0.001)
    summary = statistics.summary(end)
    assert summary.frame_rate == pytest.approx(10.0)
    # Latencies grow by 1 ms a frame; the last 100 are 101 to 200 ms.
    assert summary.latency_median == pytest.approx(0.1505)
    assert summary.latency_99th == pytest.approx(0.19901)
    assert summary.segmentation_share == pytest.approx(0.25)


def test_rate_falls_to_zero_when_frames_stop():
    statistics, end = answered(20)
    rates = [statistics.summary(end + after).frame_rate for after in (-1.0, 0.1, 2.1, 8.95, 10.1)]
    assert rates == pytest.approx([10.0, 10.0, 5.0, 11 / 9.95, 0.0])


@pytest.mark.parametrize("reason", ResetReason)
def test_every_reason_of_a_reset_is_a_case(reason):
    assert Case.of_reset(reason).value.startswith("resets by a")


def test_what_is_measured_begins_anew_and_what_is_counted_goes_on():
    statistics, end = answered(20)
    statistics.begin()
    summary = statistics.summary(end)
    assert (summary.received, summary.answered) == (20, 20)
    assert summary.frame_rate == 0.0
    assert math.isnan(summary.latency_median)
    assert math.isnan(summary.segmentation_share)


def report(statistics, condition=ACTIVE, reporter=None, now=101.9):
    message = (reporter or Reporter("dvsnet")).report(condition, statistics.summary(now), Time())
    (status,) = message.status
    return status, {entry.key: entry.value for entry in status.values}


def test_report_of_a_steady_stream():
    statistics, end = answered(20)
    status, values = report(statistics, now=end)
    assert (status.level, status.name) == (DiagnosticStatus.OK, "dvsnet: frames")
    assert status.message == "10.0 frames/s, 25% of the regions on the segmentation path"
    assert status.hardware_id == values["device"] == "cpu"
    assert values["checkpoint"] == "road.safetensors"
    assert values["last error"] == "none"
    assert {case.value for case in Case} <= values.keys()


@pytest.mark.parametrize(
    ("condition", "level", "sentence"),
    [
        (Condition("unconfigured"), DiagnosticStatus.OK, "unconfigured: no frames are answered"),
        (
            Condition("unconfigured", failure="could not configure: no checkpoint"),
            DiagnosticStatus.ERROR,
            "could not configure: no checkpoint",
        ),
        (ACTIVE, DiagnosticStatus.OK, "waiting for an image to answer on /image"),
        (
            Condition("active", topic="/image", silence=6.2),
            DiagnosticStatus.WARN,
            "no image on /image for 6 s",
        ),
        (
            Condition("active", topic="/image", in_work=12.3),
            DiagnosticStatus.WARN,
            "an image has been processed for 12 s",
        ),
    ],
)
def test_report_without_frames(condition, level, sentence):
    status, _values = report(Statistics(), condition)
    assert (status.level, status.message) == (level, sentence)


@pytest.mark.parametrize(
    ("in_work", "sentence"),
    [
        (0.2, "the first image is being processed"),
        (0.0, "waiting for an image to answer on /image"),  # the one that came was refused
    ],
)
def test_an_image_that_came_and_is_not_answered(in_work, sentence):
    statistics = Statistics()
    statistics.image_received()
    status, _values = report(statistics, replace(ACTIVE, in_work=in_work))
    assert (status.level, status.message) == (DiagnosticStatus.OK, sentence)


def test_after_another_activation_nothing_is_measured_yet():
    statistics, end = answered(20)
    statistics.begin()
    status, _values = report(statistics, now=end)
    assert status.message == "waiting for an image to answer on /image"


def test_a_lazy_node_says_why_it_does_not_answer():
    statistics, _end = answered(20)
    statistics.case(Case.UNWANTED, 10)
    status, values = report(statistics)
    assert status.level == DiagnosticStatus.OK
    assert status.message == "lazy: nobody subscribes, so images are left unanswered"
    assert values[Case.UNWANTED.value] == "10"


@pytest.mark.parametrize(
    ("case", "level"),
    [
        (Case.UNDECODABLE, DiagnosticStatus.WARN),
        (Case.LOST, DiagnosticStatus.WARN),
        (Case.FAILED, DiagnosticStatus.ERROR),
    ],
)
def test_what_went_wrong_since_the_last_report_raises_the_level_once(case, level):
    statistics, _end = answered(20)
    statistics.case(case)
    statistics.error("what it was")
    reporter = Reporter("dvsnet")
    status, values = report(statistics, reporter=reporter)
    assert status.level == level
    assert "what it was" in status.message
    assert (values[case.value], values["last error"]) == ("1", "what it was")
    status, values = report(statistics, reporter=reporter)
    assert status.level == DiagnosticStatus.OK
    assert values[case.value] == "1"


def test_stamps_that_stand_still_raise_the_level_once():
    statistics, _end = answered(20)
    statistics.case(Case.SAME_STAMP, 3)
    reporter = Reporter("dvsnet")
    status, values = report(statistics, reporter=reporter)
    assert status.level == DiagnosticStatus.WARN
    assert status.message.startswith("3 with the stamp of the image before")
    assert values[Case.SAME_STAMP.value] == "3"
    status, _values = report(statistics, reporter=reporter)
    assert status.level == DiagnosticStatus.OK


def test_a_target_that_hardly_a_score_reaches_is_told():
    segmented = decisions(*[SEGMENTATION] * 4, scores=83.25)
    stream, end = answered(WINDOW, frame=segmented)
    status, values = report(stream, now=end)
    assert status.level == DiagnosticStatus.OK
    assert status.message == (
        "10.0 frames/s, 100% of the regions on the segmentation path; half of the scores are under "
        "83.2, so a lower target, or a max_share, would segment less"
    )
    assert values["expected confidence score median"] == "83.2"
    stream.begin()
    assert "lower target" not in report(stream, now=end)[0].message


@pytest.mark.parametrize(
    ("frames", "frame"),
    [
        (WINDOW - 1, decisions(*[SEGMENTATION] * 4)),  # a reset now and then is no reason
        (WINDOW, decisions(*[SEGMENTATION] * 4, FLOW)),
    ],
)
def test_and_not_before_it_is_known(frames, frame):
    stream, end = answered(frames, frame=frame)
    status, _values = report(stream, now=end)
    assert "target" not in status.message


def test_the_first_frames_have_no_scores():
    stream, end = answered(1, frame=decisions(SEGMENTATION, scores=math.nan))
    _status, values = report(stream, now=end)
    assert values["expected confidence score median"] == "nan"


def test_log_lines_of_one_kind_are_throttled_and_counted():
    times = iter([0.0, 1.0, 2.0, 2.0, throttle.PERIOD, throttle.PERIOD + 1])
    limited = Throttle(lambda: next(times))
    assert limited.line("a", "first") == "first"
    assert limited.line("a", "second") is None
    assert limited.line("a", "third") is None
    assert limited.line("b", "another kind") == "another kind"
    assert limited.line("a", "fourth") == "fourth (and 2 more like it since)"
    assert limited.line("a", "fifth") is None


def test_resets_are_no_reason_to_lower_the_target():
    nothing_to_choose = decisions(*[SEGMENTATION] * 4, scores=math.nan)
    statistics, end = answered(WINDOW, frame=nothing_to_choose)
    status, _values = report(statistics, now=end)
    assert status.message == "10.0 frames/s, 100% of the regions on the segmentation path"
    for _ in range(5):  # and what could be chosen was the flow path
        statistics.frame_answered(end, end, decisions(*[FLOW] * 4, scores=99.0))
    status, _values = report(statistics, now=end)
    assert status.message.endswith("95% of the regions on the segmentation path")


def test_images_that_were_dropped_are_counted():
    statistics = Statistics()
    for _ in range(3):
        statistics.image_dropped()
    assert statistics.summary(0.0).dropped == 3


def test_the_rate_of_a_few_frames():
    rates = [answered(frames)[0].summary(100.2).frame_rate for frames in (1, 2, 3)]
    assert rates == pytest.approx([1 / RATE_SECONDS, 10.0, 10.0])
    statistics, end = answered(1)
    statistics.frame_answered(end, end, BOTH_PATHS)  # at the same time
    assert statistics.summary(end).frame_rate == pytest.approx(2 / RATE_SECONDS)
