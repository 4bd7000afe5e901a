"""Drives that are bags: which topic, in which order, and what a bag says when it is no drive."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from dvsnet_ros.drives import Calibration, DriveError, drive
from helpers.bags import (
    IMAGE,
    INFO,
    MCAP,
    SECOND,
    SQLITE,
    STORE,
    camera_info,
    compressed,
    greys,
    level,
    raw,
    storage_file,
    text,
    write_bag,
)
from helpers.limits import largest_file

STORAGES = pytest.mark.parametrize("storage", [MCAP, SQLITE])


def values(frames: object) -> list[int]:
    return [int(frame.image[0, 0, 0]) for frame in frames]  # type: ignore[attr-defined]


@STORAGES
def test_frames_in_order_and_by_index(tmp_path: Path, storage: StoragePlugin) -> None:
    notes = [("/notes", 7 * SECOND + index, text("here")) for index in range(30)]
    opened = drive(write_bag(tmp_path / "town.bag", [*notes, *greys(20)], storage))
    assert (opened.name, len(opened)) == ("town", 20)
    assert opened.rate == pytest.approx(10.0)
    frames = list(opened)
    assert values(frames) == [10 * index for index in range(20)]
    assert [frame.stamp for frame in frames] == [7 * SECOND + i * SECOND // 10 for i in range(20)]
    assert {frame.frame_id for frame in frames} == {"front"}
    assert {frame.calibration for frame in frames} == {None}
    assert frames[0].image.flags.writeable
    assert values(opened[index] for index in (19, 0, 7, -2)) == [190, 0, 70, 180]
    assert opened[7].stamp == frames[7].stamp
    assert pickle.loads(pickle.dumps(opened))[7].stamp == frames[7].stamp
    with pytest.raises(IndexError, match="20 frames"):
        opened[20]


@STORAGES
def test_a_storage_file_alone_is_a_bag_too(tmp_path: Path, storage: StoragePlugin) -> None:
    file = storage_file(write_bag(tmp_path / "town", greys(4), storage))
    file = file.rename(tmp_path / file.name)
    assert values(drive(file)) == [0, 10, 20, 30]
    assert drive(file).name == "town"


def test_a_bag_is_called_as_its_folder(tmp_path: Path) -> None:
    assert drive(write_bag(tmp_path / "ride_1.5h", greys(1))).name == "ride_1.5h"


def write_packed_bag(path: Path, mode: CompressionMode) -> Path:
    packed = Writer(path, version=9, storage_plugin=SQLITE)
    packed.set_compression(mode, CompressionFormat.ZSTD)
    with packed as writer:
        connection = writer.add_connection(IMAGE, "sensor_msgs/msg/Image", typestore=STORE)
        for _, time, image in greys(4):
            writer.write(connection, time, STORE.serialize_cdr(image, image.__msgtype__))
    return path


def test_no_room_to_unpack_a_bag(tmp_path: Path) -> None:
    bag = write_packed_bag(tmp_path / "town", CompressionMode.FILE)
    with (
        largest_file(2**10),
        pytest.raises(DriveError, match=r"File too large in /.*, where it is unpacked; TMPDIR can"),
    ):
        drive(bag)


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_bags_packed_by_rosbag2(tmp_path: Path, mode: CompressionMode) -> None:
    opened = drive(write_packed_bag(tmp_path / "town", mode))
    assert values(opened) == [0, 10, 20, 30]
    assert values([opened[2]]) == [20]


@STORAGES
def test_frames_that_are_received_at_the_same_time(tmp_path: Path, storage: StoragePlugin) -> None:
    same = [(topic, SECOND, image) for topic, _, image in greys(9)]
    opened = drive(write_bag(tmp_path / "town", same, storage))
    assert values(opened) == values(opened[index] for index in range(9))
    assert opened.rate == 10.0


def test_gaps_say_nothing_of_the_rate(tmp_path: Path) -> None:
    sent = [*greys(3), *greys(3, start=20 * SECOND)]
    assert drive(write_bag(tmp_path / "gap", sent)).rate == pytest.approx(10.0)
    times = [7 * SECOND + index // 2 * SECOND // 5 for index in range(6)]  # two at a time
    bursts = [(topic, time, image) for time, (topic, _, image) in zip(times, greys(6), strict=True)]
    assert drive(write_bag(tmp_path / "bursts", bursts)).rate == pytest.approx(10.0)
    unset = [(IMAGE, index * SECOND // 5, raw(level(0), 0)) for index in range(4)]
    assert drive(write_bag(tmp_path / "unset", unset)).rate == pytest.approx(5.0)


def test_the_rate_of_frames_of_which_the_first_is_broken(tmp_path: Path) -> None:
    sent = greys(4)
    sent[0] = (IMAGE, sent[0][1], b"\0\1\0\0")
    assert drive(write_bag(tmp_path / "town", sent)).rate == pytest.approx(10.0)


def test_a_topic_is_chosen_where_there_are_several(tmp_path: Path) -> None:
    left, right = greys(3, "/left/image_raw"), greys(5, "/right/image_raw")
    bag = write_bag(tmp_path / "town", [*left, *right, ("/notes", 0, text("here"))])
    with pytest.raises(
        DriveError, match=r"on /left/image_raw, /right/image_raw; choose .* such as"
    ):
        drive(bag)
    assert len(drive(f"{bag}?topic=/right/image_raw")) == 5
    assert len(drive(f"{bag}?topic=left/image_raw")) == 3
    with pytest.raises(DriveError, match=r"no images on the topic /notes; it has some on /left/"):
        drive(f"{bag}?topic=/notes")


def test_an_empty_topic_is_no_choice(tmp_path: Path) -> None:
    with Writer(tmp_path / "town", version=9, storage_plugin=MCAP) as writer:
        writer.add_connection("/dead/image_raw", "sensor_msgs/msg/Image", typestore=STORE)
        live = writer.add_connection("/live/image_raw", "sensor_msgs/msg/Image", typestore=STORE)
        image = raw(level(3), SECOND)
        writer.write(live, SECOND, STORE.serialize_cdr(image, image.__msgtype__))
    assert values(drive(tmp_path / "town")) == [3]


def test_a_topic_is_only_for_bags(tmp_path: Path) -> None:
    with pytest.raises(DriveError, match="is no bag, and only a bag takes"):
        drive(f"{tmp_path}?topic=/image")
    folder = tmp_path / "odd?topic="
    folder.mkdir()
    with pytest.raises(DriveError, match="holds no images"):
        drive(str(folder))


def test_compressed_images(tmp_path: Path) -> None:
    topic = f"{IMAGE}/compressed"
    sent = [(topic, i, compressed(level(40 * i), i, s)) for i, s in enumerate([".png", ".jpg"])]
    opened = drive(write_bag(tmp_path / "town", [*sent, (INFO, 0, camera_info(0))]))
    assert values(opened) == [0, 40]
    assert opened[1].calibration is not None


@STORAGES
def test_calibration_comes_from_the_topic_beside(tmp_path: Path, storage: StoragePlugin) -> None:
    infos = [(INFO, 7 * SECOND, camera_info(7 * SECOND)), ("/other/camera_info", 0, camera_info(0))]
    opened = drive(write_bag(tmp_path / "town", [*infos, *greys(2)], storage))
    numbers = (tuple(map(float, range(count))) for count in (5, 9, 9, 12))
    assert opened[0].calibration == Calibration(6, 8, "plumb_bob", *numbers)


def test_a_rate_takes_the_place_of_recorded_stamps(tmp_path: Path) -> None:
    opened = drive(write_bag(tmp_path / "town", greys(5)), rate=20.0)
    assert opened.rate == 20.0
    assert [frame.stamp for frame in opened] == [i * SECOND // 20 for i in range(5)]
    assert opened[3].stamp == 150_000_000


def test_frames_may_change_their_size(tmp_path: Path) -> None:
    sizes = [(6, 8), (6, 8), (12, 4)]
    sent = [(IMAGE, i, raw(level(9, size), i)) for i, size in enumerate(sizes)]
    assert [f.image.shape[:2] for f in drive(write_bag(tmp_path / "town", sent))] == sizes


def test_broken_frames_are_reported_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent = greys(6)
    sent[1][2].encoding = "32FC1"
    sent[2][2].height = 700
    sent[3] = (IMAGE, sent[3][1], b"\0\1\0\0 these bytes are no image")
    opened = drive(write_bag(tmp_path / "town", sent))
    with caplog.at_level(logging.WARNING):
        assert values(opened) == [0, 40, 50]
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        caplog.messages[0].partition(": ")[2],
        "frame 2 is skipped: the bgr8 image of 8x700 with a step of 24 needs 16800 bytes of data, "
        "but carries 144",
        caplog.messages[2].partition(": ")[2],
    ]
    assert "the encoding '32FC1'" in caplog.messages[0]
    assert "the message is no sensor_msgs/msg/Image" in caplog.messages[2]
    with pytest.raises(DriveError, match="needs 16800 bytes"):
        opened[2]
    assert values([opened[4]]) == [40]
    assert [frame.index for frame in opened] == [0, 4, 5]
    assert opened[4].index == 4
    assert [frame.index for _, frame in opened.replay() if frame] == [0, 4, 5]


def test_a_bag_that_ends_early(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    bag = write_bag(tmp_path / "town", greys(4))
    metadata = bag / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("message_count: 4", "message_count: 6"))
    opened = drive(bag)
    with caplog.at_level(logging.WARNING):
        assert len(list(opened)) == 4
    assert "ends after 4 of the 6 frames" in caplog.text
    with pytest.raises(DriveError, match="ends before its frame 5"):
        opened[5]


def test_bags_without_images(tmp_path: Path) -> None:
    with pytest.raises(DriveError, match=r"holds no images; it has /notes \(std_msgs/msg/String\)"):
        drive(write_bag(tmp_path / "notes", [("/notes", 0, text("here"))]))
    with pytest.raises(DriveError, match="holds no images; it has no topic at all"):
        drive(write_bag(tmp_path / "nothing", []))


def test_a_bag_of_an_unknown_type(tmp_path: Path) -> None:
    with Writer(tmp_path / "town", version=9, storage_plugin=MCAP) as writer:
        connection = writer.add_connection(
            "/radar",
            "acme_msgs/msg/Echo",
            msgdef="uint8 x",
            rihs01="RIHS01_" + "0" * 64,
            serialization_format="cdr",
        )
        writer.write(connection, 0, b"\0\1\0\0\7")
    with pytest.raises(DriveError, match=r"no images; it has /radar \(acme_msgs/msg/Echo\)$"):
        drive(tmp_path / "town")


@STORAGES
@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_truncated_bags(tmp_path: Path, storage: StoragePlugin, share: float) -> None:
    file = storage_file(write_bag(tmp_path / "town", greys(40), storage))
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DriveError, match=r"^the bag .*town can't be read: .*was cut off") as error:
        drive(tmp_path / "town")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no: bag",
        "rosbag2_bagfile_information: 7",
        "rosbag2_bagfile_information: {version: 99}",
        "rosbag2_bagfile_information:\n\t- [",
        "\0\1\2",
        "[" * 500,
    ],
)
def test_metadata_that_is_garbage(tmp_path: Path, text: str) -> None:
    bag = write_bag(tmp_path / "town", greys(3))
    (bag / "metadata.yaml").write_text(text)
    with pytest.raises(DriveError, match=r"^the bag .*town can't be read: ") as error:
        drive(bag)
    assert "\n" not in str(error.value)


def test_metadata_that_is_no_text(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "town", greys(3))
    (bag / "metadata.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DriveError, match="it is damaged"):
        drive(bag)


@pytest.mark.parametrize("count", ["-1", "many", "2.5", str(10**6), str(2**63), "[1]", "null"])
def test_counts_that_can_not_be(tmp_path: Path, count: str) -> None:
    bag = write_bag(tmp_path / "town", greys(3))
    metadata = bag / "metadata.yaml"
    metadata.write_text(metadata.read_text().replace("message_count: 3", f"message_count: {count}"))
    with pytest.raises(DriveError, match=r"^the bag .*town can't be read: "):
        drive(bag)


def test_a_folder_whose_metadata_is_missing(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "town", greys(3))
    (bag / "metadata.yaml").unlink()
    with pytest.raises(DriveError, match=r"holds town\.mcap but no metadata\.yaml; give the file"):
        drive(bag)


def test_a_bag_whose_suffix_is_in_capitals(tmp_path: Path) -> None:
    file = storage_file(write_bag(tmp_path / "town", greys(3)))
    file = file.rename(tmp_path / "RIDE.MCAP")
    with pytest.raises(DriveError, match=r"RIDE\.MCAP can't be read .* rename it to RIDE\.mcap"):
        drive(file)


def test_a_packed_part_of_a_bag_leads_to_its_folder(tmp_path: Path) -> None:
    bag = write_packed_bag(tmp_path / "file.bag", CompressionMode.FILE)
    part = next(file for file in bag.iterdir() if file.suffix == ".zstd")
    with pytest.raises(DriveError, match="a packed part of a bag; give the folder"):
        drive(part)
    bag = write_packed_bag(tmp_path / "message.bag", CompressionMode.MESSAGE)
    with pytest.raises(DriveError, match=r"packed one by one, .* give the folder"):
        drive(storage_file(bag))


def test_a_bag_of_ros_1(tmp_path: Path) -> None:
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    with pytest.raises(DriveError, match="bag of ROS 1; rosbags-convert"):
        drive(tmp_path / "old.bag")


LEAN = """
import resource, sys
from dvsnet_ros.drives import drive
opened = drive(sys.argv[1])
frames = iter(opened)
for _ in range(500):
    next(frames)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = 500 + sum(1 for frame in frames)
opened[9000]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(count, grown)
"""


@STORAGES
def test_memory_does_not_grow_with_the_bag(tmp_path: Path, storage: StoragePlugin) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    sent = ((IMAGE, i * SECOND // 10, raw(image, i * SECOND // 10)) for i in range(10_000))
    bag = write_bag(tmp_path / "long", sent, storage)
    run = [sys.executable, "-c", LEAN, str(bag)]
    count, kilobytes = subprocess.run(run, capture_output=True, check=True).stdout.split()
    assert int(count) == 10_000
    assert int(kilobytes) < 16_000  # of the 92 MB that the images take


WITHOUT_ROSBAGS = """
import sys
sys.modules["rosbags"] = None
from dvsnet_ros.drives import DriveError, drive
print(len(drive("synthetic")))
try:
    drive(sys.argv[1])
except DriveError as error:
    print(error)
"""


def test_only_bags_need_rosbags(tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "town", greys(3))
    run = [sys.executable, "-c", WITHOUT_ROSBAGS, str(bag)]
    told = subprocess.run(run, capture_output=True, check=True, text=True).stdout.splitlines()
    assert told[0] == "225"
    assert "reading bags needs the extra 'drives'" in told[1]
    assert len(told) == 2
