"""What the commands' flags have in common.

Importing torch takes seconds, and not every command needs it: the functions that do import it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dvsnet_ros.core.schedule import DEFAULT_MAX_GAP, DEFAULT_SCHEDULE, MODES, Schedule
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.training.key_frames import KeyReach

if TYPE_CHECKING:
    from torch import nn

    from dvsnet_ros.core.label_sets import LabelSet
    from dvsnet_ros.core.networks import NetworkSpec

SHIPPED: Final = "shipped"
"""What flags for checkpoints call the weights that ship with the package."""

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


def add_start_share_flag(flags: argparse.ArgumentParser) -> None:
    """--start-share, beside --start-from."""
    flags.add_argument(
        "--start-share", type=number, default=0.0, metavar="SHARE",
        help="share of --start-from's weights in those that are written, so that less of what they "
        "know is forgotten (default: %(default)s)",
    )  # fmt: skip


def add_network_flags(flags: argparse.ArgumentParser) -> None:
    """Which networks run, and on which regions."""
    flags.add_argument(
        "--restore-from", "--checkpoint", metavar="CHECKPOINT", type=checkpoint_file,
        default=SHIPPED,
        help="networks, label set and input format (default: 'shipped', the weights that come with "
        "the package)",
    )  # fmt: skip
    flags.add_argument(
        "--decision-from", "--decision-checkpoint", metavar="CHECKPOINT", type=checkpoint_file,
        help="a checkpoint whose decision network is used instead, or 'shipped'",
    )  # fmt: skip
    for cells in ("rows", "columns"):
        flags.add_argument(
            f"--{cells}",
            type=whole_number,
            default=2,
            help="of the grid of regions (default: %(default)s)",
        )
    flags.add_argument(
        "--overlap",
        type=whole_number,
        default=64,
        help="of regions, divisible by 8 (default: %(default)s)",
    )
    for side in ("height", "width"):
        flags.add_argument(
            f"--{side}",
            type=whole_number,
            default=0,
            help=f"processing {side} (default: the frame's own)",
        )


def add_schedule_flag(flags: argparse._ActionsContainer, mode: str = DEFAULT_SCHEDULE.mode) -> None:
    """--schedule, `mode` by default, and what the original calls --dynamic."""
    schedule = flags.add_mutually_exclusive_group()
    schedule.add_argument(
        "--schedule", choices=MODES, default=mode,
        help="whether all regions keep to the target, or each has its own that moves (default: "
        "%(default)s)",
    )  # fmt: skip
    schedule.add_argument(
        "--dynamic", action="store_const", dest="schedule", const="dynamic",
        help="the same as --schedule dynamic",
    )  # fmt: skip


def add_max_share_flag(flags: argparse._ActionsContainer) -> None:
    """--max-share, by default no limit."""
    flags.add_argument(
        "--max-share", type=number_between(0, 1), default=Schedule.max_share, metavar="SHARE",
        help="largest share, 0-1, of the regions on the segmentation path; where more are under "
        "their targets, those that lack the most take it (default: no limit)",
    )  # fmt: skip


def add_max_gap_flag(flags: argparse.ArgumentParser, default: float = DEFAULT_MAX_GAP) -> None:
    """--max-gap, by default the node's."""
    flags.add_argument(
        "--max-gap", type=number, default=default, metavar="SECONDS",
        help="between two frames, over which key frames are forgotten; 0: never (default: "
        "%(default)s)",
    )  # fmt: skip


