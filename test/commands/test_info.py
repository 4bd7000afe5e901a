"""`dvsnet info` says what a checkpoint holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dvsnet_ros.commands.info import run
from dvsnet_ros.core.checkpoint import (
    InputFormat,
    load_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT


def test_a_checkpoint_is_described(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = LabelSet("shop", ("floor", "traffic cone"), ((9, 0, 255), (10, 20, 30)))
    checkpoint = untrained_checkpoint(labels)
    checkpoint.input = InputFormat(scale=0.25, magnification=1.5)
    path = tmp_path / "shop.safetensors"
    save_checkpoint(path, checkpoint)
    assert run([str(path)]) == 0
    said = capsys.readouterr().out
    flow = sum(weights.numel() for weights in checkpoint.networks["flow"].parameters())
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0] == str(path)
    assert f"flow flow_net {flow:,} num_classes 2, width 4" in lines
    assert "bgr, (pixel - (103.939, 116.779, 123.68)) * 0.25, regions magnified 1.5 times" in said
    assert lines[-4:] == [
        "label set shop, 2 classes",
        "id name red green blue",
        "0 floor 9 0 255",
        "1 traffic cone 10 20 30",
    ]


def test_the_shipped_weights_are_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{SHIPPED_CHECKPOINT}\n")
    order = ("segmentation", "flow", "decision", "input: bgr", "label set camvid, 11 classes")
    places = [said.index(f"\n{what}") for what in order]
    assert places == sorted(places)
    assert len(said.splitlines()) < 25


def test_the_model_card_shows_the_shipped_classes(repository: Path) -> None:
    card = (repository / "docs" / "model_card.md").read_text(encoding="utf-8")
    labels = load_checkpoint(SHIPPED_CHECKPOINT).label_set
    rows = (
        f"| {label} | {name} | {', '.join(map(str, color))} |"
        for label, (name, color) in enumerate(zip(labels.classes, labels.colors, strict=True))
    )
    assert "\n".join(rows) in card


def test_what_is_no_checkpoint_gets_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([str(tmp_path / "none.safetensors")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "does not exist; give a .safetensors file" in said.err
    assert said.err.count("\n") == 1
