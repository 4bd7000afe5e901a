"""From a segmentation to messages."""

import math

import numpy as np
import pytest
from std_msgs.msg import Header

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.overlay import BORDER_COLORS
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import Path
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation
from dvsnet_ros.msg import PathDecision
from dvsnet_ros.nodes import label_info, messages

STAMP = 1_700_000_000_123_456_789
HEADER = Header(stamp=messages.time_message(STAMP), frame_id="front")


@pytest.fixture
def segmentation():
    grid = RegionGrid(64, 96, rows=1, columns=2, overlap=8)
    left, right = grid.regions
    decisions = (
        RegionDecision(left, Path.SEGMENTATION, math.nan, 90.0, STAMP, 0),
        RegionDecision(right, Path.FLOW, 93.5, 90.5, STAMP - 300_000_000, 3),
    )
    mask = np.random.default_rng(0).integers(0, 12, (64, 96), np.uint8)
    return Segmentation(mask, None, decisions, grid, {}, None)


@pytest.mark.parametrize("stamp", [0, 1, STAMP, 2**31 * 10**9 - 1])
def test_stamps_keep_every_nanosecond(stamp):
    assert messages.nanoseconds(messages.time_message(stamp)) == stamp


def test_mask(segmentation):
    message = messages.mask_message(segmentation, HEADER)
    assert (message.encoding, message.height, message.width, message.step) == ("mono8", 64, 96, 96)
    assert message.header == HEADER
    assert bytes(message.data) == segmentation.mask.tobytes()


def test_decisions(segmentation):
    message = messages.decisions_message(segmentation, "dynamic", HEADER)
    assert message.header == HEADER
    assert (message.rows, message.columns, message.schedule) == (1, 2, "dynamic")
    left, right = message.decisions
    assert (left.path, right.path) == (PathDecision.SEGMENTATION, PathDecision.FLOW)
    assert math.isnan(left.expected_confidence)
    assert (right.expected_confidence, right.target) == (93.5, 90.5)
    assert (left.key_age, right.key_age) == (0, 3)
    assert messages.nanoseconds(right.key_stamp) == STAMP - 300_000_000
    area = right.region
    assert (area.x_offset, area.y_offset, area.width, area.height) == (40, 0, 56, 64)
    assert not area.do_rectify


def test_regions_below_each_other():
    grid = RegionGrid(96, 64, rows=2, columns=1, overlap=8)
    chosen = tuple(RegionDecision(r, Path.FLOW, 99.0, 90.0, STAMP, 1) for r in grid.regions)
    whole = Segmentation(np.zeros((96, 64), np.uint8), None, chosen, grid, {}, None)
    message = messages.decisions_message(whole, "fixed", HEADER)
    assert (message.rows, message.columns) == (2, 1)
    assert [entry.region.y_offset for entry in message.decisions] == [0, 40]


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_overlay_blends_and_marks_the_regions_by_path(segmentation, opacity):
    frame = np.full((64, 96, 3), 100, np.uint8)
    message = messages.overlay_message(frame, segmentation, CAMVID, opacity, HEADER)
    assert (message.encoding, message.header) == ("bgr8", HEADER)
    pixels = np.frombuffer(message.data, np.uint8).reshape(64, 96, 3)
    blend = opacity * CAMVID.colorize(segmentation.mask) + (1 - opacity) * frame
    inside = (slice(2, 62), slice(2, 38))
    assert np.abs(pixels[inside] - blend[inside]).max() <= 0.5
    assert tuple(pixels[0, 0]) == BORDER_COLORS[Path.SEGMENTATION]
    assert tuple(pixels[63, 95]) == BORDER_COLORS[Path.FLOW]


def test_label_info():
    pytest.importorskip("vision_msgs", reason="vision_msgs is not installed (not on PyPI)")
    message = label_info.message(CAMVID, HEADER)
    assert [(c.class_id, c.class_name) for c in message.class_map] == list(
        enumerate(CAMVID.classes)
    )
    assert message.header == HEADER
