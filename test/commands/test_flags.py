"""Flags that commands have in common: what they take, and what they refuse."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import pytest

from dvsnet_ros.commands import gentestcase, report, train, train_flow, train_segmenter
from dvsnet_ros.commands.report import command as report_command
from helpers.reports import SETTINGS, write_drive


@pytest.mark.parametrize(
    ("parser", "flag"),
    [
        (train_segmenter.parser, "--seed"),
        (train_flow.parser, "--seed"),
        (train_flow.parser, "--distil-stills"),
        (gentestcase.parser, "--seed"),
        (gentestcase.parser, "--stills-pairs"),
        (train.parser, "--seed"),
    ],
)
def test_negative_numbers_are_refused(
    parser: Callable[[], ArgumentParser], flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([flag, "-1"])
    assert f"argument {flag}: -1 does not work; use 0 or more" in capsys.readouterr().err


@pytest.mark.parametrize("frames", ["0", "-2"])
def test_a_drive_is_represented_by_at_least_one_frame(
    frames: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        train_flow.parser().parse_args(["--drive-frames", frames])
    assert f"{frames} frames are none; use 1 or more" in capsys.readouterr().err


def test_a_checkpoint_may_lie_at_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    town = write_drive(tmp_path)
    page = tmp_path / "town.html"
    files = ["--checkpoint=~/tiny.safetensors", "--decision-from=~/tiny.safetensors"]
    assert report.run([str(town / "town"), str(page), *files, *SETTINGS]) == 0
    assert page.exists()
    with pytest.raises(SystemExit):
        report_command.parser().parse_args(["a", "b.html", "--checkpoint=~nobody-of-this-name/c"])
    assert "'~nobody-of-this-name/c' can't be found" in capsys.readouterr().err
