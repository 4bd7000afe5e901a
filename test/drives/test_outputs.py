"""Outputs: bags, videos and folders of segmentations."""

import csv
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import Reader, Writer

from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.overlay import paint_overlay
from dvsnet_ros.drives import Drive, DriveError, drive
from dvsnet_ros.drives.answers import Look
from dvsnet_ros.drives.outputs import check_output, new_output
from dvsnet_ros.drives.topics import ANSWERS, LABEL_INFO
from dvsnet_ros.drives.video_answers import FASTEST, SLOWEST
from helpers import bags
from helpers.bag_contents import Received, file_bytes, header_stamp, read_bag, topics
from helpers.limits import largest_file, peak_memory
from helpers.segmentations import segmentation

SIZE = (48, 64)
LOOK = Look(CAMVID, "dynamic", opacity=0.7)
SECOND = bags.SECOND


def make(out: Path, frames: Drive, look: Look = LOOK, storage: str = "mcap") -> None:
    """Makes an output of segmentations that no network made."""
    beside = out.parent / "scratch"
    beside.mkdir(exist_ok=True)
    with new_output(out, frames, look, storage, beside, lambda: None) as output:
        for index, (frame, received) in enumerate(output.frames):
            answer = segmentation(index, *SIZE, confidence=True)
            output.answers.write(frame, answer.resized(*frame.image.shape[:2]), received)


def noise(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (*SIZE, 3), np.uint8)


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """Four frames, received 3 ms after their stamps, a broken one, and words around them."""

    def messages() -> Iterator[tuple[str, int, object]]:
        yield "/words", SECOND, bags.text("before")
        for index in range(5):
            stamp = 2 * SECOND + index * SECOND // 10
            image = bags.raw(noise(index), stamp)
            yield bags.IMAGE, stamp + 3_000_000, replace(image, step=1) if index == 2 else image
            yield "/words", stamp + 3_000_000, bags.text(f"frame {index}")
            yield "/dvsnet/mask", stamp + 4_000_000, bags.raw(noise(index), stamp)
        yield "/words", 9 * SECOND, bags.text("after")

    return bags.write_bag(tmp_path / "in.bag", messages())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "town").mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"town/{index}.png"), noise(index))
    return tmp_path / "town"


def plain(messages: list[Received]) -> list[tuple[str, int, bytes]]:
    return [(each.topic, each.stamp, each.data) for each in messages]


@pytest.mark.parametrize(
    ("name", "storage"), [("out.bag", "mcap"), ("out.bag", "sqlite3"), ("out.mcap", "mcap")]
)
def test_a_bag_of_a_bag(bag: Path, tmp_path: Path, name: str, storage: str) -> None:
    out = tmp_path / name
    make(out, drive(f"{bag}?topic={bags.IMAGE}"), storage=storage)
    received = read_bag(out)
    copied = [each for each in received if each.topic not in ANSWERS]
    assert plain(copied) == plain([each for each in read_bag(bag) if each.topic not in ANSWERS])
    assert topics(out) == {
        "/words": ("std_msgs/msg/String", 7),
        bags.IMAGE: ("sensor_msgs/msg/Image", 5),
        "/dvsnet/label_info": ("vision_msgs/msg/LabelInfo", 1),
        "/dvsnet/mask": ("sensor_msgs/msg/Image", 4),
        "/dvsnet/decisions": ("dvsnet_ros/msg/PathDecisions", 4),
        "/dvsnet/confidence": ("sensor_msgs/msg/Image", 4),
        "/dvsnet/overlay": ("sensor_msgs/msg/Image", 4),
    }
    whole = [index for index in range(5) if index != 2]
    for count, index in enumerate(whole):
        answers = [each for each in received if each.topic in ANSWERS and each.topic != LABEL_INFO][
            4 * count : 4 * count + 4
        ]
        stamp = 2 * SECOND + index * SECOND // 10
        for each in answers:
            assert each.stamp == stamp + 3_000_000
            assert header_stamp(each.message) == stamp
            assert each.message.header.frame_id == "front"
        mask, decisions, confidence, overlay = (each.message for each in answers)
        expected = segmentation(count, *SIZE, confidence=True)
        assert mask.data.tobytes() == expected.mask.tobytes()
        assert confidence.data.tobytes() == expected.confidence.tobytes()
        painted = paint_overlay(noise(index), expected, CAMVID, 0.7)
        assert overlay.data.tobytes() == painted.tobytes()
        assert (mask.encoding, confidence.encoding, overlay.encoding) == ("mono8", "mono8", "bgr8")
        assert (decisions.rows, decisions.columns, decisions.schedule) == (1, 2, "dynamic")
        for said, wanted in zip(decisions.decisions, expected.decisions, strict=True):
            area = said.region
            where = (area.y_offset, area.x_offset, area.height, area.width)
            region = wanted.region
            assert where == (region.y, region.x, region.height, region.width)
            assert (said.path, said.key_age) == (wanted.path, wanted.key_age)
            assert said.key_stamp.sec * SECOND + said.key_stamp.nanosec == wanted.key_stamp
            assert said.target == wanted.target
            np.testing.assert_equal(said.expected_confidence, wanted.expected_confidence)


