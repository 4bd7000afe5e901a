"""Segmentation networks that other installed packages bring."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dvsnet_ros.core.checkpoint import (
    CheckpointError,
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks import NetworkSpec, build_network
from dvsnet_ros.core.networks.installed import GROUP, installed_architectures
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from helpers.installed import install

STRIPES = """
import torch
from torch import nn

class Stripes(nn.Module):
    \"\"\"Logits at 1/4, in stripes of the classes, of a table that is not among the weights.\"\"\"

    def __init__(self, num_classes, gain=1.0):
        super().__init__()
        self.first = nn.Conv2d(3, num_classes, 4, 4)
        self.second = nn.Conv2d(3, num_classes, 4, 4)
        self.second.weight = self.first.weight
        self.register_buffer("order", torch.arange(num_classes).view(1, -1) * 3000)
        self.register_buffer("gain", torch.tensor(gain), persistent=False)

    def forward(self, regions):
        logits = self.first(regions) * 0 + self.second(regions) * 0
        columns = torch.arange(logits.shape[-1], device=regions.device) // 8 % logits.shape[1]
        logits = logits.scatter_(1, columns.expand(len(logits), 1, logits.shape[2], -1), 1.0)
        return logits * self.gain

class Short(Stripes):
    def forward(self, regions):
        return super().forward(regions)[:, 1:]

class Named(Stripes):
    def forward(self, regions):
        return {"out": super().forward(regions)}

class Loose(Stripes):
    def __init__(self, **arguments):
        super().__init__(**arguments)

class Offline(Stripes):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        raise OSError("no route to host,\\nwhere its weights are")
"""
NAMES = ("Stripes", "Short", "Named", "Loose", "Offline")
CLASSES = len(CAMVID.classes)


@pytest.fixture
def stripes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name.lower(): f"stripes:{name}" for name in NAMES}
    names["lost"] = "stripes:Lost"
    lines = [f"[{GROUP}]", *(f"{name} = {value}" for name, value in names.items())]
    install(tmp_path / "packages", monkeypatch, "stripes", STRIPES, "\n".join(lines))


def saved(path: Path, architecture: str, **arguments: float) -> Path:
    """A checkpoint file whose segmentation network is of this architecture, the others ours."""
    checkpoint = untrained_checkpoint()
    spec = NetworkSpec(architecture, {"num_classes": CLASSES, **arguments})
    own = new_checkpoint({"segmentation": spec}, CAMVID)
    checkpoint.networks.update(own.networks)
    checkpoint.specs.update(own.specs)
    save_checkpoint(path, checkpoint, half=True)
    return path


@pytest.mark.usefixtures("stripes")
def test_a_network_of_another_package(tmp_path: Path) -> None:
    assert installed_architectures() == sorted(["lost", *map(str.lower, NAMES)])
    checkpoint = load_checkpoint(saved(tmp_path / "a.safetensors", "stripes", gain=9.0))
    assert checkpoint.specs["segmentation"].argument("gain") == 9.0
    network = checkpoint.networks["segmentation"]
    assert network.get_buffer("order").tolist() == [[3000 * n for n in range(CLASSES)]]
    assert torch.equal(
        network.get_parameter("first.weight"), network.get_parameter("second.weight")
    )
    frame = np.random.default_rng(0).integers(0, 256, (64, 400, 3), np.uint8)
    mask = VideoSegmenter(checkpoint, rows=1, columns=1, overlap=0).segment(frame).mask
    assert [int(mask[30, 32 * n + 16]) for n in range(12)] == [*range(CLASSES), 0]


@pytest.mark.usefixtures("stripes")
def test_loading_it_draws_nothing_at_random(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors", "stripes")
    before = torch.get_rng_state()
    load_checkpoint(path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.usefixtures("stripes")
@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [
        ("short", r"gave \(4, 10, \d+, \d+\) for 4 regions; it must give logits \(4, 11, height"),
        ("named", r"gave dict for 4 regions; it must give logits \(4, 11, height, width\), a"),
    ],
)
def test_what_gives_no_logits_is_told(tmp_path: Path, architecture: str, sentence: str) -> None:
    segmenter = VideoSegmenter(load_checkpoint(saved(tmp_path / "a.safetensors", architecture)))
    with pytest.raises(ValueError, match=sentence):
        segmenter.segment(np.zeros((128, 160, 3), np.uint8))


def test_a_package_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as installed:
        lines = f"[{GROUP}]\nstripes = stripes:Stripes"
        install(tmp_path / "packages", installed, "stripes", STRIPES, lines)
        path = saved(tmp_path / "a.safetensors", "stripes")
    with pytest.raises(
        CheckpointError,
        match=r"'stripes' is unknown for the segmentation network; "
        r"this version has compact, deeplab_fast; a package that brings it must be installed",
    ):
        load_checkpoint(path)


@pytest.mark.usefixtures("stripes")
def test_a_package_that_can_not_be_imported() -> None:
    with pytest.raises(ValueError, match="'lost' can't be imported from stripes:Lost: Attribute"):
        build_network(NetworkSpec("lost", {"num_classes": CLASSES}))


@pytest.mark.usefixtures("stripes")
def test_arguments_that_it_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"'stripes' can't be built with \{'depth': 3\}"):
        build_network(NetworkSpec("stripes", {"depth": 3}))


@pytest.mark.usefixtures("stripes")
def test_a_constructor_that_takes_what_it_is_given(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(saved(tmp_path / "a.safetensors", "loose", gain=2.0))
    assert checkpoint.specs["segmentation"].argument("num_classes") == CLASSES


@pytest.mark.usefixtures("stripes")
def test_a_constructor_that_fails(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.safetensors", "stripes")
    path.write_bytes(path.read_bytes().replace(b'\\"stripes\\"', b'\\"offline\\"'))
    with pytest.raises(
        CheckpointError,
        match=r"a\.safetensors' can't be used: architecture 'offline' can't be built with "
        r"\{'num_classes': 11\}: OSError: no route to host, where its weights are$",
    ):
        load_checkpoint(path)


@pytest.mark.usefixtures("stripes")
def test_two_packages_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = f"[{GROUP}]\nstripes = other:Other"
    install(tmp_path / "others", monkeypatch, "other", "", lines)
    with pytest.raises(ValueError, match=r"several installed packages bring .*'stripes': other:"):
        build_network(NetworkSpec("stripes", {"num_classes": CLASSES}))


def test_an_architecture_that_nobody_brings() -> None:
    with pytest.raises(ValueError, match="no installed package brings the architecture 'nothing'"):
        build_network(NetworkSpec("nothing"))
