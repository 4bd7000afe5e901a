"""A frame's way through the node, with real publishers in this process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rclpy.context import Context
from rclpy.node import Node
from sensor_msgs.msg import Image

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.msg import PathDecisions
from dvsnet_ros.nodes.parameters import Settings
from dvsnet_ros.nodes.pipeline import Arrival, Outputs, Pipeline
from dvsnet_ros.nodes.statistics import Case, Statistics
from helpers.peer import OVERLAP, SECOND, image


class RecordingSegmenter(VideoSegmenter):
    """Notes what it is asked, and fails when it is told to."""

    failure: Exception | None = None
    last: Segmentation | None = None

    def segment(
        self, frame: NDArray[np.uint8], stamp: int = 0, *, confidence: bool = False
    ) -> Segmentation:
        self.last = super().segment(frame, stamp, confidence=confidence)
        if self.failure:
            raise self.failure
        return self.last


class Rig:
    """A pipeline, and all that it uses."""

    def __init__(self, node: Node, checkpoint: Path) -> None:
        self.node = node
        self.settings = Settings()
        self.statistics = Statistics()
        self.said: list[str] = []
        self.segmenter = RecordingSegmenter(
            load_checkpoint(checkpoint), overlap=OVERLAP, device="cpu"
        )
        outputs = Outputs(
            mask=node.create_publisher(Image, "mask", 5),
            confidence=node.create_publisher(Image, "confidence", 5),
            overlay=node.create_publisher(Image, "overlay", 5),
            color_mask=node.create_publisher(Image, "color_mask", 5),
            decisions=node.create_publisher(PathDecisions, "decisions", 5),
        )
        self.confidence = outputs.confidence
        self.pipeline = Pipeline(
            self.segmenter, outputs, lambda: self.settings, self.statistics, self.said.append
        )

    def process(self, stamp: int) -> Segmentation:
        """What the segmenter said of this frame."""
        self.pipeline.process(Arrival(image(stamp * SECOND), float(stamp)))
        assert self.segmenter.last is not None
        return self.segmenter.last

    def is_first(self, stamp: int) -> bool:
        """Whether this frame is answered as the first of a drive."""
        decisions = self.process(stamp).decisions
        return all(np.isnan(decision.expected_confidence) for decision in decisions)


@pytest.fixture
def rig(ros_domain: int, checkpoint: Path) -> Iterator[Rig]:
    context = Context()
    context.init()
    node = Node("rig", context=context)
    yield Rig(node, checkpoint)
    node.destroy_node()
    context.try_shutdown()


def test_confidence_is_computed_only_while_somebody_subscribes(rig: Rig) -> None:
    assert rig.process(1).confidence is None
    subscription = rig.node.create_subscription(Image, "confidence", lambda _message: None, 5)
    assert rig.confidence.get_subscription_count() == 1
    assert rig.process(2).confidence is not None
    rig.node.destroy_subscription(subscription)
    assert rig.confidence.get_subscription_count() == 0
    assert rig.process(3).confidence is None


def test_a_lazy_pipeline_answers_only_while_somebody_subscribes(rig: Rig) -> None:
    assert rig.is_first(1)
    rig.settings = replace(rig.settings, lazy=True)
    before = rig.segmenter.last
    assert rig.process(2) is before
    subscription = rig.node.create_subscription(Image, "confidence", lambda _message: None, 5)
    assert rig.is_first(3)
    assert not rig.is_first(4)
    rig.node.destroy_subscription(subscription)
    summary = rig.statistics.summary(0.0)
    assert (summary.answered, summary.cases[Case.UNWANTED]) == (3, 1)


def test_images_over_the_rate_are_left_and_key_frames_stay(rig: Rig) -> None:
    rig.settings = replace(rig.settings, max_rate=10.0)
    answered = []
    for index in range(31):  # 30 a second, each up to 10 ms late
        before = rig.segmenter.last
        arrival = 5.0 + index / 30 + 0.01 * (index * 7 % 5) / 5
        rig.pipeline.process(Arrival(image(index * SECOND), arrival))
        if rig.segmenter.last is not before:
            answered.append(arrival)
    assert len(answered) == pytest.approx(11, abs=1)
    assert not rig.is_first(31)
    summary = rig.statistics.summary(0.0)
    assert summary.cases[Case.OVER_RATE] == 31 - len(answered)
    assert summary.answered == len(answered) + 1


def test_forgetting_counts_before_the_next_frame_and_once(rig: Rig) -> None:
    assert rig.is_first(1)
    assert not rig.is_first(2)
    rig.pipeline.forget_key_frames()
    assert rig.is_first(3)
    assert not rig.is_first(4)


def test_stamps_that_stand_still_are_counted_and_told_once(rig: Rig) -> None:
    for stamp in (0, 0, 0, 1, 1):
        rig.process(stamp)
    summary = rig.statistics.summary(0.0)
    assert (summary.answered, summary.cases[Case.SAME_STAMP]) == (5, 3)
    (said,) = rig.said
    assert said.startswith("an image has the stamp of the one before, 0.000 s: ")
    assert summary.last_error == ""


def test_settings_count_from_the_next_frame_on(rig: Rig) -> None:
    rig.process(1)
    rig.settings = replace(rig.settings, target=12.0, max_gap=1.5)
    assert {decision.target for decision in rig.process(2).decisions} == {12.0}
    assert rig.is_first(4)
    assert rig.statistics.summary(0.0).cases[Case.GAP] == 1


def test_unchanged_settings_leave_dynamic_targets_alone(rig: Rig) -> None:
    rig.settings = replace(rig.settings, schedule="dynamic", target=0.0)
    rig.process(1)
    first, second = (rig.process(stamp).decisions[0].target for stamp in (2, 3))
    assert second == pytest.approx(first + rig.settings.dynamic_increase)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (
            RuntimeError("CUDA out of memory.\nTried to allocate 20 GiB"),
            "CUDA out of memory. Tried",
        ),
        (MemoryError(), "MemoryError"),
    ],
)
def test_frame_on_which_the_networks_fail_is_skipped_and_key_frames_forgotten(
    rig: Rig, failure: Exception, said: str
) -> None:
    rig.process(1)
    rig.segmenter.failure = failure
    rig.process(2)
    rig.segmenter.failure = None
    summary = rig.statistics.summary(0.0)
    assert (summary.answered, summary.cases[Case.FAILED]) == (1, 1)
    assert f"frame skipped: {said}" in summary.last_error
    assert rig.said == [summary.last_error]
    assert rig.is_first(3)
    assert rig.statistics.summary(0.0).answered == 2
