"""`dvsnet train-segmenter` from a folder of images to a checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dvsnet_ros.commands.flags import INTERRUPTED
from dvsnet_ros.commands.train_segmenter import run
from dvsnet_ros.commands.training_loop import SETTINGS_FILE
from dvsnet_ros.core.checkpoint import (
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.evaluation.stand_ins import with_stand_ins
from dvsnet_ros.training.segmenter import LOG_FILE, STATE_FILE, WEIGHTS_FILE
from dvsnet_ros.training.state import read_log
from helpers.stills import make_still


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for seed, name in enumerate(("a_1", "a_2", "b_1")):
        still = make_still(name, seed)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), still.image)
        cv2.imwrite(str(tmp_path / "labels" / f"{name}.png"), still.labels)
    folders = ["--data-dir", str(tmp_path / "images"), "--labels-dir", str(tmp_path / "labels")]
    small = ["--batch-size", "1", "--small-share", "1", "--precision", "float32", "--width", "4"]
    return [*folders, "--out", str(tmp_path / "out"), "--val-sequences", "b", *small]


def test_trains_measures_and_writes_a_checkpoint(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--epochs", "1"]) == 0
    out = tmp_path / "out"
    assert list(load_checkpoint(out / WEIGHTS_FILE).networks) == ["segmentation"]
    assert [record["epoch"] for record in read_log(out / LOG_FILE)] == [1]

    assert run([*arguments, "--epochs", "1"]) == 2
    assert "--resume goes on with it" in capsys.readouterr().err
    assert run([*arguments, "--epochs", "1", "--resume"]) == 0

    capsys.readouterr()
    assert run([*arguments, "--epochs", "1", "--resume", "--val-sequences", "a"]) == 2
    said = capsys.readouterr().err
    assert "of other settings: val sequences ['b'] instead of ['a']; go on with" in said

    for damaged in ("", "[1]"):
        (out / SETTINGS_FILE).write_text(damaged)
        assert run([*arguments, "--epochs", "1", "--resume"]) == 2
        assert f"'{out / SETTINGS_FILE}' can't be read" in capsys.readouterr().err

    start = ["--start-from", str(out / WEIGHTS_FILE), "--out", str(tmp_path / "more")]
    unlabelled = ["--unlabelled-drives", str(tmp_path / "images"), "--unlabelled-frames", "2"]
    mixed = ["--pasted", "1", "--start-share", "0.5"]
    assert run([*arguments, "--epochs", "1", *start, *unlabelled, *mixed]) == 0
    assert read_log(tmp_path / "more" / LOG_FILE)[-1]["step"] == 4  # 2 stills and 2 frames


def test_a_training_that_learns_nothing_more_ends(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--epochs", "9", "--learning-rate", "1e30"]) == 2
    assert "is nan, so nothing more is learned; try a smaller" in capsys.readouterr().err
    assert not (tmp_path / "out" / WEIGHTS_FILE).exists()


def test_wrong_input_is_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(tmp_path / "deeplab.safetensors", untrained_checkpoint())
    for wrong, message in (
        (["--val-sequences", "c"], "there are a, b"),
        (["--epochs", "0"], "at least one epoch"),
        (["--unlabelled-drives", str(tmp_path / "images")], "needs --start-from"),
        (["--start-from", str(tmp_path / "none.safetensors")], "does not exist"),
        (["--start-from", str(tmp_path / "deeplab.safetensors")], "only a 'compact' one is"),
        (["--start-share", "0.5"], "give --start-from"),
        (["--pasted", "2"], "give 0 to 1"),
        (["--batch-size", "0"], "batch size 0 does not work; give 1 or more"),
        (["--learning-rate", "nan"], "learning rate nan does not work; give a number above 0"),
    ):
        assert run([*arguments, *wrong]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.fixture
def own_classes(arguments: list[str], tmp_path: Path) -> list[str]:
    """The arguments with three classes: CamVid's sky, road and car under other ids and names."""
    ids = np.full(256, 200, np.uint8)
    ids[[CAMVID.classes.index(name) for name in ("sky", "road", "car")]] = (2, 0, 1)
    for path in (tmp_path / "labels").iterdir():
        cv2.imwrite(str(path), ids[cv2.imread(str(path), cv2.IMREAD_UNCHANGED)])
    file = tmp_path / "shop.txt"
    file.write_text("shop floor: 128 64 128\ntraffic cone: 0 0 192\nceiling\n")
    return [*arguments, "--classes", str(file), "--epochs", "1"]


