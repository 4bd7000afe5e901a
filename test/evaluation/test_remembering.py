"""Networks that remember say what networks say that do not, to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from dvsnet_ros.core.checkpoint import Checkpoint, load_checkpoint, untrained_checkpoint
from dvsnet_ros.core.device import PRECISIONS
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.evaluation.fixed_schedules import IntervalSchedule
from dvsnet_ros.evaluation.remembering import RememberingNetworks
from helpers.drives import drifting_frames
from helpers.tracked import with_track

SCHEDULES = [
    *(Schedule("fixed", target) for target in (0.0, 87.36, 87.39, 87.42, 100.0)),
    Schedule("dynamic", 87.0),
    Schedule("rising", 80.0),
    *(IntervalSchedule(interval) for interval in (1, 2, 3)),
]


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return untrained_checkpoint()


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    """One with a correction, whose scores depend on the key logits too."""
    return load_checkpoint(SHIPPED_CHECKPOINT)


def assert_same(one: Segmentation, other: Segmentation) -> None:
    np.testing.assert_array_equal(one.mask, other.mask)
    assert [str(decision) for decision in one.decisions] == [str(d) for d in other.decisions]


@pytest.fixture(scope="module")
def tracked(checkpoint: Checkpoint) -> Checkpoint:
    return with_track(checkpoint)


@pytest.mark.parametrize("kind", ["checkpoint", "shipped", "tracked"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_segmenters_in_step_say_what_each_says_alone(
    kind: str, precision: str, request: pytest.FixtureRequest
) -> None:
    checkpoint = request.getfixturevalue(kind)
    alone = [
        VideoSegmenter(checkpoint, overlap=16, schedule=schedule, device="cpu", precision=precision)
        for schedule in SCHEDULES
    ]
    networks = RememberingNetworks(checkpoint, alone[0].device, PRECISIONS[precision])
    together = [
        VideoSegmenter(checkpoint, overlap=16, schedule=schedule, networks=networks)
        for schedule in SCHEDULES
    ]
    for frame in drifting_frames(8):
        for one, other in zip(alone, together, strict=True):
            assert_same(one.segment(frame), other.segment(frame))
    assert together[0].precision is PRECISIONS[precision]


def test_nothing_is_computed_twice_for_a_frame(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmented: list[int] = []
    segment = RegionNetworks.segment

    def counted(self, image, regions):  # type: ignore[no-untyped-def]
        segmented.append(len(regions))
        return segment(self, image, regions)

    monkeypatch.setattr(RegionNetworks, "segment", counted)
    device = VideoSegmenter(checkpoint, device="cpu").device
    networks = RememberingNetworks(checkpoint, device, PRECISIONS["float32"])
    segmenters = [
        VideoSegmenter(checkpoint, overlap=16, schedule=schedule, networks=networks)
        for schedule in SCHEDULES
    ]
    frames = drifting_frames(5)
    for frame in frames:
        for segmenter in segmenters:
            segmenter.segment(frame)
    assert sum(segmented) == 4 * len(frames)
