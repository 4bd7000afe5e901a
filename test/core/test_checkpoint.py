import json
import math
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from dvsnet_ros.core.checkpoint import (
    Checkpoint,
    CheckpointError,
    InputFormat,
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import CAMVID, CITYSCAPES
from dvsnet_ros.core.networks import NetworkSpec


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, untrained_checkpoint())
    return path


def rewritten(path: Path, change: object) -> Path:
    """The file at path again, its description changed by a function."""
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["dvsnet"])
    change(description)  # type: ignore[operator]
    save_file(load_file(path), path, {"dvsnet": json.dumps(description)})
    return path


def assert_same(one: Checkpoint, other: Checkpoint) -> None:
    assert one.networks.keys() == other.networks.keys()
    for name, network in one.networks.items():
        tensors = other.networks[name].state_dict()
        for key, value in network.state_dict().items():
            assert torch.equal(value, tensors[key]), key


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    checkpoint = untrained_checkpoint(CITYSCAPES, seed=3)
    checkpoint.input = InputFormat((1.0, 2.0, 3.0), 0.5, "rgb", 1.5)
    save_checkpoint(tmp_path / "a.safetensors", checkpoint)
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert_same(loaded, checkpoint)
    assert loaded.label_set == CITYSCAPES
    assert loaded.input == checkpoint.input
    assert loaded.specs == checkpoint.specs
    assert not any(network.training for network in loaded.networks.values())
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


def test_networks_of_their_constructors_defaults(path: Path) -> None:
    save_checkpoint(path, new_checkpoint({"segmentation": NetworkSpec("compact")}, CAMVID))
    assert load_checkpoint(path).specs == {"segmentation": NetworkSpec("compact")}
    save_checkpoint(path, new_checkpoint({"segmentation": NetworkSpec("compact")}, CITYSCAPES))
    with pytest.raises(CheckpointError, match="has 11 classes, its label set 'cityscapes' has 19"):
        load_checkpoint(path)


def test_weights_stored_as_float16_are_float32_again_and_nearly_the_same(tmp_path: Path) -> None:
    checkpoint = untrained_checkpoint(seed=3)
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_checkpoint(whole, checkpoint)
    save_checkpoint(half, checkpoint, half=True)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    loaded = load_checkpoint(half)
    for name, network in checkpoint.networks.items():
        tensors = loaded.networks[name].state_dict()
        for key, value in network.state_dict().items():
            assert tensors[key].dtype == value.dtype, key
            exact = value.ndim <= 1
            assert torch.allclose(tensors[key], value, rtol=0 if exact else 1e-3, atol=1e-7), key


def test_the_same_seed_gives_the_same_weights() -> None:
    assert_same(untrained_checkpoint(seed=5), untrained_checkpoint(seed=5))
    one, other = (untrained_checkpoint(seed=seed).networks["flow"] for seed in (5, 6))
    assert not torch.equal(one.get_parameter("conv1.weight"), other.get_parameter("conv1.weight"))


def test_a_decision_network_from_another_file(tmp_path: Path, path: Path) -> None:
    other = untrained_checkpoint(seed=9)
    for name in ("segmentation", "flow"):
        del other.networks[name], other.specs[name]
    save_checkpoint(tmp_path / "decision.safetensors", other)
    loaded = load_checkpoint(path, tmp_path / "decision.safetensors")
    assert torch.equal(
        loaded.networks["decision"].get_parameter("conv.weight"),
        other.networks["decision"].get_parameter("conv.weight"),
    )
    with pytest.raises(CheckpointError, match="lacks the segmentation and the flow network"):
        load_checkpoint(tmp_path / "decision.safetensors").require(["segmentation", "flow"])


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "no.safetensors")
    with pytest.raises(CheckpointError, match=r"is a folder; .* see dvsnet import-tensorflow"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.01, 0.5, 0.999])
