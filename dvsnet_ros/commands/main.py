"""The command ``dvsnet``: finds the command that is asked for, and imports no other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from dvsnet_ros import __version__
from dvsnet_ros.commands.flags import INTERRUPTED
from dvsnet_ros.commands.printing import printing
from dvsnet_ros.core.memory import keep_freed_memory
from dvsnet_ros.core.sentences import one_line


class Command(NamedTuple):
    """One command: its module in this package has ``run(arguments) -> exit code``."""

    name: str
    summary: str
    example: str

    @property
    def module(self) -> str:
        """Full name of the module."""
        return f"dvsnet_ros.commands.{self.name.replace('-', '_')}"


COMMANDS: Final = (
    Command(
        "demo",
        "play a drive through the node and picture what it does",
        "dvsnet demo street.mp4 --out demo",
    ),
    Command(
        "play",
        "publish a drive over ROS, as fast as it was recorded",
        "dvsnet play street.mp4 --topic /camera/image_raw --loop --clock",
    ),
    Command(
        "inference",
        "segment a drive without ROS, with the flags of the original DVSNet",
        "dvsnet inference --data-dir street --save-dir masks",
    ),
    Command(
        "process",
        "put every frame of a drive through the video segmenter, to a bag, a video or PNGs",
        "dvsnet process street.bag answers.bag",
    ),
    Command(
        "record",
        "write any drive to a rosbag",
        "dvsnet record street.mp4 street.bag",
    ),
    Command(
        "evaluate",
        "measure quality: on labelled stills, and on a drive for many targets",
        "dvsnet evaluate street.mp4 --shares 0.05 0.1 0.2 0.5 --out street",
    ),
    Command(
        "report",
        "make a page of a drive, to look at and to choose the target by",
        "dvsnet report street.mp4 street.html --agreement 0.98",
    ),
    Command(
        "info",
        "say what a checkpoint holds: networks, input, classes and their colours",
        "dvsnet info decision/dvsnet.safetensors",
    ),
    Command(
        "import-tensorflow",
        "turn a checkpoint of the original DVSNet into this project's format",
        "dvsnet import-tensorflow dvsnet/model.ckpt my.safetensors",
    ),
    Command(
        "train-segmenter",
        "train the compact segmentation network on labelled images",
        "dvsnet train-segmenter --data-dir train --labels-dir train_labels --out segmenter",
    ),
    Command(
        "train-flow",
        "train the flow network on known flow, then for the segmenter that it serves",
        "dvsnet train-flow --drives synthetic --segmenter segmenter/segmenter.safetensors "
        "--distil-drives street.mp4 --out flow",
    ),
    Command(
        "gentestcase",
        "make testcases for the decision network, with the flags of the original DVSNet",
        "dvsnet gentestcase street.mp4 --restore-from flow/flow.safetensors --save-dir train",
    ),
    Command(
        "train",
        "train the decision network on testcases, with the flags of the original DVSNet",
        "dvsnet train --train-data-dir train --val-data-dir val --save-dir decision",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``dvsnet`` with these arguments, by default the process's; returns its exit code."""
    with printing():
        return _main(sys.argv[1:] if arguments is None else arguments)


def _main(arguments: Sequence[str]) -> int:
    if not arguments:
        return _refuse("give a command")
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"dvsnet {__version__}")
        return 0
    command = next((command for command in COMMANDS if command.name == name), None)
    if command is None:
        return _refuse(f"there is no command {name!r}")
    return _run(command, rest)


def _run(command: Command, arguments: list[str]) -> int:
    keep_freed_memory()
    try:
        code: int = importlib.import_module(command.module).run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "dvsnet_ros"):
            raise
        print(
            f"dvsnet {command.name} needs the Python package {package!r}, which is not "
            "installed here (docs/install.md says what brings it)",
            file=sys.stderr,
        )
        return 1
    except ImportError as error:
        print(f"dvsnet {command.name} can't start: {error}", file=sys.stderr)
        return 1
    except RuntimeError as error:
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(error, torch.cuda.OutOfMemoryError):
            raise
        print(
            f"dvsnet {command.name}: the GPU has too little memory; make the images or the batches "
            f"smaller, or take --device cpu ({one_line(error)})",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:  # while the command's modules are imported, or before it has begun
        print(f"dvsnet {command.name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _refuse(what: str) -> int:
    names = ", ".join(command.name for command in COMMANDS)
    print(f"dvsnet: {what}; the commands are {names} (see dvsnet --help)", file=sys.stderr)
    return 2


def _help() -> str:
    lines = ["usage: dvsnet COMMAND ...", "", "Semantic segmentation of a drive by two paths.", ""]
    for command in COMMANDS:
        lines += [command.name, f"    {command.summary}", f"    e.g. {command.example}", ""]
    lines.append("dvsnet COMMAND --help explains a command and all its options.")
    lines.append("dvsnet --version says which version this is.")
    lines.append("The node is a command of its own: dvsnet_node --help.")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
