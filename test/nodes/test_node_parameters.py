"""Each parameter of the node through its parameter services, while frames flow."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rcl_interfaces.srv import DescribeParameters, ListParameters
from sensor_msgs.msg import Image

from dvsnet_ros.core.schedule import DEFAULT_SCHEDULE
from dvsnet_ros.msg import PathDecision
from dvsnet_ros.nodes.parameters import TABLE
from dvsnet_ros.nodes.statistics import WINDOW
from helpers.peer import OVERLAP, SECOND, SIZE, Peer, dvsnet_node, frame, image
from helpers.processes import Process

pytestmark = pytest.mark.usefixtures("ros_domain")

OTHER_VALUES = {
    "checkpoint": "elsewhere.safetensors",
    "decision_checkpoint": "elsewhere.safetensors",
    "device": "cuda:1",
    "precision": "float32",
    "input_height": 64,
    "input_width": 64,
    "region_rows": 1,
    "region_columns": 3,
    "overlap": 8,
    "image_transport": "compressed",
    "reliability": "reliable",
}


@pytest.fixture(scope="module")
def node(ros_domain: int, checkpoint: Path) -> Iterator[Process]:
    with dvsnet_node(checkpoint=checkpoint, overlap=OVERLAP, device="cpu") as process:
        yield process


@pytest.fixture(autouse=True)
def _defaults(peer: Peer) -> None:
    """Every test finds the live parameters at their defaults, but for a target that stays."""
    live = {name: spec.default for name, spec in TABLE.items() if spec.live}
    assert peer.set(**{**live, "schedule": "fixed"}).successful


def targets(peer: Peer, index: int) -> list[float]:
    """Targets of the regions of the next frame."""
    _mask, decisions = peer.ask(image(index * SECOND))
    return [decision.target for decision in decisions.decisions]


def test_all_parameters_are_there_with_their_descriptions_and_ranges(peer: Peer) -> None:
    listed = peer.call(ListParameters, "/dvsnet/list_parameters", ListParameters.Request())
    assert set(listed.result.names) >= set(TABLE)
    request = DescribeParameters.Request(names=list(TABLE))
    response = peer.call(DescribeParameters, "/dvsnet/describe_parameters", request)
    for descriptor, spec in zip(response.descriptors, TABLE.values(), strict=True):
        wanted = spec.descriptor()
        assert descriptor.name == spec.name
        assert descriptor.type != 0
        assert descriptor.description == wanted.description
        assert descriptor.additional_constraints == wanted.additional_constraints
        assert descriptor.integer_range == wanted.integer_range
        assert descriptor.floating_point_range == wanted.floating_point_range


@pytest.mark.parametrize("target", [0.0, 42.5, 100.0])
def test_target_counts_from_the_next_frame_on(peer: Peer, target: float) -> None:
    assert targets(peer, 1) == [DEFAULT_SCHEDULE.target] * 4
    assert peer.set_one("target", target).successful
    assert targets(peer, 2) == [target] * 4
    _mask, decisions = peer.ask(image(3 * SECOND))
    paths = {decision.path for decision in decisions.decisions}
    if target == 0.0:
        assert paths == {PathDecision.FLOW}
    if target == 100.0:
        assert paths == {PathDecision.SEGMENTATION}


def test_the_log_says_when_no_score_reaches_the_target(node: Process, peer: Peer) -> None:
    assert peer.set(target=100.0).successful
    for index in range(WINDOW):
        peer.ask(image(4 * SECOND + index * SECOND // 100))
    line = node.wait_for("nearly all regions are segmented: half of the scores are under ")
    assert line.endswith(", so a lower target, or a max_share, would segment less")


def test_parameters_are_answered_while_frames_flow(peer: Peer) -> None:
    stamps = iter(range(100, 100_000))

    def send() -> None:
        peer.camera.publish(image(next(stamps) * SECOND // 100))

    flow = peer.node.create_timer(0.005, send)
    peer.decisions.messages.clear()
    for target in (80.0, 70.0, 60.0):
        assert peer.set(target=target).successful
        seen = len(peer.decisions.messages)
        # One frame may have begun before the change, and its answer come after.
        peer.until(lambda seen=seen: len(peer.decisions.messages) >= seen + 3, "decisions")
        assert peer.decisions.messages[-1].decisions[0].target == target
    peer.node.destroy_timer(flow)
    order = [message.decisions[0].target for message in peer.decisions.messages]
    assert order == sorted(order, reverse=True)


def test_dynamic_schedule_with_its_steps(peer: Peer) -> None:
    changes = {"target": 50.0, "dynamic_decrease": 3.0, "dynamic_increase": 0.5}
    targets(peer, 10)
    assert peer.set(schedule="dynamic", **changes).successful
    assert targets(peer, 11) == [50.0] * 4
    assert targets(peer, 12) == [50.5] * 4
    assert peer.set(schedule="fixed").successful
    _mask, decisions = peer.ask(image(13 * SECOND))
    assert decisions.schedule == "fixed"
    assert [decision.target for decision in decisions.decisions] == [50.0] * 4


def test_rising_schedule_with_its_share(peer: Peer) -> None:
    targets(peer, 14)
    assert peer.set(schedule="rising", target=0.0, rising_share=0.5).successful
    _mask, first = peer.ask(image(15 * SECOND))
    assert (first.schedule, [each.target for each in first.decisions]) == ("rising", [0.0] * 4)
    assert targets(peer, 16) == [
        0.5 * (100.0 - each.expected_confidence) for each in first.decisions
    ]


def test_a_largest_share_counts_from_the_next_frame_on(peer: Peer) -> None:
    assert peer.set(target=100.0).successful
    for stamp, share, segmented in ((16, 1.0, 4), (17, 0.25, 1), (18, 0.5, 2), (19, 1.0, 4)):
        assert peer.set(max_share=share).successful
        _mask, decisions = peer.ask(image(stamp * SECOND))
        chosen = [each.path for each in decisions.decisions]
        assert chosen.count(PathDecision.SEGMENTATION) == segmented
        assert {each.target for each in decisions.decisions} >= {100.0}


def test_max_gap_counts_from_the_next_frame_on(peer: Peer) -> None:
    peer.ask(image(20 * SECOND))
    _mask, decisions = peer.ask(image(22 * SECOND))
    assert not math.isnan(decisions.decisions[0].expected_confidence)
    assert peer.set(max_gap=1.5).successful
    _mask, decisions = peer.ask(image(24 * SECOND))
    assert math.isnan(decisions.decisions[0].expected_confidence)
    assert peer.set(max_gap=0.0).successful
    _mask, decisions = peer.ask(image(2000 * SECOND))
    assert not math.isnan(decisions.decisions[0].expected_confidence)


def test_overlay_opacity_counts_from_the_next_frame_on(peer: Peer) -> None:
    overlays = peer.listen(Image, "/dvsnet/overlay")
    peer.until(lambda: peer.ask(image(30 * SECOND)) and overlays.messages, "overlay")
    assert peer.set(overlay_opacity=0.0).successful
    overlays.messages.clear()
    peer.ask(image(31 * SECOND))
    peer.until(lambda: overlays.of(31 * SECOND), "overlay of this frame")
    pixels = np.frombuffer(overlays.messages[-1].data, np.uint8).reshape(*SIZE, 3)
    inside = (slice(2, 30), slice(2, 40))
    np.testing.assert_array_equal(pixels[inside], frame(31)[inside])
    overlays.close()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("target", 100.5, "out of range"),
        ("target", 100.00001, "must be from 0.0 to 100.0"),
        ("target", -0.1, "out of range"),
        ("target", math.nan, "out of range"),
        ("target", 85, "Wrong parameter type"),
        ("dynamic_decrease", 101.0, "out of range"),
        ("dynamic_increase", -1.0, "out of range"),
        ("max_gap", -1.0, "out of range"),
        ("overlay_opacity", 1.1, "out of range"),
        ("schedule", "sometimes", "must be one of: fixed, dynamic"),
        ("region_rows", 0, "out of range"),
        ("input_width", 10_000, "out of range"),
        ("overlap", -8, "out of range"),
        ("precision", "int8", "must be one of: auto, float32"),
        ("device", "gpu", "must be one of: auto, cpu, cuda"),
    ],
)
def test_out_of_range_is_refused_with_the_reason(
    peer: Peer, name: str, value: object, reason: str
) -> None:
    before = peer.get(name)
    for result in (peer.set_one(name, value), peer.set(**{name: value})):
        assert not result.successful
        assert reason in result.reason
    assert peer.get(name) == before


def test_several_are_taken_all_or_none(peer: Peer) -> None:
    result = peer.set(target=33.0, overlay_opacity=0.9, max_gap=-1.0)
    assert not result.successful
    result = peer.set(schedule="never", target=33.0)
    assert not result.successful
    assert "schedule is 'never'" in result.reason
    result = peer.set(target=33.0, region_rows=3)
    assert not result.successful
    names = ("target", "overlay_opacity", "max_gap", "region_rows")
    assert peer.get(*names) == [DEFAULT_SCHEDULE.target, 0.5, 10.0, 2]
    assert targets(peer, 40) == [DEFAULT_SCHEDULE.target] * 4
    assert peer.set(target=33.0, overlay_opacity=0.9).successful
    assert targets(peer, 41) == [33.0] * 4


@pytest.mark.parametrize("name", OTHER_VALUES)
def test_what_can_not_change_while_active_says_so(peer: Peer, name: str) -> None:
    (before,) = peer.get(name)
    result = peer.set_one(name, OTHER_VALUES[name])
    assert not result.successful
    assert f"{name} cannot change while the node is active; deactivate it first" in result.reason
    assert peer.get(name) == [before]
    assert peer.set_one(name, before).successful, "setting what is set already changes nothing"


def test_what_counts_at_the_start_says_so(peer: Peer) -> None:
    result = peer.set_one("autostart", False)
    assert not result.successful
    assert "autostart counts only when the process starts" in result.reason
    assert peer.set_one("autostart", True).successful


def test_every_parameter_is_either_live_or_refused_above() -> None:
    others = {name for name, spec in TABLE.items() if not spec.live}
    assert others == {*OTHER_VALUES, "autostart"}
