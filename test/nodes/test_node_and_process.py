"""`dvsnet process` on a bag says what the node says when it is fed the same bag."""

from contextlib import closing
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image

from dvsnet_ros.commands import process
from dvsnet_ros.drives.bag_types import typestore
from dvsnet_ros.msg import PathDecision
from dvsnet_ros.nodes.messages import nanoseconds
from dvsnet_ros.nodes.parameters import TABLE
from helpers import bags
from helpers.bag_contents import read_bag, topics
from helpers.peer import OVERLAP, SECOND, Peer, dvsnet_node, frame, image

TOO_SMALL = (16, 128)
SIZES = {10: (112, 128), 12: TOO_SMALL}


def new_bag(path: Path) -> Path:
    """Frames of a drive that jumps: a gap, a stamp that falls, another size, one too small."""
    jumps = {5: 30 * SECOND, 8: -3 * SECOND}
    start = stamp = 1_700_000_000 * SECOND + 123_456_789
    messages = []
    for index in range(14):
        stamp += SECOND // 10 + jumps.get(index, 0)
        pixels = frame(index, SIZES.get(index, (96, 128)))
        messages.append((bags.IMAGE, start + index * SECOND // 10, bags.raw(pixels, stamp)))
    return bags.write_bag(path, messages)


def plain_cdr(message: Any, type_name: str) -> bytes:
    """A ROS message's bytes, with zeros between the fields, where ROS leaves what was there."""
    decoded = typestore().deserialize_cdr(serialize_message(message), type_name)
    return bytes(typestore().serialize_cdr(decoded, type_name))


def test_the_same_bytes(ros_domain: int, checkpoint: Path, tmp_path: Path) -> None:
    bag, out = new_bag(tmp_path / "in.bag"), tmp_path / "out.bag"
    words = (
        f"{bag} {out} --checkpoint {checkpoint} --overlap {OVERLAP} --device cpu "
        "--precision float32 --target 89 --dynamic --confidence"
    )
    assert process.run(words.split()) == 0
    types = {topic: type_name for topic, (type_name, _) in topics(out).items()}
    answers = [each for each in read_bag(out) if each.topic.startswith("/dvsnet/")]
    parameters = {
        "checkpoint": checkpoint,
        "overlap": OVERLAP,
        "device": "cpu",
        "precision": "float32",
        "target": 89.0,
        "schedule": "dynamic",
    }
    with dvsnet_node(**parameters), closing(Peer()) as peer:
        confidences = peer.listen(Image, "/dvsnet/confidence")
        overlays = peer.listen(Image, "/dvsnet/overlay")
        peer.connect()
        peer.until(lambda: peer.ask(image(SECOND)) and confidences.messages, "confidence")
        peer.until(lambda: peer.ask(image(SECOND)) and overlays.messages, "overlay")
        peer.reset()
        paths = set()
        for received in read_bag(bag):
            asked = deserialize_message(received.data, Image)
            stamp = nanoseconds(asked.header.stamp)
            if (asked.height, asked.width) == TOO_SMALL:
                peer.camera.publish(asked)
                peer.until_report(lambda report: report.count("failed frames"), "a skipped frame")
                assert received.stamp not in {each.stamp for each in answers}
                continue
            mask, decisions = peer.ask(asked)
            peer.until(lambda stamp=stamp: confidences.of(stamp), f"confidence of {stamp}")
            peer.until(lambda stamp=stamp: overlays.of(stamp), f"overlay of {stamp}")
            said = {
                "/dvsnet/mask": mask,
                "/dvsnet/decisions": decisions,
                "/dvsnet/confidence": confidences.of(stamp),
                "/dvsnet/overlay": overlays.of(stamp),
            }
            processed = {each.topic: each.data for each in answers if each.stamp == received.stamp}
            for topic, message in said.items():
                assert plain_cdr(message, types[topic]) == processed[topic], topic
            paths.update(each.path for each in decisions.decisions)
        assert paths == {PathDecision.SEGMENTATION, PathDecision.FLOW}


def test_the_same_defaults() -> None:
    options = process.parser().parse_args(["in.bag", "out.bag"])
    assert {
        "device": options.device,
        "precision": options.precision,
        "input_height": options.height,
        "input_width": options.width,
        "region_rows": options.rows,
        "region_columns": options.columns,
        "overlap": options.overlap,
        "schedule": options.schedule,
        "target": options.target,
        "dynamic_decrease": options.dynamic_decrease,
        "dynamic_increase": options.dynamic_increase,
        "rising_share": options.rising_share,
        "max_share": options.max_share,
        "max_gap": options.max_gap,
        "overlay_opacity": options.overlay_opacity,
    }.items() <= {name: spec.default for name, spec in TABLE.items()}.items()
