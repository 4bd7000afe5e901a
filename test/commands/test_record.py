"""`dvsnet record`: what goes in comes out."""

import signal
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands import record
from dvsnet_ros.drives import drive
from helpers.bag_contents import header_stamp, read_bag, topics
from helpers.processes import running

SYNTHETIC = "synthetic:width=64,height=48,duration=0.4"


def test_a_drive_with_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.bag"
    assert record.run([SYNTHETIC, str(out), "--topic", "/front/image", "--storage", "sqlite3"]) == 0
    assert "6 frames" in capsys.readouterr().out
    received = read_bag(out)
    images = [each for each in received if each.topic == "/front/image"]
    labels = [each for each in received if each.topic == "/front/labels"]
    for frame, again, image, label in zip(
        drive(SYNTHETIC), drive(out), images, labels, strict=True
    ):
        np.testing.assert_array_equal(again.image, frame.image)
        np.testing.assert_array_equal(again.labels, frame.labels)
        assert (again.stamp, again.frame_id) == (frame.stamp, frame.frame_id)
        assert again.label_set == frame.label_set == "camvid"
        assert image.stamp == header_stamp(image.message) == frame.stamp
        assert image.message.data.tobytes() == frame.image.tobytes()
        assert label.message.data.tobytes() == frame.labels.tobytes()


@pytest.mark.parametrize(
    ("source", "count"), [("data/camvid/drive_15hz", 60), ("data/kitti/drive_10hz", 50)]
)
@pytest.mark.parametrize("flag", ["--topic=/front/image", "--compressed"])
def test_real_drives(shared_data: Path, tmp_path: Path, source: str, count: int, flag: str) -> None:
    out = tmp_path / "out.bag"
    assert record.run([str(shared_data / source), str(out), flag]) == 0
    compressed = flag == "--compressed"
    image_topic = "/camera/image_raw/compressed" if compressed else "/front/image"
    image_type = "sensor_msgs/msg/CompressedImage" if compressed else "sensor_msgs/msg/Image"
    info_topic = "/camera/camera_info" if compressed else "/front/camera_info"
    assert topics(out)[image_topic] == (image_type, count)
    assert topics(out)[info_topic] == ("sensor_msgs/msg/CameraInfo", count)
    received = read_bag(out)
    images = [each for each in received if each.topic == image_topic]
    infos = [each for each in received if each.topic == info_topic]
    for frame, image, info in zip(drive(shared_data / source), images, infos, strict=True):
        assert image.stamp == info.stamp == frame.stamp
        assert header_stamp(image.message) == header_stamp(info.message) == frame.stamp
        assert image.message.header.frame_id == info.message.header.frame_id == frame.frame_id
        assert (info.message.height, info.message.width) == frame.image.shape[:2]
        if compressed:
            decoded = cv2.imdecode(image.message.data, cv2.IMREAD_COLOR)
            assert np.abs(decoded.astype(int) - frame.image).mean() < 4
        else:
            assert image.message.data.tobytes() == frame.image.tobytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("no {out}", "there is no"),
        ("synthetic {out} --topic image", "is no topic"),
        ("synthetic {out} --topic /camera/camera_info", "give the images another topic"),
        ("synthetic {out} --topic /camera/labels", "give the images another topic"),
        ("synthetic {out} --rate 0", "rate must be at least 0.000001"),
        ("synthetic {out}/no/out.bag", "there is no folder"),
        ("synthetic {out}.mp4", "give OUT.bag, a folder, or OUT.mcap"),
        ("synthetic {out}.MCAP", "give OUT.bag, a folder, or OUT.mcap"),
        ("synthetic {out}.mcap --storage sqlite3", "give OUT.bag for sqlite3"),
        ("synthetic {out}#1.bag --storage sqlite3", "can't have a '#' in its path"),
    ],
)
def test_wrong_input_gets_a_sentence(
    arguments: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record.run(arguments.format(out=tmp_path / "out").split()) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("dvsnet record: ")
    assert sentence in error
    assert not list(tmp_path.iterdir())


def test_a_drive_whose_frames_are_all_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive/a.png").write_bytes(b"no image")
    assert record.run([str(tmp_path / "drive"), str(tmp_path / "out.bag")]) == 2
    assert "no frame of drive can be read" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["drive"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "dvsnet_ros.commands.main", "record"]
    command += ["synthetic:width=64,height=48,duration=1000", str(tmp_path / "out.bag")]
    with running(command) as process:
        process.wait_for("0/15000", 100.0)
        process.send(number)
        assert process.wait() == 130
        assert "interrupted; nothing is left behind" in process.output
    assert not list(tmp_path.iterdir())
