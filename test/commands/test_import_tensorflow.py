"""A real TensorFlow checkpoint of all 600 variables, imported, and used by `dvsnet inference`."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands import import_tensorflow, inference
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.tensorflow_import import variables_of
from helpers.formula import Array, formula_variables

tensorflow = pytest.importorskip("tensorflow", reason="needs TensorFlow (the extra 'tensorflow')")


@pytest.fixture(scope="module")
def variables(shared_data: Path) -> dict[str, Array]:
    goldens = shared_data / "goldens"
    return formula_variables(goldens, goldens / "fixed_target.npz")


def write_checkpoint(folder: Path, variables: dict[str, Array]) -> Path:
    """A checkpoint as tf.train.Saver of TensorFlow 1 writes it, with its `checkpoint` file."""
    v1 = tensorflow.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        tensors = {name: v1.Variable(value) for name, value in variables.items()}
        session.run(v1.global_variables_initializer())
        v1.train.Saver(tensors).save(session, str(folder / "model.ckpt"), global_step=1000)
    return folder


@pytest.fixture(scope="module")
def imported(variables: dict[str, Array], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_checkpoint(tmp_path_factory.mktemp("tensorflow"), variables)
    out = folder / "out" / "dvsnet.safetensors"
    assert import_tensorflow.run([str(folder), str(out)]) == 0
    return out


def test_every_tensor_is_the_variable(imported: Path, variables: dict[str, Array]) -> None:
    checkpoint = load_checkpoint(imported)
    seen = set()
    for network, module in checkpoint.networks.items():
        tensors = module.state_dict()
        for key, variable in variables_of(network, module).items():
            expected = variables[variable.name].transpose(variable.permutation)
            np.testing.assert_array_equal(tensors[key].numpy(), expected, err_msg=variable.name)
            seen.add(variable.name)
    assert seen == set(variables)


def test_inference_with_it_repeats_the_golden(
    imported: Path, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(shared_data / "goldens" / "fixed_target.npz") as arrays:
        golden = {key: arrays[key] for key in ("frames", "masks", "paths", "scores", "targets")}
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{name}\n" for name in golden["frames"]))
    arguments = (
        f"--data_dir={shared_data / 'goldens' / 'frames'}/ --data-list={listed} "
        f"--restore_from {imported} --save-dir {tmp_path / 'out'} --overlap 32 --target 90 "
        "--height 256 --width 512 --device cpu --precision float32 --save-ids"
    )
    assert inference.run(arguments.split()) == 0
    for index, mask in enumerate(golden["masks"]):
        ids = cv2.imread(str(tmp_path / "out" / f"ids{index:06}.png"), cv2.IMREAD_UNCHANGED)
        assert (ids == mask).mean() >= 0.9999
    with (tmp_path / "out" / "decisions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["frame"]), int(row["region"])) for row in rows] == [
        (frame, region) for frame in range(12) for region in range(4)
    ]
    paths = ["segmentation", "flow"]
    assert [paths.index(row["path"]) for row in rows] == golden["paths"].ravel().tolist()
    scores = [float(row["expected_confidence"]) for row in rows]
    np.testing.assert_allclose(scores, golden["scores"].ravel(), atol=1e-3)
    targets = [float(row["target"]) for row in rows]
    np.testing.assert_allclose(targets, golden["targets"].ravel(), atol=1e-3)
    assert "12 frames" in capsys.readouterr().out


def test_a_checkpoint_without_the_decision_network(
    imported: Path, variables: dict[str, Array], tmp_path: Path
) -> None:
    rest = {k: v for k, v in variables.items() if not k.startswith("decision/")}
    folder = write_checkpoint(tmp_path, rest)
    out = tmp_path / "finetune.safetensors"
    assert import_tensorflow.run([str(folder / "model.ckpt-1000"), str(out)]) == 0
    assert set(load_checkpoint(out).networks) == {"segmentation", "flow"}
    assert "decision" in load_checkpoint(out, imported).networks


def test_what_cannot_be_imported(
    variables: dict[str, Array], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.safetensors"
    assert import_tensorflow.run([str(tmp_path), str(out)]) == 2
    assert "can't be read as a TensorFlow checkpoint" in capsys.readouterr().err
    wrong = {name: variables[name] for name in ("fc_out/weights", "FlowNets/conv1/biases")}
    assert import_tensorflow.run([str(write_checkpoint(tmp_path, wrong)), str(out)]) == 2
    assert "missing conv1/weights [7, 7, 3, 64]" in capsys.readouterr().err
    assert not out.exists()
