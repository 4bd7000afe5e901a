"""Labels of frames in bags, on a topic beside the frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import CAMVID, CITYSCAPES, LabelSet
from dvsnet_ros.drives import Drive, DriveError, Frame, drive
from dvsnet_ros.drives.bag_messages import label_info
from dvsnet_ros.drives.bag_writer import new_bag
from dvsnet_ros.drives.camera_recorder import CameraRecorder
from dvsnet_ros.drives.topics import ANSWERS, CameraTopics, taken_by_cameras
from helpers import bags
from helpers.bag_contents import read_bag

SECOND = bags.SECOND
LABELS = "/camera/labels"


def ids(index: int, size: tuple[int, int] = (6, 8)) -> NDArray[np.uint8]:
    return np.random.default_rng(index).integers(0, 12, size, np.uint8)


def labels(index: int, stamp: int, size: tuple[int, int] = (6, 8)) -> Any:
    return bags.raw(ids(index, size), stamp, "mono8")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compressed", [False, True])
def test_recorded_labels_come_back(tmp_path: Path, storage: str, compressed: bool) -> None:
    bag = tmp_path / "town.bag"
    with new_bag(bag, storage) as writer:
        recorder = CameraRecorder(writer, CameraTopics(), compressed=compressed)
        for index in range(5):
            answer = None if index == 2 else ids(index)
            recorder.write(Frame(bags.level(index), index * SECOND, labels=answer))
    frames = drive(bag)  # there is no question which images are meant
    for index, frame in enumerate(frames):
        for found in (frame.labels, frames[index].labels):
            if index == 2:
                assert found is None
            else:
                np.testing.assert_array_equal(found, ids(index))
    retimed = list(drive(bag, rate=7.0))
    np.testing.assert_array_equal(retimed[4].labels, ids(4))


@pytest.mark.parametrize("label_set", [CAMVID, CITYSCAPES])
def test_what_labels_mean_comes_back(tmp_path: Path, label_set: LabelSet) -> None:
    bag = tmp_path / "town.bag"
    with new_bag(bag) as writer:
        recorder = CameraRecorder(writer, CameraTopics("/front/image"))
        for index in range(4):
            known = {"labels": ids(index), "label_set": label_set.name} if index % 2 else {}
            recorder.write(Frame(bags.level(index), index * SECOND, **known))
    frames = drive(bag)
    for found in (list(frames), [frames[index] for index in range(4)]):
        assert [frame.label_set for frame in found] == ["", label_set.name] * 2
    (info,) = [each for each in read_bag(bag) if each.topic == "/front/label_info"]
    assert [each.class_name for each in info.message.class_map] == list(label_set.classes)


@pytest.mark.parametrize("names", [(), CAMVID.classes[:-1], ("sky", "sea")])
def test_labels_that_mean_something_else_are_of_no_label_set(
    tmp_path: Path, names: Sequence[str]
) -> None:
    with new_bag(tmp_path / "in.bag") as writer:
        for topic, received, message in labelled([7, 8]):
            writer.write(topic, message, received)
        if names:
            another = LabelSet("another", tuple(names), ((0, 0, 0),) * len(names))
            writer.write("/camera/label_info", label_info(another, SECOND), SECOND, latched=True)
    frames = drive(tmp_path / "in.bag")
    check_labels(frames, [0, 1])
    assert {frame.label_set for frame in frames} == {""}


def test_a_topic_of_that_name_that_says_no_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [*labelled([7, 8]), *bags.greys(2, "/camera/label_info")]
    messages.sort(key=lambda message: message[1])
    frames = drive(f"{bags.write_bag(tmp_path / 'in.bag', messages)}?topic=/camera/image_raw")
    assert [frame.label_set for frame in frames] == ["", ""]
    assert not caplog.messages


def test_labels_that_come_early_late_or_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stamps = [10 * SECOND + index * SECOND for index in range(5)]
    messages = [(bags.IMAGE, stamp, bags.raw(bags.level(0), stamp)) for stamp in stamps]
    messages.append((LABELS, stamps[0] - 5_000_000, labels(0, stamps[0])))
    messages.append((LABELS, stamps[1] + 5_000_000, labels(1, stamps[1])))
    messages.append((LABELS, stamps[2], labels(2, stamps[2] + 1)))  # of another frame
    messages.append((LABELS, stamps[3], labels(3, stamps[3], (3, 4))))
    messages.append((LABELS, stamps[4], bags.raw(bags.level(0), stamps[4])))
    bag = bags.write_bag(tmp_path / "in.bag", sorted(messages, key=lambda message: message[1]))
    frames = list(drive(bag))
    np.testing.assert_array_equal(frames[0].labels, ids(0))
    np.testing.assert_array_equal(frames[1].labels, ids(1))
    assert [frame.labels for frame in frames[2:]] == [None] * 3
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "they are 4×3, their image is 8×6" in said
    assert "class ids are mono8" in said


def labelled(stamps: Sequence[int]) -> list[tuple[str, int, Any]]:
    """An image a second of each of these stamps, and its labels after it."""
    return [
        message
        for index, stamp in enumerate(stamps)
        for message in (
            (bags.IMAGE, index * SECOND, bags.raw(bags.level(index), stamp)),
            (LABELS, index * SECOND + 5_000_000, labels(index, stamp)),
        )
    ]


def check_labels(frames: Drive, numbers: Sequence[int | None]) -> None:
    """Check that frames have the labels of these numbers, iterated over and by index."""
    for passed in (list(frames), [frames[index] for index in range(len(frames))]):
        for frame, number in zip(passed, numbers, strict=True):
            if number is None:
                assert frame.labels is None
            else:
                np.testing.assert_array_equal(frame.labels, ids(number))


@pytest.mark.parametrize("stamps", [(0, 1, 2, 0, 1, 2), (5, 4, 3, 2, 1, 0)])
def test_stamps_may_jump_back(
    tmp_path: Path, stamps: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    bag = bags.write_bag(tmp_path / "in.bag", labelled([stamp * SECOND for stamp in stamps]))
    check_labels(drive(bag), range(6))
    assert not caplog.records


@pytest.mark.parametrize("size", [50, 7])
@pytest.mark.parametrize("number", [0, 2])
def test_a_broken_message_costs_only_its_own_labels(
    tmp_path: Path, size: int, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    messages = labelled([index * SECOND // 10 for index in range(6)])
    place = 2 * number + 1
    topic, received, whole = messages[place]
    data = bytes(bags.STORE.serialize_cdr(whole, whole.__msgtype__)[:size])
    messages[place] = topic, received, data
    frames = drive(bags.write_bag(tmp_path / "in.bag", messages))
    assert len(list(frames)) == 6
    assert len(caplog.records) == 1
    assert "left aside: the message is no sensor_msgs/msg/Image" in caplog.text
    check_labels(frames, [None if index == number else index for index in range(6)])


def test_a_broken_image_costs_no_labels(tmp_path: Path) -> None:
    messages = labelled([index * SECOND // 10 for index in range(3)])
    messages[0] = (*messages[0][:2], b"\0\1\0\0")
    frames = list(drive(bags.write_bag(tmp_path / "in.bag", messages)))
    assert [frame.labels is not None for frame in frames] == [True, True]


def test_labels_are_not_found_by_stamps_that_are_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bag = bags.write_bag(tmp_path / "in.bag", labelled([0] * 3))
    check_labels(drive(bag), [None] * 3)
    (said,) = caplog.messages
    assert said.endswith("by their images' stamps, and those of /camera/image_raw are all 0 ns")


def test_different_labels_of_one_stamp_are_left_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    messages = labelled([7, 8])
    messages.insert(1, (LABELS, 1_000_000, labels(5, 7)))
    messages.append((LABELS, messages[-1][1], labels(1, 8)))  # the same once more
    frames = drive(bags.write_bag(tmp_path / "in.bag", messages))
    check_labels(frames, [None, 1])
    assert "the labels at 7 ns are left aside: 2 different ones have this stamp" in caplog.text


def test_a_topic_of_that_name_with_something_else_is_left_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    messages = [*bags.greys(2), *bags.greys(2, LABELS)]
    bag = bags.write_bag(tmp_path / "in.bag", messages)
    assert [frame.labels for frame in drive(bag)] == [None, None]
    assert len(caplog.records) == 1
    assert [frame.labels for frame in drive(f"{bag}?topic={LABELS}")] == [None, None]


def test_answers_of_the_node_are_no_cameras(tmp_path: Path) -> None:
    answers = [message for topic in sorted(ANSWERS) for message in bags.greys(1, topic)]
    bag = bags.write_bag(tmp_path / "in.bag", [*answers, *bags.greys(3)])
    assert len(drive(bag)) == 3
    assert len(drive(f"{bag}?topic=/dvsnet/overlay")) == 1
    alone = bags.write_bag(tmp_path / "alone.bag", bags.greys(1, "/dvsnet/mask"))
    assert len(drive(alone)) == 1
    two = bags.write_bag(tmp_path / "two.bag", [*bags.greys(1, "/a/x"), *bags.greys(1, "/b/x")])
    with pytest.raises(DriveError, match="choose one"):
        drive(two)


def test_labels_belong_to_a_topic_beside_them() -> None:
    assert taken_by_cameras(["/a/image", "/a/labels", "/b/labels"]) == ["/a/image", "/b/labels"]
    assert taken_by_cameras(["/a/image/compressed", "/a/labels"]) == ["/a/image/compressed"]
    assert taken_by_cameras(["/labels"]) == ["/labels"]
