"""Drives that are video files."""

import logging
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dvsnet_ros.drives import DriveError, drive
from dvsnet_ros.drives.video import VideoDrive


def write_video(path: Path, frames: int) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.5, (64, 48))
    for index in range(frames):
        writer.write(np.full((48, 64, 3), 20 * index, np.uint8))
    writer.release()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "ride.avi"
    write_video(path, 10)
    return path


def test_frames_in_order_and_by_index(video: Path) -> None:
    opened = drive(video)
    assert (opened.name, opened.rate, len(opened)) == ("ride", 12.5, 10)
    levels = [round(float(frame.image.mean())) for frame in opened]
    assert np.abs(np.array(levels) - 20 * np.arange(10)).max() <= 2
    assert abs(float(opened[7].image.mean()) - 140) <= 2
    assert opened[-1].stamp == 720_000_000
    assert opened[0].image.shape == (48, 64, 3)


def test_rate_can_be_set(video: Path) -> None:
    assert drive(video, rate=20.0)[3].stamp == 150_000_000


def test_video_that_ends_early(video: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened = drive(video)
    write_video(video, 4)
    with caplog.at_level(logging.WARNING):
        assert len(list(opened)) == 4
    assert "ends after 4 of the 10 frames" in caplog.text
    with pytest.raises(DriveError, match="frame 7"):
        opened[7]


def test_video_that_announces_too_many_frames(video: Path) -> None:
    data = bytearray(video.read_bytes())
    for chunk, field in ((b"avih", 24), (b"strh", 40)):
        place = data.index(chunk) + field
        assert data[place : place + 4] == b"\x0a\0\0\0"
        data[place : place + 4] = b"\xff\xff\xff\x7f"
    video.write_bytes(data)
    opened = drive(video)
    assert len(opened) == len(list(opened)) == 10


def write_hastening_video(path: Path, start: int = 0, keys_every: int = 250) -> None:
    """Sixty frames, 30 of them at 10 Hz and then 30 at 30 Hz; MP4 hides those before 0."""
    options = {"avoid_negative_ts": "disabled"} if start < 0 else {}
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        stream.codec_context.gop_size = keys_every
        for index in range(60):
            pixels = np.full((48, 64, 3), 4 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts = start + (3 * index if index < 30 else 60 + index)
            frame.time_base = Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize("suffix", ["mkv", "flv", "ts", "mp4"])
def test_every_frame_of_a_video_whose_rate_changes(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"ride.{suffix}"
    write_hastening_video(path)
    opened = drive(path)
    images = [frame.image for frame in opened]
    assert len(opened) == len(images) == 60
    assert (np.diff([image.mean() for image in images]) > 0).all()
    for index in (0, 33, 34, 59):
        np.testing.assert_array_equal(opened[index].image, images[index])
    assert not caplog.records
    times = [index / 10 if index < 30 else 2 + index / 30 for index in range(60)]
    assert np.abs(np.array(opened.stamps) / 1e9 - times).max() < 1e-3  # some count milliseconds
    assert opened[34].stamp == opened.stamps[34]
    assert drive(path, rate=20.0)[34].stamp == 1_700_000_000


def test_frames_by_index_are_gone_to_where_the_rate_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ride.mp4"
    write_hastening_video(path, keys_every=12)
    opened = drive(path)
    assert isinstance(opened, VideoDrive)
    if opened.rate > 20.0:
        pytest.skip("an old OpenCV takes a video's highest rate for its mean, and goes elsewhere")
    images = [frame.image for frame in opened]
    monkeypatch.delattr(VideoDrive, "_stepped_to")  # by way of all frames before
    for index in range(60):
        np.testing.assert_array_equal(opened[index].image, images[index])


def test_a_video_that_does_not_say_when(tmp_path: Path) -> None:
    path = tmp_path / "ride.h264"
    write_hastening_video(path)
    opened = drive(path)
    places = [frame.stamp * opened.rate / 1e9 for frame in opened]
    np.testing.assert_allclose(places, range(60), atol=1e-6)
    np.testing.assert_array_equal(opened[40].image, list(opened)[40].image)


def test_a_video_whose_beginning_is_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    write_hastening_video(whole)
    write_hastening_video(cut, start=-21)
    frames = list(drive(whole))
    opened = drive(cut)
    shown = list(opened)
    first = 60 - len(shown)
    assert 0 < first <= 7
    assert len(opened) == len(shown)
    for index in (0, 30, -1):
        np.testing.assert_array_equal(shown[index].image, frames[first:][index].image)
        np.testing.assert_array_equal(opened[index].image, shown[index].image)
        assert shown[index].stamp == frames[first:][index].stamp - frames[first].stamp
    assert not caplog.records


@pytest.mark.parametrize("suffix", ["ts", "avi"])
def test_frames_by_index_where_only_some_can_be_gone_to(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ride.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.gop_size = 10
        for index in range(60):
            pixels = np.full((48, 64, 3), 4 * index, np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    opened = drive(path)
    images = [frame.image for frame in opened]
    for index in (0, 1, 5, 12, 33, 58, 59):
        np.testing.assert_array_equal(opened[index].image, images[index])
    np.testing.assert_allclose(np.array(opened.stamps) / 1e8, range(60), atol=1e-6)


def test_a_colon_in_a_name_says_no_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_hastening_video(tmp_path / "2024-01-01T12:00:00.mp4")
    assert len(list(drive("2024-01-01T12:00:00.mp4"))) == 60


def test_a_name_that_is_not_in_utf_8(video: Path) -> None:
    with pytest.raises(DriveError, match=r"caf\\udce9.avi' is not in UTF-8, as OpenCV wants"):
        drive(video.rename(video.with_name("caf\udce9.avi")))


def test_files_that_are_no_video(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_bytes(b"not a video at all")
    with pytest.raises(DriveError, match="no video that OpenCV can open"):
        drive(path)


def test_video_without_a_frame(tmp_path: Path) -> None:
    path = tmp_path / "empty.avi"
    write_video(path, 0)
    with pytest.raises(DriveError, match=r"no frame|no video"):
        drive(path)


def test_what_can_not_be_decoded(tmp_path: Path) -> None:
    path = tmp_path / "street.mp4"
    write_hastening_video(path)
    data = path.read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    assert start < end
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    with pytest.raises(DriveError, match=r"codec \('\w{4}'\) is the reason, and ffmpeg makes"):
        drive(path)
