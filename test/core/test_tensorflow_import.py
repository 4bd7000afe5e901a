"""The import of the authors' variables, as arrays; test/commands has it from a real checkpoint."""

from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.core.checkpoint import CheckpointError, new_checkpoint, original_specs
from dvsnet_ros.core.label_sets import CITYSCAPES
from dvsnet_ros.core.tensorflow_import import Array, import_variables, variables_of
from helpers.formula import formula_variables


@pytest.fixture(scope="module")
def variables(shared_data: Path) -> dict[str, Array]:
    goldens = shared_data / "goldens"
    return formula_variables(goldens, goldens / "fixed_target.npz")


def test_every_variable_has_its_tensor(variables: dict[str, Array]) -> None:
    checkpoint = new_checkpoint(original_specs(19), CITYSCAPES)
    names = [
        variable.name
        for network, module in checkpoint.networks.items()
        for variable in variables_of(network, module).values()
    ]
    assert sorted(names) == sorted(variables)
    assert len(names) == 600


def test_layouts(variables: dict[str, Array]) -> None:
    checkpoint = import_variables(variables)
    for network, key, name, axes in (
        ("segmentation", "stem.conv.weight", "conv1/weights", (3, 2, 0, 1)),
        ("segmentation", "stage4.3.spatial.conv.weight", "res4b3_branch2b/weights", (3, 2, 0, 1)),
        ("segmentation", "stage5.0.shortcut.norm.weight", "bn5a_branch1/gamma", (0,)),
        ("segmentation", "heads.2.conv.bias", "fc1_voc12_c2/biases", (0,)),
        ("flow", "refine5.deconv.weight", "FlowNets/deconv5/weights", (3, 2, 0, 1)),
        ("flow", "refine2.predict_flow.weight", "FlowNets/predict_flow3/weights", (3, 2, 0, 1)),
        ("decision", "dense1.weight", "decision/fully_connected/weights", (1, 0)),
    ):
        tensor = checkpoint.networks[network].state_dict()[key].numpy()
        np.testing.assert_array_equal(tensor, variables[name].transpose(axes))


def test_without_the_decision_network(variables: dict[str, Array]) -> None:
    rest = {k: v for k, v in variables.items() if not k.startswith("decision/")}
    assert list(import_variables(rest).networks) == ["segmentation", "flow"]


def test_what_the_optimizer_left_is_ignored(variables: dict[str, Array]) -> None:
    step = np.zeros((), np.float32)
    moment = variables["fc_out/weights"]
    trained = import_variables({**variables, "global_step": step, "fc_out/weights/Adam": moment})
    plain = import_variables(variables)
    for name, network in plain.networks.items():
        state = trained.networks[name].state_dict()
        for key, value in network.state_dict().items():
            np.testing.assert_array_equal(state[key].numpy(), value.numpy())


def test_every_problem_is_named(variables: dict[str, Array]) -> None:
    wrong = dict(variables)
    del wrong["bn_conv1/gamma"]
    wrong["FlowNets/conv1/weights"] = np.zeros((7, 7, 3, 24), np.float32)
    wrong["my/own"] = np.zeros(2, np.float32)
    with pytest.raises(CheckpointError) as error:
        import_variables(wrong)
    message = str(error.value)
    assert "missing bn_conv1/gamma [64]" in message
    assert "FlowNets/conv1/weights has shape [7, 7, 3, 24] instead of [7, 7, 6, 24]" in message
    assert "extra my/own [2]" in message
