"""The weights by formula that the golden results were computed with (see goldens/README.md)."""

import json
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def formula_variable(name: str, shape: tuple[int, ...]) -> Array:
    """The value of one variable of the original, in TensorFlow's layout."""
    seed = zlib.crc32(name.encode())
    x = np.random.RandomState(seed).standard_normal(shape).astype(np.float32)
    scope, kind = name.rsplit("/", 1)
    if kind == "weights":
        value = x * np.sqrt(2.0 / _fan(scope, shape))
    elif kind == "gamma":
        value = (0.3 if scope.endswith("branch2c") else 1.0) + 0.1 * x
    elif kind == "moving_variance":
        value = 1.0 + 0.1 * np.abs(x)
    elif name.endswith("predict_scale/biases"):
        value = 1.0 + 0.1 * x
    else:
        value = 0.1 * x
    return value.astype(np.float32)


def _fan(scope: str, shape: tuple[int, ...]) -> float:
    if len(shape) == 2:
        return shape[0]
    layer = scope.rsplit("/", 1)[-1]
    if layer.startswith(("deconv", "upsample")):
        return shape[0] * shape[1] * shape[3] / 4
    return shape[0] * shape[1] * shape[2]


def formula_variables(goldens: Path, golden: Path) -> dict[str, Array]:
    """All 600 variables; the last decision layer is the golden's own."""
    listed = json.loads((goldens / "variables.json").read_text())
    variables = {name: formula_variable(name, tuple(shape)) for name, shape in listed}
    with np.load(golden) as arrays:
        variables["decision/fully_connected_3/weights"] = arrays["decision_fc3_weights"]
        variables["decision/fully_connected_3/biases"] = arrays["decision_fc3_biases"]
    return variables
