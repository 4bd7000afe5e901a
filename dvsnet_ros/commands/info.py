"""`dvsnet info`: what a checkpoint holds, on one screen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from dvsnet_ros.commands.flags import SHIPPED, checkpoint_file
from dvsnet_ros.core.checkpoint import NETWORKS, Checkpoint, InputFormat, load_checkpoint
from dvsnet_ros.core.label_sets import LabelSet


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    flags = argparse.ArgumentParser(
        prog="dvsnet info",
        description="Say what a checkpoint holds: its networks, the input they expect, and the "
        "classes with their ids and colours.",
        epilog="example: dvsnet info decision/dvsnet.safetensors",
    )
    flags.add_argument(
        "checkpoint", metavar="CHECKPOINT", nargs="?", type=checkpoint_file, default=SHIPPED,
        help="a .safetensors file (default: the shipped weights)",
    )  # fmt: skip
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(arguments)
    try:
        checkpoint = load_checkpoint(options.checkpoint)
    except ValueError as error:
        print(f"dvsnet info: {error}", file=sys.stderr)
        return 2
    print(checkpoint.path, "", *_networks(checkpoint), "", sep="\n")
    print(_input(checkpoint.input), "", *_classes(checkpoint.label_set), sep="\n")
    return 0


def _networks(checkpoint: Checkpoint) -> list[str]:
    rows = [("network", "architecture", "parameters", "arguments")]
    for name in (name for name in NETWORKS if name in checkpoint.networks):
        spec = checkpoint.specs[name]
        count = sum(weights.numel() for weights in checkpoint.networks[name].parameters())
        arguments = ", ".join(f"{key} {_value(value)}" for key, value in spec.arguments.items())
        rows.append((name, spec.architecture, f"{count:,}", arguments))
    return _columns(rows, "<<><")


def _input(expected: InputFormat) -> str:
    mean = ", ".join(f"{value:g}" for value in expected.mean)
    return (
        f"input: {expected.channel_order}, (pixel - ({mean})) * {expected.scale:g}, regions "
        f"magnified {expected.magnification:g} times"
    )


def _classes(labels: LabelSet) -> list[str]:
    rows: list[Sequence[str]] = [("id", "name", "red", "green", "blue")]
    for label, (name, color) in enumerate(zip(labels.classes, labels.colors, strict=True)):
        rows.append((str(label), name, *map(str, color)))
    return [f"label set {labels.name}, {len(labels.classes)} classes", *_columns(rows, "><>>>")]


def _value(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _columns(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows of cells as lines, each column as wide as its widest cell, to the left or right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
