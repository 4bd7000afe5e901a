"""The commands that the README and the docs show: each is known, and the longest recipes run."""

import importlib
import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dvsnet_ros.commands.flags import dashed
from dvsnet_ros.commands.main import COMMANDS, main
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.classes_file import read_classes
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks.installed import GROUP
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.training.data import load_labelled
from helpers.installed import install

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def shown_commands(text: str) -> list[list[str]]:
    """The words of each indented line that starts with `dvsnet `, its continuations joined."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^ {4}(dvsnet .+)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


def training_text() -> str:
    return (ROOT / "docs" / "training.md").read_text(encoding="utf-8")


def training_code(words: str) -> str:
    """The block of Python in docs/training.md that has these words."""
    blocks = re.findall(r"```python\n(.*?)```", training_text(), re.DOTALL)
    (code,) = (block for block in blocks if words in block)
    return str(code)


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


STREET_NET = """
import torch.nn.functional as functional
from torch import nn

class StreetNet(nn.Sequential):
    def __init__(self, classes):
        super().__init__(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
                         nn.Conv2d(8, classes, 3, 4, 1))

    def forward(self, images):
        return functional.interpolate(super().forward(images), images.shape[-2:], mode="bilinear")
"""


@pytest.mark.timeout(300)
def test_a_dvsnet_of_your_own_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the docs' two programs to a checkpoint with all three networks that segments."""
    monkeypatch.chdir(tmp_path)
    packages = tmp_path / "packages"
    assert f'entry-points."{GROUP}"]\n    street = "street_networks:Street"\n' in training_text()
    entry_points = f"[{GROUP}]\nstreet = street_networks:Street\n"
    program = training_code("class Street(")
    install(packages, monkeypatch, "street_networks", program, entry_points)
    (packages / "street_net.py").write_text(STREET_NET)
    torch.manual_seed(0)
    own = importlib.import_module("street_net").StreetNet(19)
    torch.save(own.state_dict(), "street_net.pth")
    exec(training_code("street_net.pth"), {})
    assert main(["info", "street.safetensors"]) == 0
    source = "synthetic:width=160,height=128,duration=0.4"
    flow = ["--start-from", "shipped", "--segmenter", "street.safetensors", "--steps", "0"]
    flow += ["--distil-steps", "2", "--batch-size", "2", "--distil-drives", source, "--out", "flow"]
    assert main(["train-flow", *flow]) == 0
    cases = [source, "--restore-from", "flow/flow.safetensors", "--overlap", "64"]
    assert main(["gentestcase", *cases, "--max-distance", "2", "--save-dir", "cases"]) == 0
    decision = [
        "--start-from",
        "shipped",
        "--restore-from",
        "flow/flow.safetensors",
        "--epochs",
        "1",
    ]
    folders = ["--train-data-dir", "cases", "--val-data-dir", "cases", "--save-dir", "decision"]
    assert main(["train", *decision, *folders]) == 0
    whole = "decision/dvsnet.safetensors"
    assert main(["process", source, "masks", "--restore-from", whole]) == 0
    colours = np.random.default_rng(0).integers(0, 256, (4, 5, 3), np.uint8)
    smooth = cv2.resize(colours, (160, 128), interpolation=cv2.INTER_CUBIC)
    segmenter = VideoSegmenter(
        load_checkpoint(whole), rows=1, columns=1, overlap=0, precision="float32"
    )
    regions = torch.from_numpy(smooth[..., ::-1].copy()).permute(2, 0, 1).unsqueeze(0)
    mean, deviation = torch.tensor([[123.7, 116.3, 103.5], [58.4, 57.1, 57.4]]).view(2, 3, 1, 1)
    expected = own.eval()((regions - mean) / deviation)[0].argmax(0).numpy()
    assert len(np.unique(expected)) > 3
    assert (segmenter.segment(smooth).mask == expected).mean() > 0.99


def test_label_images_of_cvat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nshop floor:128,64,0::\n"
    )
    colours = [[(0, 0, 0), (128, 64, 0)], [(128, 64, 0), (1, 2, 3)]]
    write_image(Path("SegmentationClass/a_1.png"), colours)
    write_image(Path("JPEGImages/a_1.jpg"), colours)
    exec(training_code("labelmap.txt"), {})
    assert read_classes(Path("classes.txt")).classes == ("background", "shop floor")
    assert read_classes(Path("classes.txt")).colors == ((0, 0, 0), (128, 64, 0))
    (still,) = load_labelled(Path("JPEGImages"), Path("labels"), CAMVID)
    assert still.labels.tolist() == [[0, 1], [1, 255]]
