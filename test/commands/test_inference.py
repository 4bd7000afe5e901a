"""`dvsnet inference` on small drives, with a tiny untrained checkpoint."""

import csv
import shutil
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands import inference
from dvsnet_ros.core.checkpoint import load_checkpoint, save_checkpoint, untrained_checkpoint
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives.mask_folder import MaskFolder
from helpers.bags import raw, write_bag
from helpers.limits import largest_file

SETTINGS = [
    "--overlap",
    "16",
    "--device",
    "cpu",
    "--precision",
    "float32",
    "--target",
    "85",
    "--dynamic",
]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save_checkpoint(path, untrained_checkpoint())
    return path


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drive")
    random = np.random.default_rng(0)
    for index in range(5):
        image = random.integers(0, 256, (96, 128, 3), np.uint8)
        cv2.imwrite(str(folder / f"frame{index}.png"), image)
    return folder


def outputs(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_folder_of_images(
    checkpoint: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(images), "--restore-from", str(checkpoint), "--save-dir", str(tmp_path)]
    assert inference.run([*arguments, *SETTINGS, "--save-ids"]) == 0
    expected = [f"{kind}{i:06}.png" for kind in ("ids", "mask") for i in range(5)]
    assert outputs(tmp_path) == ["decisions.csv", *expected]
    segmenter = VideoSegmenter(
        load_checkpoint(checkpoint),
        overlap=16,
        schedule=Schedule("dynamic", 85.0),
        age_discount=0.0,
        device="cpu",
        precision="float32",
    )
    rows = list(csv.DictReader((tmp_path / "decisions.csv").open()))
    for index in range(5):
        segmentation = segmenter.segment(cv2.imread(str(images / f"frame{index}.png")))
        ids = cv2.imread(str(tmp_path / f"ids{index:06}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(ids, segmentation.mask)
        colored = cv2.imread(str(tmp_path / f"mask{index:06}.png"))
        np.testing.assert_array_equal(colored, CAMVID.colorize(segmentation.mask))
        paths = [row["path"] for row in rows if int(row["frame"]) == index]
        assert paths == [decision.path.label for decision in segmentation.decisions]
    printed = capsys.readouterr().out
    assert "frames/s" in printed
    assert "segmentation path" in printed


def test_frames_that_can_not_be_segmented_are_left_out_and_counted(
    checkpoint: Path, images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, out = shutil.copytree(images, tmp_path / "drive"), tmp_path / "out"
    (source / "frame1.png").write_bytes(b"no image")
    cv2.imwrite(str(source / "frame3.png"), np.zeros((16, 128, 3), np.uint8))
    arguments = [str(source), "--restore-from", str(checkpoint), "--save-dir", str(out)]
    assert inference.run([*arguments, *SETTINGS]) == 0
    assert outputs(out) == ["decisions.csv", *(f"mask{number:06}.png" for number in (0, 2, 4))]
    rows = list(csv.DictReader((out / "decisions.csv").open()))
    assert sorted({row["frame"] for row in rows}) == ["0", "2", "4"]
    assert {row["path"] for row in rows if row["frame"] == "4"} == {"segmentation"}
    assert [message.split(":")[1] for message in caplog.messages] == [
        " frame 1 is skipped",
        " frame 3 is skipped",
    ]


def test_masks_of_an_earlier_run_are_not_mixed_with_new_ones(
    checkpoint: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(images), "--restore-from", str(checkpoint), "--save-dir", str(tmp_path)]
    (tmp_path / "notes.txt").touch()
    assert inference.run([*arguments, *SETTINGS]) == 0
    before = outputs(tmp_path)
    assert inference.run([*arguments, *SETTINGS, "--num-steps", "2"]) == 2
    assert f"'{tmp_path}' holds masks of an earlier run; give another" in capsys.readouterr().err
    assert outputs(tmp_path) == before


def test_masks_do_not_lie_among_the_drives_images(
    checkpoint: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = shutil.copytree(images, tmp_path / "video")  # as the masks' folder is called
    before = outputs(source)
    monkeypatch.chdir(tmp_path)
    assert inference.run(["./video/?rate=5", "--restore-from", str(checkpoint), *SETTINGS]) == 2
    assert "'video' is the drive's own folder; give another --save-dir" in capsys.readouterr().err
    (tmp_path / "list.txt").write_text("".join(f"{path.name}\n" for path in source.iterdir()))
    listed = ["--data-list", "list.txt", "--data-dir", "video"]
    assert inference.run([*listed, "--restore-from", str(checkpoint), *SETTINGS]) == 2
    assert "'video' is the drive's own folder; give another --save-dir" in capsys.readouterr().err
    assert outputs(source) == before


def test_a_video_and_num_steps(checkpoint: Path, images: Path, tmp_path: Path) -> None:
    video = tmp_path / "drive.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (128, 96))
    for index in range(5):
        writer.write(cv2.imread(str(images / f"frame{index}.png")))
    writer.release()
    arguments = f"--data-list {video} --restore_from {checkpoint} --save_dir {tmp_path / 'out'}"
    assert inference.run([*arguments.split(), *SETTINGS, "--num-steps", "3"]) == 0
    masks = [f"mask{index:06}.png" for index in range(3)]
    assert outputs(tmp_path / "out") == ["decisions.csv", *masks]


def test_a_bag(
    checkpoint: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [cv2.imread(str(images / f"frame{index}.png")) for index in range(2)]
    stamps = [0, 100_000_000]
    topics = ("/front/image_raw", "/rear/image_raw")
    sent = [(topic, s, raw(f, s)) for topic in topics for s, f in zip(stamps, frames, strict=True)]
    bag = write_bag(tmp_path / "town.bag", sent)
    more = ["--restore-from", str(checkpoint), "--save-dir", str(tmp_path / "out"), *SETTINGS]
    assert inference.run([f"{bag}?topic=/rear/image_raw", *more]) == 0
    assert outputs(tmp_path / "out") == ["decisions.csv", "mask000000.png", "mask000001.png"]
    assert inference.run([str(bag), *more]) == 2
    assert "choose one, such as town.bag?topic=/front/image_raw\n" in capsys.readouterr().err


def test_interrupted_it_leaves_whole_masks(
    checkpoint: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write = MaskFolder.write

    def interrupt_and_write(folder: MaskFolder, index: int, segmentation: Segmentation) -> None:
        if index == 1:
            signal.raise_signal(signal.SIGINT)
        write(folder, index, segmentation)

    monkeypatch.setattr(MaskFolder, "write", interrupt_and_write)
    arguments = [str(images), "--restore-from", str(checkpoint), "--save-dir", str(tmp_path)]
    assert inference.run([*arguments, *SETTINGS]) == 130
    assert capsys.readouterr().err.endswith("interrupted; the masks so far are whole\n")
    assert outputs(tmp_path) == ["mask000000.png", "mask000001.png"]


@pytest.mark.parametrize("size", [10, 200])
def test_a_full_disk_leaves_whole_masks(
    checkpoint: Path, images: Path, tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(images), "--restore-from", str(checkpoint), "--save-dir", str(tmp_path)]
    with largest_file(size):
        assert inference.run([*arguments, *SETTINGS, "--save-ids"]) == 2
    assert f"'{tmp_path}' can't be written: File too large" in capsys.readouterr().err
    assert outputs(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("{images} --restore-from no.safetensors", "does not exist"),
        ("{images}/no --restore-from {checkpoint}", "there is no"),
        ("--restore-from {checkpoint}", "which drive?"),
        ("{images} --data-list l.txt --restore-from {checkpoint}", "or the list l.txt? give one"),
        ("{images} --restore-from {checkpoint} --overlap 10", "divisible by 8"),
        ("{images} --restore-from {checkpoint} --overlap 64", "at most 48"),
        ("{images} --restore-from {checkpoint} --target 101", "from 0 to 100"),
        ("{images} --restore-from {checkpoint} --overlap 16 --device tpu", "unknown"),
    ],
)
def test_wrong_input_gets_a_sentence(
    arguments: str,
    sentence: str,
    checkpoint: Path,
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = arguments.format(images=images, checkpoint=checkpoint).split()
    assert inference.run([*words, "--save-dir", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("dvsnet inference: ")
    assert sentence in error
    assert not list(tmp_path.rglob("decisions.csv*"))
