"""Drives of image files: folders and lists."""

import itertools
import logging
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dvsnet_ros.drives import DriveError, drive


def write_image(path: Path, value: int, size: tuple[int, ...] = (24, 32, 3)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full(size, value, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(12):
        write_image(tmp_path / "town" / f"frame{index}.png", 10 * index)
    return tmp_path / "town"


def test_folder_is_read_in_natural_order(folder: Path) -> None:
    opened = drive(folder)
    assert len(opened) == 12
    assert opened.name == "town"
    assert [int(frame.image[0, 0, 0]) for frame in opened] == [10 * i for i in range(12)]
    assert opened[-1].image[0, 0, 0] == 110


def test_stamps_come_from_the_rate(folder: Path) -> None:
    assert [frame.stamp for frame in drive(folder)][:3] == [0, 100_000_000, 200_000_000]
    faster = drive(folder, rate=15.0)
    assert faster.rate == 15.0
    assert faster[3].stamp == 200_000_000


def test_frames_are_bgr_whatever_the_file(tmp_path: Path) -> None:
    write_image(tmp_path / "0.png", 80, (24, 32))
    write_image(tmp_path / "1.png", 80, (24, 32, 4))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((24, 32), 80 * 256, np.uint16))
    write_image(tmp_path / "3.jpg", 80)
    frames = list(drive(tmp_path))
    assert len(frames) == 4
    for frame in frames:
        assert frame.image.shape == (24, 32, 3)
        assert frame.image.dtype == np.uint8
        assert np.abs(frame.image.astype(int) - 80).max() <= 2


def test_labels_are_found_beside_the_folder(folder: Path) -> None:
    opened = drive(folder)
    assert opened[0].labels is None
    write_image(folder.with_name("town_labels") / "frame0.png", 7, (24, 32))
    labels = opened[0].labels
    assert labels is not None
    assert labels.shape == (24, 32)
    assert (labels == 7).all()
    assert opened[1].labels is None


@pytest.mark.parametrize("size", [(24, 16), (24, 32, 3)])
def test_labels_that_do_not_fit_are_left_aside(
    folder: Path, size: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    labels = folder.with_name("town_labels")
    write_image(labels / "frame0.png", 7, (24, 32))
    for index in (1, 2, 11):
        write_image(labels / f"frame{index}.png", 7, size)
    (labels / "frame5.png").write_bytes(b"no image")
    frames = list(drive(folder))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [10 * i for i in range(12)]
    assert [index for index, frame in enumerate(frames) if frame.labels is not None] == [0]
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.startswith(f"town: frame 1 is given without labels: the labels {labels}/frame1.png")
    assert said.endswith("; so are 3 more frames")


def png(ids: NDArray[np.uint8], depth: int, *, palette: bool, transparent: bool = False) -> bytes:
    """A PNG of one channel of so many bits, with a palette whose colours tell nothing, or grey."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checked = name + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = ids.shape
    if depth == 16:
        rows = [row.astype(">u2").tobytes() for row in ids]
    else:
        bits = np.unpackbits(ids[..., None], axis=2)[..., 8 - depth :]
        rows = [np.packbits(row).tobytes() for row in bits]
    chunks = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 3 * palette, 0, 0, 0))]
    if palette:
        colours = bytes((37 * number + 91) % 256 for number in range(3 * 2**depth))
        chunks.append(chunk(b"PLTE", colours))
    if transparent:
        chunks.append(chunk(b"tRNS", b"\0\0"))
    chunks.append(chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize(
    ("depth", "palette"),
    [*itertools.product((1, 2, 4, 8), (False, True)), (16, False)],
)
def test_labels_are_the_numbers_in_the_file(
    folder: Path, depth: int, palette: bool, transparent: bool
) -> None:
    """Not what is shown of them: colours of a palette, greys from black to white."""
    ids = np.minimum(np.arange(24 * 32).reshape(24, 32) // 3, 2 ** min(depth, 8) - 1)
    ids = ids.astype(np.uint8)
    labels = folder.with_name("town_labels") / "frame0.png"
    labels.parent.mkdir()
    labels.write_bytes(png(ids, depth, palette=palette, transparent=transparent))
    read = drive(folder)[0].labels
    assert read is not None
    np.testing.assert_array_equal(read, ids)


def test_coloured_labels_are_refused(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_image(folder.with_name("town_labels") / "frame0.png", 3, (24, 32, 3))
    assert drive(folder)[0].labels is None
    (said,) = caplog.messages
    assert "have 3 channels of uint8; labels are class ids in one channel" in said


def test_unusable_labels_of_a_single_frame(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_image(folder.with_name("town_labels") / "frame7.png", 7, (24, 16))
    frame = drive(folder)[7]
    assert (int(frame.image[0, 0, 0]), frame.labels) == (70, None)
    (said,) = (record.getMessage() for record in caplog.records)
    assert said.endswith("frame7.png are 16×24, their image is 32×24")


@pytest.mark.parametrize("place", ["timestamps.txt", "../timestamps.txt"])
def test_stamps_of_kitti(folder: Path, place: str) -> None:
    lines = [f"2011-09-26 13:02:{25 + i:02d}.9643894{i:02d}" for i in range(12)]
    (folder / place).write_text("\n".join(lines) + "\n")
    opened = drive(folder)
    stamps = [frame.stamp for frame in opened]
    assert stamps[0] == 1317042145_964389400
    assert stamps[1] - stamps[0] == 1_000_000_001
    assert opened.rate == pytest.approx(1.0)
    assert drive(folder, rate=10.0)[1].stamp == 100_000_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2011-09-26 13:02:25.9\n", "1 stamps for 12 images"),
        ("yesterday\n" * 12, "yesterday"),
        ("2011-13-26 13:02:25\n" * 12, "month"),
    ],
)
def test_stamps_that_do_not_fit_are_refused(folder: Path, text: str, reason: str) -> None:
    (folder / "timestamps.txt").write_text(text)
    with pytest.raises(DriveError, match=reason):
        drive(folder)


def claiming(width: int, height: int) -> bytes:
    """A small PNG whose header claims another size."""
    data = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    data[16:24] = struct.pack(">II", width, height)
    return bytes(data)


HALF_A_JPEG = cv2.imencode(".jpg", np.zeros((24, 32, 3), np.uint8))[1].tobytes()[:-30]
BROKEN = [b"", b"no image", b"\x89PNG\r\n\x1a\n broken", HALF_A_JPEG, claiming(60000, 60000)]


@pytest.mark.parametrize("content", BROKEN)
def test_broken_frames_are_reported_and_skipped(
    folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "frame5.png").write_bytes(content)
    opened = drive(folder)
    with caplog.at_level(logging.WARNING):
        frames = list(opened)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [10 * i for i in range(12) if i != 5]
    assert [frame.stamp for frame in frames][5] == 600_000_000
    assert [frame.index for frame in frames] == [i for i in range(12) if i != 5]
    assert opened[-1].index == 11
    assert "frame5.png" in caplog.text
    with pytest.raises(DriveError, match=r"frame5\.png"):
        opened[5]


def test_frames_out_of_range(folder: Path) -> None:
    with pytest.raises(IndexError, match="12 frames"):
        drive(folder)[12]


def test_an_image_that_links_to_itself_is_one_broken_frame(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "frame5.png").unlink()
    (folder / "frame5.png").symlink_to("frame5.png")
    assert [frame.index for frame in drive(folder)] == [0, 1, 2, 3, 4, *range(6, 12)]
    assert "Too many levels of symbolic links" in caplog.text


@pytest.mark.parametrize("root", ["", "/"])
def test_a_name_that_is_too_long_is_one_broken_frame(
    folder: Path, tmp_path: Path, root: str, caplog: pytest.LogCaptureFixture
) -> None:
    listed = tmp_path / "images.txt"
    listed.write_text(f"{root}{'x' * 300}.png\ntown/frame0.png")
    assert [frame.index for frame in drive(listed)] == [1]
    assert "File name too long" in caplog.text


def test_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(DriveError, match="it is empty"):
        drive(tmp_path)
    for name in "abcd":
        (tmp_path / f"{name}.csv").touch()
    with pytest.raises(DriveError, match=r"it holds a\.csv, b\.csv, c\.csv, …"):
        drive(tmp_path)


def test_a_folder_of_images_with_metadata_of_something_else(folder: Path) -> None:
    (folder / "metadata.yaml").write_text("camera: front\n")
    assert len(drive(folder)) == 12


def test_a_folder_that_can_not_be_read(folder: Path) -> None:
    folder.chmod(0)
    user = os.geteuid()
    if user == 0:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(DriveError, match=r"town.* can't be read: Permission denied"):
            drive(folder)
    finally:
        os.seteuid(user)
        folder.chmod(0o700)


def test_list_of_images(folder: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "labels" / "0.png", 3, (24, 32))
    text = (
        "town/frame3.png\n"
        "/town/frame1.png labels/0.png\n"
        "\n"
        "town/frame2.png town/frame3.png labels/0.png\n"
    )
    (tmp_path / "drive.txt").write_text(text)
    opened = drive(tmp_path / "drive.txt")
    assert [int(frame.image[0, 0, 0]) for frame in opened] == [30, 10, 20]
    labelled = [frame.labels is not None for frame in opened]
    assert labelled == [False, True, False]

    elsewhere = tmp_path / "lists" / "drive.lst"
    elsewhere.parent.mkdir()
    elsewhere.write_text("frame4.png\n")
    assert drive(elsewhere, data_dir=folder)[0].image[0, 0, 0] == 40


def test_list_of_images_with_spaces_in_their_names(folder: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "my town" / "a 1.png", 70)
    write_image(tmp_path / "a.png", 80)
    write_image(tmp_path / "a.png b.png", 90)
    (tmp_path / "drive.txt").write_text(
        "my town/a 1.png\n/my town/a 1.png\na.png b.png\n" + " ".join(["no.png"] * 99) + "\n"
    )
    opened = drive(tmp_path / "drive.txt")
    assert [int(frame.image[0, 0, 0]) for frame in opened] == [70, 70, 80]
    (tmp_path / "drive.txt").write_text("no town/a 1.png\n")
    with pytest.raises(DriveError, match=r"the first, of the line 'no town/a 1\.png', would be"):
        drive(tmp_path / "drive.txt")


def test_list_that_begins_with_a_byte_order_mark(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "drive.txt").write_text("town/frame3.png\n", encoding="utf-8-sig")
    assert [int(frame.image[0, 0, 0]) for frame in drive(tmp_path / "drive.txt")] == [30]


def test_lists_that_lead_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "drive.txt"
    file.write_text("\n")
    with pytest.raises(DriveError, match="names no image"):
        drive(file)
    file.write_text("a.png\nb.png\n")
    with pytest.raises(DriveError, match=r"none of the 2 images .* is there"):
        drive(file)
    for content in (b"\xff\xfe\x00\x81", b"a\x00.png\n"):
        file.write_bytes(content)
        with pytest.raises(DriveError, match="not text"):
            drive(file)


def test_real_drives(shared_data: Path) -> None:
    camvid = drive(shared_data / "data/camvid/drive_15hz", rate=15.0)
    assert len(camvid) == 60
    assert camvid[1].stamp == 66_666_667
    assert camvid[0].image.shape == (360, 480, 3)
    assert all(frame.labels is not None for frame in camvid)
    mono = drive(shared_data / "data/kitti/drive_10hz_mono")
    assert len(mono) == 51
    assert mono[7].image.shape == (370, 1226, 3)
    assert mono[7].labels is None
