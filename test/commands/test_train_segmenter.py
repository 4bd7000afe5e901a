"""`dvsnet train-segmenter` from a folder of images to a checkpoint."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import torch

from dvsnet_ros.commands.flags import INTERRUPTED
from dvsnet_ros.commands.train_segmenter import run
from dvsnet_ros.core.checkpoint import load_checkpoint
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

    start = ["--start-from", str(out / WEIGHTS_FILE), "--out", str(tmp_path / "more")]
    unlabelled = ["--unlabelled-drives", str(tmp_path / "images"), "--unlabelled-frames", "2"]
    mixed = ["--pasted", "1", "--start-share", "0.5"]
    assert run([*arguments, "--epochs", "1", *start, *unlabelled, *mixed]) == 0
    assert read_log(tmp_path / "more" / LOG_FILE)[-1]["step"] == 4  # 2 stills and 2 frames


def test_wrong_input_is_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong, message in (
        (["--val-sequences", "c"], "there are a, b"),
        (["--epochs", "0"], "at least one epoch"),
        (["--unlabelled-drives", str(tmp_path / "images")], "needs --start-from"),
        (["--start-from", str(tmp_path / "none.safetensors")], "does not exist"),
        (["--start-share", "0.5"], "give --start-from"),
        (["--pasted", "2"], "give 0 to 1"),
        (["--batch-size", "0"], "batch size 0 does not work; give 1 or more"),
        (["--learning-rate", "nan"], "learning rate nan does not work; give a number above 0"),
    ):
        assert run([*arguments, *wrong]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


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
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        while not (read_log(log) if log.exists() else []):
            assert process.poll() is None
            process.stderr.read(1)  # the progress bar ticks
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "--resume goes on" in errors
    step = torch.load(tmp_path / "out" / STATE_FILE, weights_only=True)["step"]
    assert step >= 2
