"""Each topic and service of the node, over DDS, from another process."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.msg import PathDecision
from dvsnet_ros.nodes.messages import nanoseconds
from dvsnet_ros.nodes.statistics import Case
from helpers.peer import (
    BEST_EFFORT,
    OVERLAP,
    SECOND,
    SIZE,
    Peer,
    blank,
    dvsnet_node,
    frame,
    image,
)
from helpers.processes import Process

pytestmark = pytest.mark.usefixtures("ros_domain")

SCHEDULE = Schedule("dynamic", target=89.0, decrease=1.0, increase=0.7)


@pytest.fixture(scope="module")
def node(ros_domain: int, checkpoint: Path) -> Iterator[Process]:
    arguments = {
        "checkpoint": checkpoint,
        "overlap": OVERLAP,
        "device": "cpu",
        "precision": "float32",
        "schedule": SCHEDULE.mode,
        "target": SCHEDULE.target,
        "dynamic_decrease": SCHEDULE.decrease,
        "dynamic_increase": SCHEDULE.increase,
    }
    with dvsnet_node(**arguments) as process:
        yield process


def test_mask_has_the_images_own_size_and_header(peer: Peer) -> None:
    asked = image(3 * SECOND + 123_456_789)
    mask, decisions = peer.ask(asked)
    assert mask.header == decisions.header == asked.header
    assert (mask.height, mask.width, mask.encoding, mask.step) == (*SIZE, "mono8", SIZE[1])
    assert len(mask.data) == SIZE[0] * SIZE[1]
    assert max(mask.data) < len(CAMVID.classes)


def test_masks_confidence_and_decisions_are_the_video_segmenters_own(
    peer: Peer, checkpoint: Path
) -> None:
    segmenter = VideoSegmenter(
        load_checkpoint(checkpoint),
        overlap=OVERLAP,
        schedule=SCHEDULE,
        device="cpu",
        precision="float32",
    )
    confidences = peer.listen(Image, "/dvsnet/confidence")
    peer.until(lambda: peer.ask(image(5 * SECOND)) and confidences.messages, "confidence")
    peer.reset()
    paths = set()
    for index in range(10, 20):
        stamp = index * SECOND
        mask, decisions = peer.ask(image(stamp))
        expected = segmenter.segment(frame(index), stamp, confidence=True)
        assert bytes(mask.data) == expected.mask.tobytes()
        peer.until(lambda stamp=stamp: confidences.of(stamp), "confidence of this frame")
        assert bytes(confidences.of(stamp).data) == expected.confidence.tobytes()
        assert confidences.of(stamp).header == mask.header
        for said, wanted in zip(decisions.decisions, expected.decisions, strict=True):
            assert said.path == wanted.path
            assert said.target == wanted.target
            np.testing.assert_equal(said.expected_confidence, wanted.expected_confidence)
            assert nanoseconds(said.key_stamp) == wanted.key_stamp
            assert said.key_age == wanted.key_age
            area = said.region
            assert (
                slice(area.y_offset, area.y_offset + area.height),
                slice(area.x_offset, area.x_offset + area.width),
            ) == wanted.region.slices
            paths.add(said.path)
        assert (decisions.rows, decisions.columns, decisions.schedule) == (2, 2, "dynamic")
    assert paths == {PathDecision.SEGMENTATION, PathDecision.FLOW}
    confidences.close()


def test_reset_segments_the_next_frame_whole(peer: Peer) -> None:
    peer.ask(image(30 * SECOND))
    _mask, decisions = peer.ask(image(31 * SECOND))
    assert not any(math.isnan(each.expected_confidence) for each in decisions.decisions)
    peer.reset()
    _mask, decisions = peer.ask(image(32 * SECOND))
    for decision in decisions.decisions:
        assert decision.path == PathDecision.SEGMENTATION
        assert math.isnan(decision.expected_confidence)
        assert (nanoseconds(decision.key_stamp), decision.key_age) == (32 * SECOND, 0)


def test_overlay_is_published_while_somebody_subscribes(peer: Peer) -> None:
    overlays = peer.listen(Image, "/dvsnet/overlay", BEST_EFFORT)
    stamps = iter(range(40, 10_000))
    peer.until(lambda: peer.ask(image(next(stamps) * SECOND)) and overlays.messages, "overlay")
    overlay = overlays.messages[-1]
    assert (overlay.height, overlay.width, overlay.encoding) == (*SIZE, "bgr8")
    assert overlay.header.frame_id == "camera"
    assert len(overlay.data) == 3 * SIZE[0] * SIZE[1]
    overlays.close()


def test_color_mask_is_published_while_somebody_subscribes(peer: Peer) -> None:
    colors = peer.listen(Image, "/dvsnet/color_mask", BEST_EFFORT)
    stamps = iter(range(50, 10_000))
    peer.until(lambda: peer.ask(image(next(stamps) * SECOND)) and colors.messages, "color mask")
    stamp = next(stamps) * SECOND
    mask, _decisions = peer.ask(image(stamp))
    peer.until(lambda: colors.of(stamp), "color mask of this frame")
    color = colors.of(stamp)
    assert (color.header, color.encoding) == (mask.header, "bgr8")
    ids = np.frombuffer(mask.data, np.uint8).reshape(SIZE)
    assert bytes(color.data) == CAMVID.colorize(ids).tobytes()
    colors.close()


@pytest.mark.parametrize(
    ("encoding", "bytes_a_pixel"),
    [
        ("rgb8", 3),
        ("bgr8", 3),
        ("rgba8", 4),
        ("bgra8", 4),
        ("mono8", 1),
        ("mono16", 2),
        ("yuv422", 2),
        ("yuv422_yuy2", 2),
        ("rgb16", 6),
        ("bgra16", 8),
        ("bayer_grbg16", 2),
        ("bayer_rggb8", 1),
        ("bayer_bggr8", 1),
        ("bayer_gbrg8", 1),
        ("bayer_grbg8", 1),
    ],
)
def test_every_usual_encoding_is_answered(peer: Peer, encoding: str, bytes_a_pixel: int) -> None:
    mask, _decisions = peer.ask(blank(encoding, bytes_a_pixel))
    assert (mask.height, mask.width) == SIZE


def test_diagnostics_once_a_second(peer: Peer) -> None:
    peer.report()  # that the stamps of the test before stood still
    peer.ask(image(70 * SECOND))
    report = peer.report()
    assert report.level == ord(DiagnosticStatus.OK)
    assert "frames/s" in report.message
    assert report.hardware == report.values["device"] == "cpu"
    assert report.values["precision"] == "float32"
    assert report.values["checkpoint"].endswith("tiny.safetensors")
    assert report.values["last error"] == "none"
    median, slowest = (
        float(report.values[key]) for key in ("latency median (ms)", "latency 99th percentile (ms)")
    )
    assert 0.0 < median <= slowest
    assert 0.0 < float(report.values["share of segmentation"]) <= 1.0
    assert report.count("received") == report.count("answered") + report.count("dropped")
    peer.until(lambda: len(peer.reports.messages) >= 2, "another report")
    first, second = (nanoseconds(message.header.stamp) for message in peer.reports.messages[-2:])
    assert second - first == pytest.approx(SECOND, rel=0.3)


def test_images_lost_on_the_way_are_counted_and_explained(node: Process, peer: Peer) -> None:
    large = image(80 * SECOND, frame(0, (2048, 4096)))
    with node.paused():  # nobody empties the buffers, which are smaller than one such image
        for _ in range(3):
            peer.camera.publish(large)

    def lost() -> bool:
        peer.camera.publish(image(81 * SECOND))  # the next to arrive tells what did not
        return peer.last_report().count(Case.LOST.value) > 0

    peer.until(lost, "lost images")
    report = peer.until_report(lambda report: report.count(Case.LOST.value), "lost images")
    said = report.values["last error"]
    assert said.startswith("images lost on the way so far: ")
    assert "need the Fast DDS profile" in said
    assert said.endswith(", or the parameter reliability set to reliable")


def test_label_info_reaches_late_subscribers(peer: Peer) -> None:
    messages = pytest.importorskip(
        "vision_msgs.msg", reason="vision_msgs is not installed (it is not on PyPI)"
    )
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    inbox = peer.listen(messages.LabelInfo, "/dvsnet/label_info", latched)
    peer.until(lambda: inbox.messages, "label info")
    names = [(each.class_id, each.class_name) for each in inbox.messages[0].class_map]
    assert names == list(enumerate(CAMVID.classes))
