"""`dvsnet import-tensorflow`: make a checkpoint of the authors' TensorFlow weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from dvsnet_ros.core.checkpoint import CheckpointError, save_checkpoint
from dvsnet_ros.core.tensorflow_import import Array, import_variables


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    flags = argparse.ArgumentParser(
        prog="dvsnet import-tensorflow",
        description="Turn a TensorFlow checkpoint of the original DVSNet (all in one, or without "
        "the decision network) into a checkpoint of this package. Needs TensorFlow: pip install "
        "'.[tensorflow]'.",
        epilog="example: dvsnet import-tensorflow checkpoint/ dvsnet.safetensors",
    )
    flags.add_argument(
        "checkpoint", help="a folder with a 'checkpoint' file, or a prefix such as model.ckpt-1000"
    )
    flags.add_argument("out", type=Path, help="the .safetensors file to write")
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(arguments)
    try:
        checkpoint = import_variables(read_variables(options.checkpoint))
        options.out.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(options.out, checkpoint)
    except (CheckpointError, OSError) as error:
        print(f"dvsnet import-tensorflow: {error}", file=sys.stderr)
        return 2
    print(f"wrote {options.out}: {', '.join(checkpoint.networks)} network")
    return 0


def read_variables(checkpoint: str) -> dict[str, Array]:
    """Every variable of a TensorFlow checkpoint, by name.

    Raises:
        CheckpointError: if TensorFlow is not installed or can't read the checkpoint.
    """
    try:
        from tensorflow import errors, train
    except ImportError as error:
        raise CheckpointError(
            "TensorFlow is not installed; pip install '.[tensorflow]', in an environment "
            "of its own if you like: the file that this writes needs none"
        ) from error
    try:
        reader = train.load_checkpoint(checkpoint)
    except (ValueError, errors.OpError) as error:
        raise CheckpointError(
            f"'{checkpoint}' can't be read as a TensorFlow checkpoint: "
            f"{' '.join(str(error).split())}; give its folder, or its prefix without .index"
        ) from error
    return {
        name: np.asarray(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()
    }
