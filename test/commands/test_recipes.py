"""The commands that the README and the docs show: each is known, and the longest recipe runs."""

import importlib
import re
import shlex
import subprocess
import textwrap
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands.flags import dashed
from dvsnet_ros.commands.main import COMMANDS, main
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.classes_file import read_classes
from dvsnet_ros.training.data import load_labelled

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def shown_commands(text: str) -> list[list[str]]:
    """The words of each indented line that starts with `dvsnet `, its continuations joined."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^ {4}(dvsnet .+)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_know_what_is_shown(page: Path) -> None:
    modules = {command.name: command.module for command in COMMANDS}
    for _, name, *arguments in shown_commands(page.read_text(encoding="utf-8")):
        if name in modules:
            parser = importlib.import_module(modules[name]).parser()
            parser.parse_args(dashed(arguments))
        else:
            assert name in ("COMMAND", "--help"), f"{page.name} shows dvsnet {name}"


@pytest.mark.timeout(300)
def test_a_dvsnet_for_your_own_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's own lines, with fewer steps, on three small recordings."""
    readme = PAGES[0].read_text(encoding="utf-8")
    recipe = readme[readme.index("**Make a DVSNet for your own camera.**") :]
    commands = shown_commands(recipe[: recipe.index("is the node's new `checkpoint`")])
    assert [words[1] for words in commands] == [
        "train-flow", "gentestcase", "gentestcase", "train", "report",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("monday.bag", "tuesday.bag", "wednesday.bag")):
        source = f"synthetic:width=160,height=128,duration=0.4,seed={seed}"
        assert main(["record", source, name]) == 0
    for _, name, *arguments in commands:
        arguments = [{"4000": "2"}.get(word, word) for word in arguments]
        extra = {"train": ["--epochs", "2"], "train-flow": ["--batch-size", "2"]}.get(name, [])
        assert main([name, *arguments, *extra]) == 0, name
    load_checkpoint("decision/dvsnet.safetensors").require(["segmentation", "flow", "decision"])
    assert "</html>" in Path("report.html").read_text(encoding="utf-8")


def write_image(path: Path, rows: list[list[tuple[int, int, int]]]) -> None:
    """An image of rows of (red, green, blue)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.array(rows, np.uint8)[..., ::-1])


def test_label_images_of_cvat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nshop floor:128,64,0::\n"
    )
    colours = [[(0, 0, 0), (128, 64, 0)], [(128, 64, 0), (1, 2, 3)]]
    write_image(Path("SegmentationClass/a_1.png"), colours)
    write_image(Path("JPEGImages/a_1.jpg"), colours)
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(code, {})
    assert read_classes(Path("classes.txt")).classes == ("background", "shop floor")
    assert read_classes(Path("classes.txt")).colors == ((0, 0, 0), (128, 64, 0))
    (still,) = load_labelled(Path("JPEGImages"), Path("labels"))
    assert still.labels.tolist() == [[0, 1], [1, 255]]


def test_label_images_of_cityscapes(tmp_path: Path) -> None:
    grey = [[(7, 7, 7)]]
    name = "aachen_000000_000019"
    write_image(tmp_path / f"leftImg8bit/val/aachen/{name}_leftImg8bit.png", grey)
    ids = tmp_path / f"gtFine/val/aachen/{name}_gtFine_labelTrainIds.png"
    ids.parent.mkdir(parents=True)
    cv2.imwrite(str(ids), np.array([[18]], np.uint8))
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^ {4}mkdir val.*?done$", text, re.DOTALL | re.MULTILINE)
    subprocess.run(["bash", "-euc", textwrap.dedent(lines)], cwd=tmp_path, check=True)
    (still,) = load_labelled(tmp_path / "val", tmp_path / "val_labels")
    assert (still.name, still.sequence, still.labels.tolist()) == (name, "aachen", [[18]])
