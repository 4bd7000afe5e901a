"""Starting from networks that were trained for another number of classes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsnet_ros.commands import gentestcase, train, train_flow
from dvsnet_ros.core.checkpoint import (
    Checkpoint,
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import CAMVID, LabelSet
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.networks.compact import CompactSegmenter
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import drive
from dvsnet_ros.training.flow import initialise
from dvsnet_ros.training.other_classes import for_its_classes
from dvsnet_ros.training.segmenter import INPUT
from dvsnet_ros.training.state import fitted
from helpers.stills import make_still, write_still

SHOP = LabelSet("shop", ("floor", "shelf", "traffic cone"), ((0, 0, 0), (9, 9, 9), (255, 0, 0)))


def test_what_depends_on_the_classes_starts_anew() -> None:
    start, network = FlowNet(11, 4, correction=8), FlowNet(3, 4, correction=8, tracked=True)
    initialise(network)
    weights = fitted(for_its_classes(start, network, 0.0), network).state_dict()
    for name, weight in start.state_dict().items():
        layer = name.rpartition(".")[0]
        anew = layer in ("predict_scale", "correction.join", "correction.predict")
        expected = network.state_dict()[name] if anew else weight
        assert torch.equal(weights[name], expected), name
    with pytest.raises(ValueError, match="a share of weights for 11 classes can't be written"):
        for_its_classes(start, network, 0.25)


def test_as_many_classes_keep_all() -> None:
    start = CompactSegmenter(3, 4)
    assert for_its_classes(start, CompactSegmenter(3, 4), 0.5) is start


@pytest.mark.parametrize("corrections", [(0, 8), (8, 0)])
def test_other_sizes_are_told_whatever_the_classes(corrections: tuple[int, int]) -> None:
    """A network without a correction has other layers than one with it."""
    start, network = (
        FlowNet(n, 4, correction=c) for n, c in zip((11, 3), corrections, strict=True)
    )
    with pytest.raises(ValueError, match="other layers than the one to train"):
        fitted(for_its_classes(start, network, 0.0), network)


@pytest.fixture
def segmenter() -> Checkpoint:
    torch.manual_seed(0)
    specs = {"segmentation": NetworkSpec("compact", {"num_classes": 3, "width": 4})}
    return new_checkpoint(specs, SHOP, INPUT)


def test_a_dvsnet_of_own_classes_from_one_of_others(
    tmp_path: Path, segmenter: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(tmp_path / "segmenter.safetensors", segmenter)
    save_checkpoint(tmp_path / "camvid.safetensors", untrained_checkpoint(CAMVID))
    source = "synthetic:width=96,height=64,duration=0.4,seed=1"
    flow, cases, decision = (tmp_path / name for name in ("flow", "cases", "decision"))
    start = ["--start-from", str(tmp_path / "camvid.safetensors")]
    made = ["--restore-from", str(flow / "flow.safetensors")]
    common = ["--overlap", "16", "--max-distance", "3"]
    serve = ["--segmenter", str(tmp_path / "segmenter.safetensors"), "--distil-drives", source]
    steps = ["--steps", "0", "--distil-steps", "2", "--batch-size", "2"]
    assert train_flow.run([*start, *common, *serve, *steps, "--out", str(flow)]) == 0
    assert "--start-from has 11 classes, not 3: the layers" in capsys.readouterr().out
    assert gentestcase.run([source, *common, *made, "--save-dir", str(cases)]) == 0
    data = ["--train-data-dir", str(cases), "--val-data-dir", str(cases), "--batch-size", "4"]
    once = ["--epochs", "1", "--save-dir", str(decision)]
    assert train.run([*start, *data, *made, *once]) == 0

    checkpoint = load_checkpoint(decision / "dvsnet.safetensors")
    assert checkpoint.label_set == SHOP
    video = VideoSegmenter(checkpoint, overlap=16)
    masks = [video.segment(frame.image, frame.stamp).mask for frame in drive(source)]
    assert max(int(mask.max()) for mask in masks) < 3


def test_labels_of_stills_are_of_the_checkpoints_classes(tmp_path: Path) -> None:
    """The same ids under other names make other streets, so other pairs."""
    for seed in range(2):
        still = make_still(f"a_{seed}", seed, 96, 128)
        labels = np.array([0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 255], np.uint8)[still.labels]
        write_still(replace(still, labels=labels), tmp_path)
    cases, weights = [], []
    for labels in (SHOP, replace(SHOP, classes=("sky", "road", "car"))):
        checkpoint = tmp_path / f"{labels.classes[0]}.safetensors"
        save_checkpoint(checkpoint, untrained_checkpoint(labels))
        out = tmp_path / labels.classes[0]
        folder = ["--labels-dir", str(tmp_path / "labels")]
        made = ["--restore-from", str(checkpoint), "--save-dir", str(out / "cases")]
        pairs = ["--stills-dir", str(tmp_path / "stills"), "--stills-pairs", "2"]
        assert gentestcase.run([*folder, *made, *pairs, "--overlap", "16"]) == 0
        cases.append((out / "cases" / "X.npy").read_bytes())
        known = ["--data-dir", str(tmp_path / "stills"), "--crop", "64", "64", "--still-pairs", "2"]
        steps = ["--steps", "2", "--distil-steps", "0", "--batch-size", "2", "--width", "2"]
        serve = ["--segmenter", str(checkpoint), "--out", str(out)]
        assert train_flow.run([*folder, *serve, *known, *steps]) == 0
        weights.append(load_checkpoint(out / "flow.safetensors").networks["flow"].state_dict())
    assert cases[0] != cases[1]
    assert not torch.equal(weights[0]["conv1.weight"], weights[1]["conv1.weight"])
