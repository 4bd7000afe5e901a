"""Folders as KITTI raw, Cityscapes and CamVid lay them out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.core.label_sets import CITYSCAPES
from dvsnet_ros.drives import Calibration, DriveError, drive
from dvsnet_ros.drives.stamps import usual_rate

SECOND = 1_000_000_000


def write(path: Path, value: int = 90, channels: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.full((4, 8, channels), value, np.uint8)
    assert cv2.imwrite(str(path), image)
    return path


def stamps_of(source: Path, rate: float | None = None) -> list[int]:
    return [frame.stamp for frame in drive(source, rate=rate)]


def seventeenths(*numbers: int) -> list[int]:
    return [round(number * SECOND / 17) for number in numbers]


@pytest.fixture
def stuttgart(tmp_path: Path) -> Path:
    folder = tmp_path / "leftImg8bit" / "demoVideo" / "stuttgart_00"
    for number in range(1, 6):
        write(folder / f"stuttgart_00_000000_00000{number}_leftImg8bit.png", 10 * number)
    return folder


def test_cityscapes_video(stuttgart: Path) -> None:
    opened = drive(stuttgart)
    assert (opened.name, opened.rate, len(opened)) == ("stuttgart_00", 17.0, 5)
    assert stamps_of(stuttgart) == seventeenths(0, 1, 2, 3, 4)
    assert stamps_of(stuttgart, rate=10.0)[1] == SECOND // 10
    assert opened[0].labels is None
    assert opened[0].calibration is None


def test_cityscapes_list_as_in_the_original(stuttgart: Path, tmp_path: Path) -> None:
    names = [f"/{file.relative_to(tmp_path)}" for file in sorted(stuttgart.iterdir())]
    (tmp_path / "video_list0.txt").write_text("\n".join(names[::2]))
    assert stamps_of(tmp_path / "video_list0.txt") == seventeenths(0, 2, 4)
    assert drive(tmp_path / "video_list0.txt").rate == 8.5


def test_cityscapes_snippets_are_apart(tmp_path: Path) -> None:
    folder = tmp_path / "leftImg8bit_sequence" / "train" / "ulm"
    for sequence, number in [(0, 18), (0, 19), (0, 20), (1, 18), (1, 19), (1, 400)]:
        write(folder / f"ulm_{sequence:06}_{number:06}_leftImg8bit.png")
    start, later = seventeenths(0, 1, 2), seventeenths(0, 1, 382)
    assert stamps_of(folder) == [*start, *(start[-1] + 12 * SECOND + stamp for stamp in later)]
    assert drive(folder).rate == 17.0


def test_cityscapes_stills_are_all_apart(tmp_path: Path) -> None:
    folder = tmp_path / "leftImg8bit" / "train" / "ulm"
    for sequence in range(3):
        write(folder / f"ulm_00000{sequence}_000019_leftImg8bit.png")
    assert stamps_of(folder) == [0, 12 * SECOND, 24 * SECOND]
    assert drive(folder).rate == 17.0


@pytest.mark.parametrize("kind", ["labelIds", "labelTrainIds"])
def test_cityscapes_labels(tmp_path: Path, kind: str) -> None:
    image = write(tmp_path / "leftImg8bit" / "val" / "ulm" / "ulm_000000_000019_leftImg8bit.png")
    by_name = {"unlabeled": 0, "road": 7, "wall": 12, "traffic light": 19, "car": 26, "bicycle": 33}
    names = [*by_name, "ego vehicle", "license plate"]
    train_ids = [255, 0, 3, 6, 13, 18, 255, 19]
    values = [*by_name.values(), 1, 255] if kind == "labelIds" else train_ids
    file = tmp_path / "gtFine" / "val" / "ulm" / f"ulm_000000_000019_gtFine_{kind}.png"
    file.parent.mkdir(parents=True)
    cv2.imwrite(str(file), np.tile(np.array(values, np.uint8), (4, 1)))
    frame = drive(image.parent)[0]
    labels = frame.labels
    assert frame.label_set == "cityscapes"
    assert labels is not None
    for name, value in zip(names, labels[3], strict=True):
        known = name in CITYSCAPES.classes
        assert value == (CITYSCAPES.classes.index(name) if known else 255), name


def test_train_ids_come_before_label_ids(tmp_path: Path) -> None:
    image = write(tmp_path / "leftImg8bit" / "val" / "ulm" / "ulm_000000_000019_leftImg8bit.png")
    labels = tmp_path / "gtFine" / "val" / "ulm" / "ulm_000000_000019_gtFine_labelIds.png"
    write(labels, 26, channels=1)
    write(labels.with_name(labels.name.replace("labelIds", "labelTrainIds")), 5, channels=1)
    found = drive(image.parent)[0].labels
    assert found is not None
    assert (found == 5).all()


def test_a_list_of_cityscapes_finds_labels_and_cameras(tmp_path: Path) -> None:
    names = []
    for city in ("lindau", "ulm"):
        folder = tmp_path / "leftImg8bit_sequence" / "val" / city
        for number in (18, 19):
            image = write(folder / f"{city}_000000_{number:06}_leftImg8bit.png")
            names.append(f"/{image.relative_to(tmp_path)}")
        labels = tmp_path / "gtFine" / "val" / city / f"{city}_000000_000019_gtFine_labelIds.png"
        write(labels, 26, channels=1)
    write(tmp_path / "own.png", 5, channels=1)
    camera = tmp_path / "camera" / "val" / "ulm" / "ulm_000000_000019_camera.json"
    camera.parent.mkdir(parents=True)
    camera.write_text('{"intrinsic": {"fx": 2262.5, "fy": 2265.25, "u0": 1096.5, "v0": 513.0}}')
    names[2] += " own.png"
    (tmp_path / "val.txt").write_text("\n".join(names))
    frames = list(drive(tmp_path / "val.txt"))
    labels_of = [None if frame.labels is None else frame.labels[0, 0] for frame in frames]
    car = CITYSCAPES.classes.index("car")
    assert labels_of == [None, car, 5, car]
    assert [frame.label_set for frame in frames] == ["", "cityscapes", "", "cityscapes"]
    assert [frame.calibration is None for frame in frames] == [True, True, False, False]


def test_cityscapes_camera(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "leftImg8bit_sequence" / "val" / "ulm"
    for sequence, number in [(0, 18), (0, 19), (1, 18), (2, 18)]:
        write(folder / f"ulm_{sequence:06}_{number:06}_leftImg8bit.png")
    cameras = tmp_path / "camera" / "val" / "ulm"
    cameras.mkdir(parents=True)
    numbers = {"fx": 2262.5, "fy": 2265.25, "u0": 1096.5, "v0": 513.0}
    camera = {"extrinsic": {"baseline": 0.2}, "intrinsic": numbers}
    (cameras / "ulm_000000_000019_camera.json").write_text(json.dumps(camera))
    (cameras / "ulm_000001_000019_camera.json").write_text('{"intrinsic": {"fx": "wide"}}')
    with caplog.at_level(logging.WARNING):
        opened = drive(folder)
    calibration = opened[1].calibration
    assert calibration is not None
    assert (calibration.height, calibration.width) == (1024, 2048)
    assert calibration.k == (2262.5, 0, 1096.5, 0, 2265.25, 513.0, 0, 0, 1)
    assert calibration.p == (2262.5, 0, 1096.5, 0, 0, 2265.25, 513.0, 0, 0, 0, 1, 0)
    assert opened[0].calibration == calibration  # the snippet's
    assert (opened[2].calibration, opened[3].calibration) == (None, None)
    assert "ulm_000001_000019_camera.json is left aside" in caplog.text


CALIBRATION = """\
calib_time: 09-Jan-2012 13:57:47
corner_dist: 9.950000e-02
S_02: 1.392000e+03 5.120000e+02
K_02: 960 0 694 0 957 224 0 0 1
D_02: -0.37 0.2 0.001 0.002 -0.07
R_02: 1 0 0 0 1 0 0 0 1
R_rect_02: 0.99 0 0 0 0.98 0 0 0 0.97
P_rect_02: 721 0 609 44 0 722 172 0.2 0 0 1 0.003
S_rect_02: 1.242000e+03 3.750000e+02
"""


def kitti(date: Path, cameras: list[str], kind: str = "sync") -> Path:
    folder = date / f"2011_09_26_drive_0001_{kind}"
    for camera in cameras:
        for number in range(3):
            write(folder / camera / "data" / f"{number:010}.png", int(camera[-1]))
        lines = [f"2011-09-26 13:02:25.{number}00000009" for number in range(3)]
        (folder / camera / "timestamps.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_kitti_drive(tmp_path: Path) -> None:
    folder = kitti(tmp_path, ["image_00", "image_02"])
    for place in (folder, folder / "image_02", folder / "image_02" / "data"):
        opened = drive(place)
        assert (opened.name, opened.rate) == ("2011_09_26_drive_0001_sync image_02", 10.0)
        assert stamps_of(place) == [1317042145_000000009 + i * SECOND // 10 for i in range(3)]
        assert opened[0].image[0, 0, 0] == 2
    assert drive(folder / "image_00")[0].image[0, 0, 0] == 0
    assert stamps_of(folder, rate=5.0) == [0, SECOND // 5, 2 * SECOND // 5]


def test_a_rate_is_that_of_most_neighbours(tmp_path: Path) -> None:
    lines = [f"2011-09-26 13:02:{second}" for second in ("25.00", "25.04", "25.08", "45.00")]
    for number in range(len(lines)):
        write(tmp_path / f"{number}.png")
    (tmp_path / "timestamps.txt").write_text("\n".join(lines))
    assert drive(tmp_path).rate == 25.0  # the pause counts for nothing
    fifth = SECOND // 5
    assert usual_rate([0, fifth, 0, 0, 0]) == 5.0  # nor does a stamp that is not later
    assert usual_rate([SECOND, SECOND, 0]) is None


@pytest.fixture
def _far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_far_from_greenwich")
def test_kitti_stamps_are_utc_wherever_they_are_read(tmp_path: Path) -> None:
    assert stamps_of(kitti(tmp_path, ["image_00"]))[0] == 1317042145_000000009


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("26.09.2011 13:02:25", "is no stamp such as 2011-09-26 13:02:25.964389445"),
        ("2011-13-26 13:02:25.9", "month must be in 1..12"),
    ],
)
def test_a_line_that_is_no_stamp(tmp_path: Path, line: str, reason: str) -> None:
    folder = kitti(tmp_path, ["image_00"]) / "image_00"
    stamps = folder / "timestamps.txt"
    stamps.write_text("\n".join([*stamps.read_text().splitlines()[1:], line]))
    with pytest.raises(DriveError, match=f"holds the line '{line}'.*{reason}.*; write .rate=10"):
        drive(folder)


def test_which_camera_of_a_kitti_drive(tmp_path: Path) -> None:
    assert drive(kitti(tmp_path / "one", ["image_03"]))[0].image[0, 0, 0] == 3
    with pytest.raises(DriveError, match="cameras image_00, image_01; give the folder of one"):
        drive(kitti(tmp_path / "two", ["image_00", "image_01"]))


def test_kitti_calibration(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "calib_cam_to_cam.txt").write_text(CALIBRATION)
    p = (721, 0, 609, 44, 0, 722, 172, 0.2, 0, 0, 1, 0.003)
    rectified = drive(kitti(tmp_path, ["image_02"]))[0].calibration
    k, identity = (721, 0, 609, 0, 722, 172, 0, 0, 1), (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert rectified == Calibration(375, 1242, "plumb_bob", (0,) * 5, k, identity, p)
    unrectified = drive(kitti(tmp_path, ["image_02"], "extract"))[0].calibration
    d, r = (-0.37, 0.2, 0.001, 0.002, -0.07), (0.99, 0, 0, 0, 0.98, 0, 0, 0, 0.97)
    k = (960, 0, 694, 0, 957, 224, 0, 0, 1)
    assert unrectified == Calibration(512, 1392, "plumb_bob", d, k, r, p)
    for broken in ("P_rect_02: 1 2\n", "", CALIBRATION.replace("721", "nan")):
        (tmp_path / "calib_cam_to_cam.txt").write_text(broken)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert drive(kitti(tmp_path, ["image_02"]))[0].calibration is None
        assert "calib_cam_to_cam.txt is left aside" in caplog.text


@pytest.mark.parametrize(
    ("names", "stamps", "rate"),
    [
        (["0016E5_07959", "0016E5_07961", "0016E5_07963"], [0, 66_666_667, 133_333_333], 15.0),
        (["0006R0_f00930", "0006R0_f00960", "0006R0_f01050"], [0, SECOND, 4 * SECOND], 1.0),
        (["Seq05VD_f00000", "Seq05VD_f00030"], [0, SECOND], 1.0),
        (["0001TP_006690", "0016E5_00390", "0016E5_00420"], [0, 12 * SECOND, 13 * SECOND], 1.0),
        (["0001TP_006690", "holiday_006720"], [0, SECOND // 10], 10.0),
        (["0016E5_07959"], [0], 30.0),
    ],
)
def test_camvid_names_say_when(
    tmp_path: Path, names: list[str], stamps: list[int], rate: float
) -> None:
    for name in names:
        write(tmp_path / f"{name}.png")
    assert stamps_of(tmp_path) == stamps
    assert drive(tmp_path).rate == rate


def test_names_that_count_backwards_say_nothing(tmp_path: Path) -> None:
    write(tmp_path / "0016E5_07959.png")
    write(tmp_path / "0016E5_07959.bmp")
    assert stamps_of(tmp_path) == [0, SECOND // 10]


def test_real_camvid(shared_data: Path) -> None:
    measured = drive(shared_data / "data" / "camvid" / "drive_15hz")
    stamps = [measured.files[index].stamp for index in range(60)]  # type: ignore[attr-defined]
    assert stamps == [round(index * SECOND / 15) for index in range(60)]
    assert measured.rate == 15.0
    training = drive(shared_data / "data" / "camvid" / "train")
    stamps = [training.files[index].stamp for index in range(367)]  # type: ignore[attr-defined]
    steps = [later - earlier for earlier, later in pairwise(stamps)]
    assert min(steps) > 0
    assert training.rate == 1.0
    names = [file.path.stem for file in training.files]  # type: ignore[attr-defined]
    borders = [i for i, (a, b) in enumerate(pairwise(names)) if a[:6] != b[:6]]
    assert len(borders) == 2
    assert [steps[border] for border in borders] == [12 * SECOND] * 2


def test_real_kitti_without_its_stamps(shared_data: Path) -> None:
    opened = drive(shared_data / "data" / "kitti" / "drive_10hz")
    assert opened.rate == 10.0
    assert opened[49].stamp == round(4.9 * SECOND)