def test_own_classes_come_out_of_their_labels(own_classes: list[str], tmp_path: Path) -> None:
    assert run(own_classes) == 0
    assert len(read_log(tmp_path / "out" / LOG_FILE)[-1]["class_iou"]) == 3
    checkpoint = load_checkpoint(tmp_path / "out" / WEIGHTS_FILE)
    assert checkpoint.label_set.name == "shop"
    assert checkpoint.label_set.classes == ("shop floor", "traffic cone", "ceiling")
    assert checkpoint.label_set.colors[:2] == ((128, 64, 128), (0, 0, 192))

    segmenter = VideoSegmenter(with_stand_ins(checkpoint), rows=1, columns=1, overlap=0)
    segmentation = segmenter.segment(make_still("c_1", 7).image, 0)
    assert segmentation.mask.shape == (48, 64)
    assert segmentation.mask.max() < 3
    assert segmenter.label_set == checkpoint.label_set


def test_a_training_goes_on_with_its_classes_alone(
    own_classes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(own_classes) == 0
    assert run([*own_classes, "--resume"]) == 0
    (tmp_path / "shop.txt").write_text("shop floor\nceiling\ntraffic cone\n")
    assert run([*own_classes, "--resume"]) == 2
    assert "of other settings: classes file with sha256" in capsys.readouterr().err


def test_starts_from_weights_for_other_classes(
    arguments: list[str], own_classes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = tmp_path / "camvid.safetensors"
    torch.manual_seed(0)
    specs = {"segmentation": NetworkSpec("compact", {"num_classes": 11, "width": 4})}
    save_checkpoint(start, new_checkpoint(specs, CAMVID))
    other = [*own_classes, "--start-from", str(start)]
    assert run([*other, "--learning-rate", "1e-9"]) == 0
    said = capsys.readouterr().out
    assert "--start-from has 11 classes, not 3: the layers that depend on" in said
    assert run([*other, "--learning-rate", "1e-9", "--resume"]) == 0
    assert "start anew" not in capsys.readouterr().out
    before, after = (
        load_checkpoint(path).networks["segmentation"].state_dict()
        for path in (start, tmp_path / "out" / WEIGHTS_FILE)
    )
    for name, weight in before.items():
        if name.startswith(("classify", "correct")):
            assert len(after[name]) == 3
        elif name.endswith("conv.weight"):
            assert torch.allclose(after[name], weight, atol=1e-6), name

    again = ["--out", str(tmp_path / "again")]
    for wrong, message in (
        (["--start-share", "0.5"], "a share of weights for 11 classes can't be written for 3"),
        (["--unlabelled-drives", str(tmp_path / "images")], "whose classes are others"),
    ):
        assert run([*other, *again, *wrong]) == 2
        assert message in capsys.readouterr().err

    start_from_own = ["--start-from", str(tmp_path / "out" / WEIGHTS_FILE)]
    self_training = ["--unlabelled-drives", str(tmp_path / "images"), "--unlabelled-frames", "2"]
    assert run([*own_classes, *again, *start_from_own, *self_training]) == 0
    assert "start anew" not in capsys.readouterr().out


def test_what_does_not_go_with_own_classes_is_one_line(
    own_classes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = tmp_path / "two.txt"
    two.write_text("shop floor\n")
    for wrong, message in (
        (
            ["--drives", "synthetic"],
            "are of the label set camvid; give a drive with labels of shop",
        ),
        (["--pasted", "0.5"], "no class of label set 'shop' can be pasted"),
        (["--classes", str(two)], "give 2 to 255 classes"),
        (["--classes", str(tmp_path / "none.txt")], "there is no file"),
    ):
        assert run([*own_classes, *wrong]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def test_labels_of_no_class_are_told(
    own_classes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "shop.txt").open("a") as file:
        file.write("door\n")
    assert run(own_classes) == 0
    assert "has a label of door; the ids in them are 0, " in capsys.readouterr().out
    for path in (tmp_path / "labels").iterdir():
        cv2.imwrite(str(path), np.full((48, 64), 255, np.uint8))
    assert run([*own_classes, "--out", str(tmp_path / "void")]) == 2
    assert "no pixel of the labels has an id of label set 'shop', 0 to 3" in capsys.readouterr().err


def test_no_frames_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for flag in ("--drive-frames", "--unlabelled-frames"):
        with pytest.raises(SystemExit):
            run([*arguments, flag, "0"])
        assert "0 frames are none; use 1 or more" in capsys.readouterr().err


def test_an_interrupt_saves_and_resume_goes_on(arguments: list[str], tmp_path: Path) -> None:
    module = [sys.executable, "-m", "dvsnet_ros.commands.main", "train-segmenter"]
    command = [*module, *arguments, "--epochs", "1000"]
    log = tmp_path / "out" / LOG_FILE
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stderr is not None
        while not (read_log(log) if log.exists() else []):
            assert process.poll() is None
            process.stderr.read(1)  # the progress bar ticks
        os.killpg(process.pid, signal.SIGTERM)  # as timeout, systemd and batch systems do
        _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "--resume goes on" in errors
    step = torch.load(tmp_path / "out" / STATE_FILE, weights_only=True)["step"]
    assert step >= 2
