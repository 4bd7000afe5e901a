"""Compressed images, on a remapped topic."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.nodes.messages import time_message
from dvsnet_ros.nodes.statistics import Case
from helpers.peer import OVERLAP, SECOND, SIZE, Peer, dvsnet_node, frame

pytestmark = pytest.mark.usefixtures("ros_domain")


def jpeg(stamp: int, data: bytes | None = None) -> CompressedImage:
    """A frame, or these data, as a compressed image."""
    header = Header(stamp=time_message(stamp), frame_id="front")
    if data is None:
        data = cv2.imencode(".jpg", frame(stamp // SECOND))[1].tobytes()
    return CompressedImage(header=header, format="bgr8; jpeg compressed bgr8", data=data)


@pytest.fixture(scope="module")
def peer(ros_domain: int, checkpoint: Path) -> Iterator[Peer]:
    with dvsnet_node(
        "image:=/front/camera",
        checkpoint=checkpoint,
        overlap=OVERLAP,
        device="cpu",
        precision="float32",
        image_transport="compressed",
    ):
        peer = Peer("/front/camera/compressed", CompressedImage)
        peer.connect(jpeg)
        yield peer
        peer.close()


def test_mask_of_a_jpeg(peer: Peer, checkpoint: Path) -> None:
    segmenter = VideoSegmenter(
        load_checkpoint(checkpoint), overlap=OVERLAP, device="cpu", precision="float32"
    )
    segmenter.segment(cv2.imdecode(np.frombuffer(jpeg(0).data, np.uint8), 1), 0)
    asked = jpeg(SECOND)
    mask, _decisions = peer.ask(asked)
    assert mask.header == asked.header
    assert (mask.height, mask.width) == SIZE
    decoded = cv2.imdecode(np.frombuffer(asked.data, np.uint8), cv2.IMREAD_COLOR)
    assert bytes(mask.data) == segmenter.segment(decoded, SECOND).mask.tobytes()


def test_undecodable_jpegs_are_skipped_and_counted(peer: Peer) -> None:
    whole = bytes(jpeg(2 * SECOND).data)
    before = peer.report()
    broken = [b"", b"no image", whole[: len(whole) // 2], whole[::-1]]
    for index, data in enumerate(broken):
        peer.camera.publish(jpeg(3 * SECOND, data))
        peer.until_report(
            lambda report, index=index: (
                report.count(Case.UNDECODABLE.value)
                == before.count(Case.UNDECODABLE.value) + index + 1
            ),
            "an undecodable image",
        )
    mask, _decisions = peer.ask(jpeg(4 * SECOND))
    assert (mask.height, mask.width) == SIZE
    assert peer.masks.of(3 * SECOND) is None


@pytest.mark.parametrize(
    ("remap", "topic"),
    [
        ("image:=/front/camera/compressed", "/front/camera/compressed"),
        ("image/compressed:=/usb_cam/jpeg", "/usb_cam/jpeg"),
    ],
)
def test_other_ways_to_name_the_topic(
    ros_domain: int, checkpoint: Path, remap: str, topic: str
) -> None:
    with dvsnet_node(
        remap, checkpoint=checkpoint, overlap=OVERLAP, image_transport="compressed"
    ) as process:
        assert process.wait_for("active: listening on ").endswith(f"listening on {topic}")
