"""Silence explained, by a node that hears nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lifecycle_msgs.msg import Transition
from sensor_msgs.msg import Image

from dvsnet_ros.msg import PathDecisions
from dvsnet_ros.nodes.statistics import Case
from helpers.peer import BEST_EFFORT, OVERLAP, Peer, dvsnet_node
from helpers.processes import Process

pytestmark = pytest.mark.usefixtures("ros_domain")

OURS = "listening on /image (sensor_msgs/msg/Image, reliable, volatile)"


@pytest.fixture(scope="module")
def process(ros_domain: int, checkpoint: Path) -> Iterator[Process]:
    with dvsnet_node(
        "~/mask:=/elsewhere",
        checkpoint=checkpoint,
        overlap=OVERLAP,
        reliability="reliable",
        autostart=False,
    ) as process:
        yield process


@pytest.fixture(scope="module")
def peer(process: Process) -> Iterator[Peer]:
    peer = Peer(image_topic="/front/image_raw")
    # Another such node, whose answers show no camera's images.
    peer.node.create_publisher(PathDecisions, "/rear/dvsnet/decisions", 1)
    for answer in ("mask", "color_mask", "confidence", "overlay"):
        peer.node.create_publisher(Image, f"/rear/dvsnet/{answer}", 1)
    assert peer.transition(Transition.TRANSITION_CONFIGURE)
    assert peer.transition(Transition.TRANSITION_ACTIVATE)
    yield peer
    peer.close()


def test_silence_points_to_images_elsewhere(peer: Peer, process: Process) -> None:
    report = peer.until_report(lambda report: report.level == 1, "silence")
    assert report.message.startswith("no image on /image for")
    line = process.wait_for("no image for ")
    assert "[WARN]" in line
    assert OURS in line
    assert "images are on /front/image_raw (sensor_msgs/msg/Image): start with" in line
    assert "; or " not in line
    assert report.values["last error"] == "none"
    assert report.count(Case.SILENCE.value) == 1


def test_publisher_that_can_not_match_is_explained_at_once_and_in_silence(
    peer: Peer, process: Process
) -> None:
    camera = peer.node.create_publisher(Image, "/image", BEST_EFFORT)
    line = process.wait_for("a publisher offers a QoS that can't match", timeout=4.0)
    assert "[WARN]" in line
    assert OURS in line
    report = peer.until_report(
        lambda report: report.count(Case.INCOMPATIBLE_QOS.value) == 1, "incompatible QoS"
    )
    assert "can't match" in report.values["last error"]
    assert peer.transition(Transition.TRANSITION_DEACTIVATE)
    assert peer.transition(Transition.TRANSITION_ACTIVATE)
    line = process.wait_for("no image for ", after=process.line_count())
    theirs = "/peer (sensor_msgs/msg/Image, best_effort, volatile) can't match"
    assert f"{OURS}; publishers there: {theirs}" in line
    assert "set the parameter reliability to best_effort" in line
    peer.node.destroy_publisher(camera)
