"""What the commands' flags have in common.

Checkpoints are imported where they are needed: they bring torch, and not every command needs it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

INTERRUPTED: Final = 130
"""Exit status of a command that Ctrl-C ended, as a shell says it."""


def dashed(arguments: list[str]) -> list[str]:
    """The arguments with dashes in their flags: the original's --data_dir is --data-dir."""
    return [_dashed_flag(argument) for argument in arguments]


def _dashed_flag(argument: str) -> str:
    if not argument.startswith("--"):
        return argument
    flag, equals, value = argument.partition("=")
    return flag.replace("_", "-") + equals + value


def add_device_flag(flags: argparse.ArgumentParser) -> None:
    """--device."""
    flags.add_argument(
        "--device", default="auto", help="auto, cpu, cuda or cuda:N (default: %(default)s)"
    )


def add_device_flags(flags: argparse.ArgumentParser) -> None:
    """--device and --precision."""
    add_device_flag(flags)
    flags.add_argument(
        "--precision",
        default="auto",
        help="auto (the fastest that the hardware computes natively), float32, bfloat16 or "
        "float16 (default: %(default)s)",
    )


def checkpoint_path(given: str | None) -> str:
    """The checkpoint that was asked for, or the shipped one.

    Raises:
        CheckpointError: if none was asked for and this version ships none.
    """
    from dvsnet_ros.core.checkpoint import CheckpointError, default_checkpoint_path

    if given is not None:
        return given
    shipped = default_checkpoint_path()
    if shipped is None:
        raise CheckpointError(
            "this version ships no weights; give --restore-from CHECKPOINT.safetensors (dvsnet "
            "import-tensorflow makes one of the authors' weights)"
        )
    return str(shipped)


def starting_weights(path: Path | None, network: str) -> dict[str, Any] | None:
    """The weights of a checkpoint's network that a training starts from, None without a path.

    Raises:
        CheckpointError: if the checkpoint can't be used, or lacks the network.
    """
    from dvsnet_ros.core.checkpoint import load_checkpoint

    if path is None:
        return None
    checkpoint = load_checkpoint(path)
    checkpoint.require([network])
    return checkpoint.networks[network].state_dict()
