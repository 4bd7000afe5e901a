"""Bags of frames, read back."""

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dvsnet_ros.drives import Calibration, DriveError, Frame, drive
from dvsnet_ros.drives.bag_messages import time
from dvsnet_ros.drives.bag_writer import STORAGES, new_bag
from dvsnet_ros.drives.camera_recorder import CameraRecorder
from dvsnet_ros.drives.stamps import LAST_STAMP
from dvsnet_ros.drives.topics import CameraTopics
from helpers.bag_contents import file_bytes, header_stamp, read_bag, topics

STAMP = 1_700_000_000_123_456_789
CALIBRATION = Calibration(
    12, 16, "plumb_bob", (0.1, -0.2, 0.0, 0.0, 0.3), (7.0,) * 9, (8.0,) * 9, (9.0,) * 12
)


def pixels(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)


STAMPS = tuple(STAMP + index * 10**8 for index in range(3))


def frames(stamps: Sequence[int] = STAMPS) -> list[Frame]:
    return [
        Frame(pixels(index), stamp, "front", pixels(index)[..., 0])
        for index, stamp in enumerate(stamps)
    ]


def record(out: Path, storage: str = "mcap", stamps: Sequence[int] = STAMPS) -> Path:
    with new_bag(out, storage) as bag:
        recorder = CameraRecorder(bag, CameraTopics("/front/image"))
        for frame in frames(stamps):
            recorder.write(frame)
    return out


@pytest.mark.parametrize(
    ("name", "storage"), [("out.bag", "mcap"), ("out.bag", "sqlite3"), ("out.mcap", "mcap")]
)
def test_frames_come_back(tmp_path: Path, name: str, storage: str) -> None:
    out = record(tmp_path / name, storage)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert topics(out) == {
        "/front/image": ("sensor_msgs/msg/Image", 3),
        "/front/camera_info": ("sensor_msgs/msg/CameraInfo", 3),
        "/front/labels": ("sensor_msgs/msg/Image", 3),
    }
    received = read_bag(out)
    for index, frame in enumerate(frames()):
        image, info, labels = received[3 * index : 3 * index + 3]
        for each in (image, info, labels):
            assert each.stamp == header_stamp(each.message) == frame.stamp
            assert each.message.header.frame_id == "front"
            assert (each.message.height, each.message.width) == (12, 16)
        assert (image.message.encoding, image.message.step) == ("bgr8", 48)
        assert image.message.data.tobytes() == frame.image.tobytes()
        assert (labels.message.encoding, labels.message.step) == ("mono8", 16)
        assert labels.message.data.tobytes() == frame.labels.tobytes()
        assert not info.message.k.any()


@pytest.mark.parametrize("storage", STORAGES)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, storage: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = record(tmp_path / "a/out.bag", storage)
    assert file_bytes(first) == file_bytes(record(tmp_path / "b/out.bag", storage))


def test_calibration_and_jpegs(tmp_path: Path) -> None:
    smooth = np.full((12, 16, 3), (40, 90, 200), np.uint8)
    with new_bag(tmp_path / "out.bag") as bag:
        recorder = CameraRecorder(bag, CameraTopics(), compressed=True)
        recorder.write(Frame(smooth, STAMP, calibration=CALIBRATION))
    image, info = read_bag(tmp_path / "out.bag")
    assert image.topic == "/camera/image_raw/compressed"
    assert image.message.format == "bgr8; jpeg compressed bgr8"
    decoded = cv2.imdecode(image.message.data, cv2.IMREAD_COLOR)
    assert np.abs(decoded.astype(int) - smooth).max() < 4
    assert info.topic == "/camera/camera_info"
    assert info.message.distortion_model == "plumb_bob"
    for name in "dkrp":
        np.testing.assert_array_equal(getattr(info.message, name), getattr(CALIBRATION, name))


def test_a_calibration_of_another_size_is_left_out(tmp_path: Path) -> None:
    half = np.zeros((6, 8, 3), np.uint8)
    with new_bag(tmp_path / "out.bag") as bag:
        recorder = CameraRecorder(bag, CameraTopics())
        recorder.write(Frame(half, STAMP, calibration=CALIBRATION))
    _, info = read_bag(tmp_path / "out.bag")
    assert (info.message.height, info.message.width) == (6, 8)
    assert info.message.distortion_model == ""
    assert not info.message.k.any()


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="year 2038"):
        record(tmp_path / "out.bag", stamps=(STAMP, -1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["out.bag", "out.mcap"])
def test_what_is_there_is_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(FileExistsError, match="is there already"):
        record(tmp_path / name)
    assert (tmp_path / name).read_text() == "mine"
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        record(tmp_path / "no" / name)


@pytest.mark.parametrize("name", ["run#1.bag", "run?.bag", "50%41.bag", "run#1/out.bag"])
def test_where_no_bag_of_sqlite3_can_lie(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    out.parent.mkdir(exist_ok=True)
    before = list(tmp_path.iterdir())
    with pytest.raises(DriveError, match=r"can't have a '[#?%]' in its path, as .*; give another"):
        record(out, "sqlite3")
    assert list(tmp_path.iterdir()) == before
    assert len(list(drive(record(out, "mcap")))) == 3


def test_a_bag_of_sqlite3_that_was_given_such_a_name(tmp_path: Path) -> None:
    bag = record(tmp_path / "run.bag", "sqlite3").rename(tmp_path / "run#1.bag")
    for place in (bag, bag / "run.bag.db3"):
        with pytest.raises(DriveError, match=r"have a '#' in its path, as .*\.db3; rename what is"):
            drive(place)


@pytest.mark.parametrize("stamp", [-1, LAST_STAMP + 1])
def test_a_stamp_that_no_message_can_have(stamp: int) -> None:
    with pytest.raises(ValueError, match="year 2038"):
        time(stamp)


@pytest.mark.parametrize("stamp", [0, 1, STAMP, LAST_STAMP])
def test_stamps_keep_every_nanosecond(stamp: int) -> None:
    assert time(stamp).sec * 10**9 + time(stamp).nanosec == stamp


@pytest.mark.parametrize("topic", ["", "/", "camera/image", "/camera//image", "/camera/1st", "/a/"])
def test_what_is_no_topic(topic: str) -> None:
    with pytest.raises(DriveError, match="is no topic"):
        CameraTopics(topic)


@pytest.mark.parametrize(
    "topic", ["/camera/camera_info", "/camera/labels", "/labels", "/label_info"]
)
def test_images_do_not_lie_where_something_else_does(topic: str) -> None:
    with pytest.raises(DriveError, match=r"give the images another topic, such as .*/image_raw$"):
        CameraTopics(topic)


def test_topics_lie_beside_the_image() -> None:
    assert CameraTopics("/image").camera_info == "/camera_info"
    assert CameraTopics("/a/b/image").labels == "/a/b/labels"


@pytest.mark.parametrize("storage", STORAGES)
def test_a_full_disk_leaves_nothing(tmp_path: Path, storage: str) -> None:
    command = [
        *(sys.executable, "-m", "dvsnet_ros.commands.main", "record"),
        *("synthetic:width=160,height=120,duration=1", str(tmp_path / "out.bag")),
        *("--storage", storage),
    ]
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**18, 2**18)),
    )
    assert ended.returncode == 2
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"dvsnet record: '{tmp_path / 'out.bag'}' can't be written: ")
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert not list(tmp_path.iterdir())
