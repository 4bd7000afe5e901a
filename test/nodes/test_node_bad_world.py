"""What a bad world gets: the node never dies of an image and never publishes a wrong mask."""

import math
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Image

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.msg import PathDecisions
from dvsnet_ros.nodes.reception import DEPTH
from dvsnet_ros.nodes.statistics import Case
from helpers.peer import OVERLAP, SECOND, SIZE, Peer, blank, dvsnet_node, frame, image
from helpers.processes import Process

pytestmark = pytest.mark.usefixtures("ros_domain")


@pytest.fixture(scope="module")
def node(ros_domain: int, checkpoint: Path) -> Iterator[Process]:
    with dvsnet_node(
        checkpoint=checkpoint,
        overlap=OVERLAP,
        device="cpu",
        precision="float32",
        reliability="reliable",
    ) as process:
        yield process


def broken(**fields: object) -> Image:
    """A good small image with these fields made wrong."""
    message = blank("bgr8", 3, (8, 8))
    for name, value in fields.items():
        setattr(message, name, value)
    return message


MALFORMED = {
    Case.UNKNOWN_ENCODING: [
        broken(encoding=""),
        broken(encoding="bgr9"),
        broken(encoding="x" * 1000),
        broken(encoding="32FC1"),
    ],
    Case.INCONSISTENT_SIZE: [
        broken(step=23),
        broken(step=0),
        broken(step=2**32 - 1),
        broken(data=b""),
        broken(data=bytes(191)),
        broken(data=bytes(193)),
        broken(height=2**32 - 1),
        broken(width=2**32 - 1),
        broken(encoding="bgra8"),
        broken(encoding="yuv422", width=7),
    ],
    Case.ZERO_SIZE: [broken(height=0), broken(width=0), broken(height=0, width=0, data=b"")],
}


def is_reset(decisions: PathDecisions) -> bool:
    return all(math.isnan(decision.expected_confidence) for decision in decisions.decisions)


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.value)
def test_malformed_image_is_skipped_counted_and_logged(
    peer: Peer, node: Process, case: Case
) -> None:
    message = MALFORMED[case][0]
    message.header.stamp.sec = 77
    before = peer.report()
    peer.camera.publish(message)
    report = peer.until_report(
        lambda report: report.count(case.value) > before.count(case.value), case.value
    )
    assert report.count(case.value) == before.count(case.value) + 1
    assert report.level == 1
    assert "image skipped" in report.values["last error"]
    assert "[WARN]" in node.wait_for("image skipped")
    peer.ask(image(78 * SECOND))
    assert peer.masks.of(77 * SECOND) is None


def test_ten_thousand_malformed_images_and_then_a_good_one(
    peer: Peer, node: Process, checkpoint: Path
) -> None:
    peer.ask(image(78 * SECOND))
    before, lines = peer.report(), node.line_count()
    end = before.count("received") + 10_000
    messages = cycle([message for kind in MALFORMED.values() for message in kind])
    while peer.last_report().count("received") < end:
        for message in islice(messages, DEPTH - 2):  # few enough that the node can hold them
            peer.camera.publish(message)
        peer.spin_once()
    mask, decisions = peer.ask(image(80 * SECOND))
    segmenter = VideoSegmenter(
        load_checkpoint(checkpoint), overlap=OVERLAP, device="cpu", precision="float32"
    )
    segmenter.segment(frame(78), 78 * SECOND)
    assert bytes(mask.data) == segmenter.segment(frame(80), 80 * SECOND).mask.tobytes()
    assert not is_reset(decisions), "images that are skipped do not touch the key frames"
    report = peer.report()
    refused = {case: report.count(case.value) - before.count(case.value) for case in MALFORMED}
    assert all(refused.values())
    dropped = report.count("dropped") - before.count("dropped")
    answered = report.count("answered") - before.count("answered")
    assert answered == 1
    received = report.count("received") - before.count("received")
    assert sum(refused.values()) + dropped + answered == received > 10_000
    said = [line for line in node.output.splitlines()[lines:] if "image skipped" in line]
    assert len(said) < 100
    assert node.returncode is None


def warnings(peer: Peer) -> str:
    """What reports warned of, of those that came since they were last waited for."""
    statuses = [message.status[0] for message in peer.reports.messages]
    return "; ".join(status.message for status in statuses if status.level == DiagnosticStatus.WARN)


def new_size() -> Image:
    return image(103 * SECOND, frame(103, (64, 112)))


@pytest.mark.parametrize(
    ("case", "breaking"),
    [
        (Case.NEW_IMAGE_SIZE, new_size),
        (Case.STAMP_JUMPED_BACK, lambda: image(99 * SECOND)),
        (Case.GAP, lambda: image(112 * SECOND + 1)),
    ],
    ids=["new image size", "looped bag", "gap"],
)
def test_what_breaks_the_drive_resets_the_key_frames_and_goes_on(
    peer: Peer, node: Process, case: Case, breaking: Callable[[], Image]
) -> None:
    peer.ask(image(100 * SECOND))
    peer.ask(image(101 * SECOND))
    _mask, decisions = peer.ask(image(102 * SECOND))
    assert not is_reset(decisions)
    before = peer.report()
    message = breaking()
    mask, decisions = peer.ask(message)
    assert (mask.height, mask.width) == (message.height, message.width)
    assert is_reset(decisions)
    assert peer.report().count(case.value) == before.count(case.value) + 1
    node.wait_for("all key frames forgotten")
    message.header.stamp.nanosec += 100_000_000
    _mask, decisions = peer.ask(message)
    assert not is_reset(decisions)


def test_images_without_a_stamp_of_their_own_are_answered_and_told(
    peer: Peer, node: Process
) -> None:
    peer.ask(image(150 * SECOND))
    before = peer.report()
    for _ in range(3):
        _mask, decisions = peer.ask(image(150 * SECOND))
        assert not is_reset(decisions)
    peer.until(lambda: "with the stamp of the image before" in warnings(peer), "warning of stamps")
    assert peer.report().count(Case.SAME_STAMP.value) == before.count(Case.SAME_STAMP.value) + 3
    assert "[WARN]" in node.wait_for("an image has the stamp of the one before")


def test_image_too_small_for_the_regions_is_skipped_with_what_would_work(
    peer: Peer, node: Process
) -> None:
    before = peer.report()
    peer.ask(image(200 * SECOND))
    peer.camera.publish(image(201 * SECOND, frame(0, (24, 24))))
    report = peer.until_report(lambda report: report.level == 2, "a failed frame")
    assert report.count(Case.FAILED.value) == before.count(Case.FAILED.value) + 1
    assert "a height of at least 32" in report.values["last error"]
    assert "[WARN]" in node.wait_for("frame skipped")
    mask, decisions = peer.ask(image(202 * SECOND))
    assert (mask.height, mask.width) == SIZE
    assert is_reset(decisions)


def test_newest_frame_wins_and_older_waiting_ones_are_counted(peer: Peer) -> None:
    before = peer.report()
    peer.masks.messages.clear()
    stamps = [index * SECOND for index in range(300, 321)]
    peer.camera.publish(image(stamps[0], frame(0, (1024, 1536))))  # takes its time
    for stamp in stamps[1:]:
        peer.camera.publish(image(stamp))
    peer.until(lambda: peer.masks.of(stamps[-1]), "answer to the newest")
    answered = [message.header.stamp.sec for message in peer.masks.messages]
    assert answered == sorted(set(answered)), "never an older frame after a newer one"
    report = peer.report()
    received, dropped = (report.count(key) - before.count(key) for key in ("received", "dropped"))
    assert dropped > 0
    assert received == dropped + len(answered)