def test_a_bag_of_a_bag_keeps_the_stamps_of_its_messages(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(DriveError, match="has stamps of its own"):
        make(tmp_path / "out.bag", drive(f"{bag}?topic={bags.IMAGE}&rate=5"))


@pytest.mark.parametrize(("damaged", "words"), [("0", 1), ("1", 3)])
def test_where_other_messages_are_damaged_the_images_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: str, words: int
) -> None:
    def messages() -> Iterator[tuple[str, int, object]]:
        for index in range(4):
            stamp = index * SECOND
            yield "/words", stamp, bags.text("x" * 2**20)  # fills a part of the file by itself
            yield "/words", stamp + 1, bags.text(f"{index}" * 2**20)
            yield bags.IMAGE, stamp + 2, bags.raw(noise(index), stamp)

    bag, out = bags.write_bag(tmp_path / "in.bag", messages()), tmp_path / "out.bag"
    file = bags.storage_file(bag)
    data = bytearray(file.read_bytes())
    place = data.index(damaged.encode() * 2**20)
    # What the file says of the message, before its bytes.
    data[place - 39 : place - 8] = b"\xff" * 31
    file.write_bytes(data)
    make(out, drive(bag))
    counts = {name: count for name, (_, count) in topics(out).items()}
    assert (counts["/words"], counts[bags.IMAGE], counts["/dvsnet/mask"]) == (words, 4, 4)
    images = [each for each in read_bag(out) if each.topic == bags.IMAGE]
    assert [header_stamp(each.message) for each in images] == [n * SECOND for n in range(4)]
    assert [each.message.data.tobytes() for each in images] == [
        noise(index).tobytes() for index in range(4)
    ]
    assert caplog.messages[-1].startswith(f"in: {8 - words} of its 12 messages can't be read")


def test_the_names_of_the_classes_come_first_and_are_kept_for_late_subscribers(
    bag: Path, tmp_path: Path
) -> None:
    make(tmp_path / "out.bag", drive(f"{bag}?topic={bags.IMAGE}"))
    received = read_bag(tmp_path / "out.bag")
    answers = [each for each in received if each.topic.startswith("/dvsnet/")]
    assert answers[0].topic == "/dvsnet/label_info"
    names = [(each.class_id, each.class_name) for each in answers[0].message.class_map]
    assert names == list(enumerate(CAMVID.classes))
    metadata = (tmp_path / "out.bag/metadata.yaml").read_text()
    assert metadata.count("durability: 1") == 1


def test_a_bag_of_what_is_no_bag_is_recorded_too(folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "out.bag", drive(folder), replace(LOOK, overlay=False))
    assert {name: count for name, (_, count) in topics(tmp_path / "out.bag").items()} == {
        "/camera/image_raw": 3,
        "/camera/camera_info": 3,
        "/dvsnet/label_info": 1,
        "/dvsnet/mask": 3,
        "/dvsnet/decisions": 3,
        "/dvsnet/confidence": 3,
    }


def test_a_type_that_nobody_knows_is_copied(tmp_path: Path) -> None:
    bag = tmp_path / "in.bag"
    with Writer(bag, version=8, storage_plugin=bags.SQLITE) as writer:
        images = writer.add_connection(bags.IMAGE, "sensor_msgs/msg/Image", typestore=bags.STORE)
        secret = writer.add_connection("/secret", "my/msg/Secret", msgdef="", rihs01="unknown")
        image = bags.STORE.serialize_cdr(bags.raw(noise(0), SECOND), "sensor_msgs/msg/Image")
        writer.write(secret, SECOND, b"words")
        writer.write(images, SECOND, image)
    with sqlite3.connect(bags.storage_file(bag)) as database:
        database.execute("DELETE FROM message_definitions")  # as in bags of ROS 2 Humble
    make(tmp_path / "out.bag", drive(bag))
    assert topics(tmp_path / "out.bag")["/secret"] == ("my/msg/Secret", 1)
    with Reader(tmp_path / "out.bag") as reader:
        copied = {connection.topic: bytes(data) for connection, _, data in reader.messages()}
    assert (copied["/secret"], copied[bags.IMAGE]) == (b"words", image)