def test_truncated(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CheckpointError, match="can't be read as safetensors") as error:
        load_checkpoint(path)
    assert "\n" not in str(error.value)


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "pickled.pt"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(CheckpointError, match="can't be read as safetensors"):
        load_checkpoint(path)


def test_anothers_safetensors(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not one of dvsnet_ros"):
        load_checkpoint(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(format=2), "format 2"),
        (lambda d: d["networks"]["flow"].update(architecture="raft"), "'raft' is unknown"),
        (lambda d: d["networks"]["flow"].update(depth=3), "can't be built"),
        (lambda d: d["networks"]["flow"].update(width=8), "has shape"),
        (lambda d: d["networks"]["segmentation"].update(blocks=[2, 1, 2, 1]), "it lacks"),
        (lambda d: d["networks"]["segmentation"].update(blocks=[1, 1, 1, 1]), "an extra"),
        (lambda d: d["networks"].update(depth=d["networks"]["flow"]), "unknown network 'depth'"),
        (lambda d: d["label_set"].update(CITYSCAPES_LABELS), "19"),
        (lambda d: d["input"].update(channel_order="grb"), "'grb' is unknown"),
        (lambda d: d["input"].update(magnification=0), "magnification is 0.0; it must be from"),
        (lambda d: d["input"].update(scale=math.nan), "its scale nan; both must be finite"),
        (lambda d: d["input"].update(mean=[math.inf, 0, 0]), "mean is .inf, 0.0, 0.0. and"),
        (lambda d: d["label_set"]["colors"].__setitem__(0, [math.inf, 0, 0]), "infinity"),
        (
            lambda d: d["networks"].update(flow=d["networks"]["segmentation"]),
            "'deeplab_fast' is unknown for the flow network; this version has flow_net",
        ),
        (
            lambda d: d["networks"].update(decision=d["networks"]["flow"]),
            "'flow_net' is unknown for the decision network",
        ),
        (lambda d: d.pop("input"), "input"),
        (lambda d: d.update(networks=[]), "metadata of checkpoint"),
        (lambda d: d["label_set"]["colors"].__setitem__(0, [300, 0, 0]), "colour .300, 0, 0."),
    ],
)
def test_what_does_not_fit_is_said(path: Path, change: object, sentence: str) -> None:
    with pytest.raises(CheckpointError, match=sentence) as error:
        load_checkpoint(rewritten(path, change))
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_metadata_nested_too_deeply(path: Path) -> None:
    save_file(load_file(path), path, {"dvsnet": "[" * 100_000})
    with pytest.raises(CheckpointError, match=r"metadata of checkpoint .*recursion"):
        load_checkpoint(path)


@pytest.mark.parametrize("kind", [torch.int32, torch.bool])
def test_weights_that_are_no_floating_point_numbers(path: Path, kind: torch.dtype) -> None:
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    tensors["flow.predict_scale.bias"] = tensors["flow.predict_scale.bias"].to(kind)
    save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match=r"'flow.predict_scale.bias' holds whole numbers"):
        load_checkpoint(path)


def test_a_path_may_begin_at_home(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent))
    assert load_checkpoint(f"~/{path.name}").path == path


def test_a_file_from_before_there_was_a_magnification(path: Path) -> None:
    assert load_checkpoint(rewritten(path, lambda d: d["input"].pop("magnification"))).input == (
        InputFormat()
    )


CITYSCAPES_LABELS = {
    "name": "cityscapes",
    "classes": list(CITYSCAPES.classes),
    "colors": list(CITYSCAPES.colors),
}


def test_a_decision_network_of_another_flow_network(tmp_path: Path, path: Path) -> None:
    other = untrained_checkpoint(CAMVID, size="full")
    for name in ("segmentation", "flow"):
        del other.networks[name], other.specs[name]
    save_checkpoint(tmp_path / "decision.safetensors", other)
    with pytest.raises(CheckpointError, match=r"64 feature channels.* reads 384"):
        load_checkpoint(path, tmp_path / "decision.safetensors")
