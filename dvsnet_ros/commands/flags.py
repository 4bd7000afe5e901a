"""What the commands' flags have in common."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.training.key_frames import KeyReach

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


def add_reach_flags(flags: argparse.ArgumentParser) -> None:
    """--max-distance and --max-seconds: which frames of a drive make pairs."""
    defaults = KeyReach()
    flags.add_argument(
        "--max-distance", type=int,
        help="key frames of a drive's frame are 1 to this many frames before it (default: "
        f"{defaults.frames})",
    )  # fmt: skip
    flags.add_argument(
        "--max-seconds", type=float, default=defaults.seconds,
        help="and at most this long before it; 0: no limit (default: %(default)s)",
    )  # fmt: skip


def reach_of(options: argparse.Namespace) -> KeyReach:
    """What these flags say.

    Raises:
        ValueError: if one is out of range.
    """
    distance = KeyReach().frames if options.max_distance is None else options.max_distance
    return KeyReach(distance, options.max_seconds)


def starting_weights(path: Path | None, network: str) -> dict[str, Any] | None:
    """The weights of a checkpoint's network that a training starts from, None without a path.

    Raises:
        CheckpointError: if the checkpoint can't be used, or lacks the network.
    """
    if path is None:
        return None
    checkpoint = load_checkpoint(path)
    checkpoint.require([network])
    return checkpoint.networks[network].state_dict()