def test_a_video(folder: Path, tmp_path: Path) -> None:
    make(tmp_path / "out.mp4", drive(folder, rate=5.0))
    video = drive(tmp_path / "out.mp4")
    assert (len(video), video.rate) == (3, 5.0)
    overlays = [paint_overlay(noise(n), segmentation(n, *SIZE), CAMVID, 0.7) for n in range(3)]
    for index, frame in enumerate(video):
        # Noise does not survive a video well; but it is this frame's overlay, and not the frame.
        distances = [np.abs(frame.image.astype(int) - each).mean() for each in overlays]
        assert np.argmin(distances) == index
        assert distances[index] < 0.75 * np.abs(frame.image.astype(int) - noise(index)).mean()


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov"])
@pytest.mark.parametrize("rate", [SLOWEST, FASTEST])
def test_videos_of_the_slowest_and_the_fastest_rate(
    folder: Path, tmp_path: Path, name: str, rate: float
) -> None:
    make(tmp_path / name, drive(folder, rate=rate))
    video = drive(tmp_path / name)
    assert (len(list(video)), video.rate) == (3, rate)


def test_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, drive(folder))
    assert sorted(file_bytes(out)) == [
        "decisions.csv", "ids000000.png", "ids000001.png", "ids000002.png",
    ]  # fmt: skip
    rows = list(csv.DictReader((out / "decisions.csv").open()))
    assert [(row["frame"], row["path"]) for row in rows] == [
        (str(frame), path) for frame in range(3) for path in ("segmentation", "flow")
    ]
    for index in range(3):
        ids = cv2.imread(str(out / f"ids{index:06}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(ids, segmentation(index, *SIZE).mask)


@pytest.mark.parametrize("rate", [None, 5.0])
def test_a_folder_counts_the_frames_that_are_broken(
    bag: Path, tmp_path: Path, rate: float | None
) -> None:
    out = tmp_path / "out"
    make(out, drive(f"{bag}?topic={bags.IMAGE}", rate=rate))
    numbers = (0, 1, 3, 4)
    assert sorted(file_bytes(out))[1:] == [f"ids{number:06}.png" for number in numbers]
    rows = list(csv.DictReader((out / "decisions.csv").open()))
    assert [int(row["frame"]) for row in rows] == [n for n in numbers for _ in range(2)]


@pytest.mark.parametrize("name", ["out.bag", "out.mcap", "out.mp4", "out"])
def test_the_same_bytes_every_time(folder: Path, tmp_path: Path, name: str) -> None:
    contents = []
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        make(tmp_path / place / name, drive(folder))
        contents.append(file_bytes(tmp_path / place / name))
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("name", "storage", "size"),
    [
        ("out.bag", "mcap", 2**14),
        ("out.bag", "sqlite3", 2**14),
        ("out.mcap", "mcap", 2**14),
        ("out.mp4", "mcap", 2**10),
        ("out", "mcap", 2**8),
    ],
)
def test_a_full_disk_leaves_nothing(
    folder: Path, tmp_path: Path, name: str, storage: str, size: int
) -> None:
    out = tmp_path / name
    with largest_file(size), pytest.raises(OSError, match=f"'{out}' can't be written: "):
        make(out, drive(folder), storage=storage)
    assert not out.exists()
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(("name", "storage"), [("out.bag", "mcap"), ("out.bag", "sqlite3")])
def test_memory_does_not_grow_with_the_drive(tmp_path: Path, name: str, storage: str) -> None:
    peaks = []
    for count in (100, 400):
        (tmp_path / str(count)).mkdir()
        images = ((bags.IMAGE, i * SECOND, bags.raw(noise(i), i * SECOND)) for i in range(count))
        frames = drive(bags.write_bag(tmp_path / str(count) / "in.bag", images))
        out = tmp_path / str(count) / name
        peaks.append(peak_memory(lambda: make(out, frames, storage=storage)))  # noqa: B023
    assert peaks[1] < 1.25 * peaks[0]


@pytest.mark.parametrize(
    ("name", "storage", "sentence"),
    [
        ("out.txt", "mcap", "neither a bag"),
        ("out.png", "mcap", "neither a bag"),
        ("out.mcap", "sqlite3", "mcap file by its name"),
    ],
)
def test_names_that_say_no_output(name: str, storage: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        check_output(Path(name), storage)