def add_segmenter_flags(
    flags: argparse.ArgumentParser,
    max_gap: float = DEFAULT_MAX_GAP,
    schedule: Schedule = DEFAULT_SCHEDULE,
) -> None:
    """The video segmenter's flags, whose defaults are the node's but for what is given here.

    `segmenting.new_segmenter` makes a video segmenter of them.
    """
    add_network_flags(flags)
    flags.add_argument(
        "--target", type=number, default=schedule.target,
        help="score, 0-100, under which a region is segmented (default: %(default)s)",
    )  # fmt: skip
    add_schedule_flag(flags, schedule.mode)
    flags.add_argument(
        "--dynamic-decrease", type=number, default=Schedule.decrease, metavar="SCORE",
        help="dynamic: a target's fall after the segmentation path (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--dynamic-increase", type=number, default=Schedule.increase, metavar="SCORE",
        help="dynamic: its rise after the flow path (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--rising-share", type=number, default=Schedule.share, metavar="SHARE",
        help="rising: its rise after the flow path, as a share, 0-1, of what the score lacks of "
        "100 (default: %(default)s)",
    )  # fmt: skip
    add_max_share_flag(flags)
    add_max_gap_flag(flags, max_gap)
    add_device_flags(flags)


def add_reach_flags(flags: argparse.ArgumentParser) -> None:
    """--max-distance and --max-seconds: which frames of a drive make pairs."""
    defaults = KeyReach()
    flags.add_argument(
        "--max-distance", type=whole_number,
        help="key frames of a drive's frame are 1 to this many frames before it (default: "
        f"{defaults.frames})",
    )  # fmt: skip
    flags.add_argument(
        "--max-seconds", type=number, default=defaults.seconds,
        help="and at most this long before it; 0: no limit (default: %(default)s)",
    )  # fmt: skip


def reach_of(options: argparse.Namespace) -> KeyReach:
    """What these flags say.

    Raises:
        ValueError: if one is out of range.
    """
    distance = KeyReach().frames if options.max_distance is None else options.max_distance
    return KeyReach(distance, options.max_seconds)


def number(text: str) -> float:
    """A number; raises argparse.ArgumentTypeError where it is none."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def whole_number(text: str) -> int:
    """A whole number; raises argparse.ArgumentTypeError where it is none."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def natural_number(text: str) -> int:
    """A whole number, 0 or more; raises argparse.ArgumentTypeError where it is none."""
    value = whole_number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} does not work; use 0 or more")
    return value


def frame_count(text: str) -> int:
    """A number of frames, 1 or more; raises argparse.ArgumentTypeError where it is not."""
    value = whole_number(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} frames are none; use 1 or more")
    return value


def number_between(low: float, high: float) -> Callable[[str], float]:
    """What argparse calls to read a number from `low` to `high`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")
        return value

    return read


def checkpoint_file(name: str) -> Path:
    """The checkpoint of this name: a file, or, by the name of `shipped`, this package's weights.

    A name may begin with the home folder's `~`; raises argparse.ArgumentTypeError where nobody has
    such a home.
    """
    if name == SHIPPED:
        return SHIPPED_CHECKPOINT
    try:
        return Path(name).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{name!r} can't be found: {error}") from None


def starting_network(
    path: Path | None, network: str
) -> tuple[nn.Module | None, NetworkSpec | None, LabelSet | None]:
    """The network of a checkpoint whose weights a training starts from, what it is, its classes.

    Returns:
        Three times None without a path.

    Raises:
        CheckpointError: if the checkpoint can't be used, or lacks the network.
    """
    from dvsnet_ros.core.checkpoint import load_checkpoint

    if path is None:
        return None, None, None
    checkpoint = load_checkpoint(path)
    checkpoint.require([network])
    return checkpoint.networks[network], checkpoint.specs[network], checkpoint.label_set


def say_if_other_classes(start: LabelSet | None, labels: LabelSet) -> None:
    """Print a line if a training starts from a network of another number of classes."""
    if start is not None and len(start.classes) != len(labels.classes):
        print(
            f"--start-from has {len(start.classes)} classes, not {len(labels.classes)}: the layers "
            "that depend on their number start anew, all others from its weights"
        )


def sizes_of(
    options: argparse.Namespace, names: Sequence[str], start: NetworkSpec | None
) -> dict[str, Any]:
    """Of these sizes, those that were asked for, and else those of the network to start from."""
    sizes = {}
    for name in names:
        size = getattr(options, name)
        if size is None and start is not None:
            size = start.argument(name)
        if size is not None:
            sizes[name] = size
    return sizes
