"""`dvsnet train-flow`: train the flow network, for the flow and then for a segmenter."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    add_device_flags,
    add_reach_flags,
    add_start_share_flag,
    checkpoint_file,
    dashed,
    frame_count,
    natural_number,
    number,
    reach_of,
    say_if_other_classes,
    sizes_of,
    starting_network,
    whole_number,
)
from dvsnet_ros.commands.training_loop import check_training_folder, follow, keep_settings
from dvsnet_ros.core.checkpoint import Checkpoint, load_checkpoint
from dvsnet_ros.core.device import resolve_device, resolve_precision
from dvsnet_ros.core.label_sets import CAMVID, LabelSet
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.regions import check_overlap
from dvsnet_ros.drives import KINDS_OF_DRIVES, SyntheticDrive, drive
from dvsnet_ros.training.data import load_labelled, split_sequences
from dvsnet_ros.training.flow import (
    STATE_FILE,
    WEIGHTS_FILE,
    FlowProgress,
    FlowTraining,
)
from dvsnet_ros.training.flow_batches import FlowRecipe
from dvsnet_ros.training.flow_pairs import (
    MagnifiedPairs,
    MovedStills,
    PairSource,
    RememberedPairs,
    RenderedPairs,
    StillPairs,
)
from dvsnet_ros.training.footage import (
    SegmentedFootage,
    footage_of_drive,
    footage_of_stills,
)
from dvsnet_ros.training.key_frames import KeyReach


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    defaults = FlowRecipe()
    flags = argparse.ArgumentParser(
        prog="dvsnet train-flow",
        description="Train the flow network: first on pairs of frames whose flow is known, from "
        "synthetic drives and from stills that are set in motion; then on drives without labels, "
        "so that the warped and scaled logits of a key frame become the segmenter's own.",
        epilog="examples: dvsnet train-flow --drives synthetic:seed=3,width=480,height=360 "
        "--segmenter segmenter/segmenter.safetensors --distil-drives street.mp4 --out flow; for a "
        "camera of one's own: dvsnet train-flow --start-from shipped --segmenter shipped --steps 0 "
        "--distil-steps 4000 --distil-drives monday.bag --out flow",
    )
    flags.add_argument("--out", type=Path, required=True, help="folder of state, log and weights")
    known = flags.add_argument_group("pairs with known flow")
    known.add_argument("--drives", nargs="*", default=[], metavar="DRIVE", help="synthetic drives")
    known.add_argument(
        "--data-dir", type=Path, help="stills to set in motion: a folder, or a split of Cityscapes"
    )
    known.add_argument(
        "--labels-dir",
        type=Path,
        help="their labels: ids of --segmenter's classes (without one CamVid's)",
    )
    known.add_argument(
        "--val-sequences", nargs="*", default=[], metavar="SEQUENCE",
        help="stills not to use: names up to the first underscore",
    )  # fmt: skip
    known.add_argument(
        "--still-pairs", type=whole_number, default=2000, metavar="N",
        help="different pairs to make of the stills, 1.7 MB of memory each at 480x360 (default: "
        "%(default)s)",
    )  # fmt: skip
    known.add_argument(
        "--magnify", type=number, default=1.0, metavar="TIMES",
        help="show stills magnified, each 1 to TIMES times: for cameras in whose images things are "
        "larger than in the stills (default: %(default)s)",
    )  # fmt: skip
    known.add_argument(
        "--steps", type=whole_number, default=defaults.steps,
        help="on them; 0 leaves them out (default: %(default)s)",
    )  # fmt: skip
    known.add_argument(
        "--learning-rate", type=number, default=defaults.learning_rate,
        help="in these steps, falling to 0 (default: %(default)s)",
    )  # fmt: skip
    known.add_argument(
        "--crop", type=whole_number, nargs=2, default=defaults.crop, metavar=("HEIGHT", "WIDTH"),
        help="of each pair, multiples of 16 (default: %(default)s)",
    )  # fmt: skip
    distil = flags.add_argument_group("distillation")
    distil.add_argument(
        "--segmenter",
        type=checkpoint_file,
        help="a checkpoint with the segmentation network to serve, or 'shipped'",
    )
    distil.add_argument(
        "--distil-drives", nargs="*", default=[], metavar="DRIVE", help=f"each {KINDS_OF_DRIVES}"
    )
    distil.add_argument(
        "--distil-stills",
        type=natural_number,
        default=0,
        metavar="N",
        help="pairs of --data-dir's stills, drawn as often as all drives together",
    )
    distil.add_argument(
        "--drive-frames", type=frame_count, default=300,
        help="frames of a drive to keep in memory (default: %(default)s)",
    )  # fmt: skip
    distil.add_argument(
        "--overlap", type=whole_number, default=64,
        help="of regions, divisible by 8, as in the node (default: %(default)s)",
    )  # fmt: skip
    distil.add_argument(
        "--distil-steps", type=whole_number, default=defaults.distil_steps,
        help="on drives, after the others; 0 leaves them out (default: %(default)s)",
    )  # fmt: skip
    distil.add_argument(
        "--distil-learning-rate", type=number, default=defaults.distil_learning_rate,
        help="in these steps, falling to 0 (default: %(default)s)",
    )  # fmt: skip
    distil.add_argument(
        "--temperature", type=number, default=defaults.temperature,
        help="logits are divided by it before they are compared; larger ones let unlikely classes "
        "count for more (default: %(default)s)",
    )  # fmt: skip
    add_reach_flags(flags)
    flags.add_argument(
        "--batch-size", type=whole_number, default=defaults.batch_size,
        help="pairs in a step (default: %(default)s)",
    )  # fmt: skip
    sizes = flags.add_argument_group(
        "the network",
        "By default as --start-from's; without that the original's with a correction.",
    )
    sizes.add_argument("--width", type=whole_number, metavar="CHANNELS", help="of its first layer")
    sizes.add_argument(
        "--correction", type=whole_number, metavar="CHANNELS",
        help="of the correction of warped logits; 0 for none, as in the original",
    )  # fmt: skip
    sizes.add_argument(
        "--tracked", action=argparse.BooleanOptionalAction,
        help="whether it starts from what moved from frame to frame; trained with --steps 0, from "
        "a network that was trained without",
    )  # fmt: skip
    sizes.add_argument(
        "--kernels", type=whole_number, nargs=3, metavar="SIDE",
        help="sides of its first three kernels (the original's: 7 5 5)",
    )  # fmt: skip
    flags.add_argument(
        "--seed", type=natural_number, default=defaults.seed, help="of everything random"
    )
    flags.add_argument(
        "--start-from",
        type=checkpoint_file,
        help="a checkpoint whose flow network to start from, or 'shipped'",
    )
    add_start_share_flag(flags)
    flags.add_argument("--resume", action="store_true", help="go on with the training in --out")
    add_device_flags(flags)
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        training = _training(options)
        keep_settings(options.out, options)
        if not follow(training, _describe):
            return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"dvsnet train-flow: {error}", file=sys.stderr)
        return 2
    print(f"wrote {training.out / WEIGHTS_FILE}")
    return 0


def _training(options: argparse.Namespace) -> FlowTraining:
    check_training_folder(options.out, STATE_FILE, options)
    check_overlap(options.overlap)
    reach = reach_of(options)
    start, start_spec, start_labels = starting_network(options.start_from, "flow")
    recipe = FlowRecipe(
        steps=options.steps,
        distil_steps=options.distil_steps,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        distil_learning_rate=options.distil_learning_rate,
        crop=tuple(options.crop),
        temperature=options.temperature,
        start_share=options.start_share,
        seed=options.seed,
        **_sizes(options, start_spec),
    )
    segmenter = None
    if options.segmenter:
        segmenter = load_checkpoint(options.segmenter)
        segmenter.require(["segmentation"])
    labels = segmenter.label_set if segmenter else CAMVID
    if not (options.out / STATE_FILE).exists():
        say_if_other_classes(start_labels, labels)
    stills = _stills(options, labels)
    return FlowTraining(
        recipe,
        _pairs(options, stills, reach) if recipe.steps else [],
        _footage(options, stills, segmenter, reach, recipe.tracked) if recipe.distil_steps else [],
        options.out,
        beside=segmenter,
        device=resolve_device(options.device),
        precision=resolve_precision(options.precision, resolve_device(options.device)),
        start=start,
    )


def _sizes(options: argparse.Namespace, start: NetworkSpec | None) -> dict[str, Any]:
    sizes = sizes_of(options, ("width", "correction", "tracked", "kernels"), start)
    if "kernels" in sizes:
        sizes["kernels"] = tuple(sizes["kernels"])
    return sizes


def _stills(options: argparse.Namespace, labels: LabelSet) -> MovedStills | None:
    if (options.data_dir is None) != (options.labels_dir is None):
        raise ValueError("give both --data-dir and --labels-dir, or neither")
    if options.data_dir is None:
        return None
    stills, _ = split_sequences(
        load_labelled(options.data_dir, options.labels_dir, labels), options.val_sequences
    )
    moved = StillPairs(stills, labels)
    return moved if options.magnify == 1.0 else MagnifiedPairs(moved, options.magnify)


def _pairs(
    options: argparse.Namespace, stills: PairSource | None, reach: KeyReach
) -> list[PairSource]:
    """Synthetic drives, and the stills as often as all of them together."""
    pairs: list[PairSource] = []
    for source in options.drives:
        frames = drive(source)
        if not isinstance(frames, SyntheticDrive):
            raise ValueError(
                f"the flow of '{source}' is not known; --drives takes synthetic drives, others "
                "can be --distil-drives"
            )
        pairs.append(RenderedPairs(frames, reach.frames))
    if stills:
        remembered = RememberedPairs(stills, options.still_pairs, options.seed)
        pairs += [remembered] * max(1, len(pairs))
    return pairs


def _footage(
    options: argparse.Namespace,
    stills: MovedStills | None,
    segmenter: Checkpoint | None,
    reach: KeyReach,
    tracked: bool,
) -> list[SegmentedFootage]:
    if segmenter is None:
        raise ValueError("distillation needs --segmenter CHECKPOINT; or give --distil-steps 0")
    device = resolve_device(options.device)
    networks = RegionNetworks(segmenter, device, resolve_precision(options.precision, device))
    footage = [
        footage_of_drive(drive(source), reach, options.drive_frames, tracked=tracked)
        for source in options.distil_drives
    ]
    segmented = [SegmentedFootage(frames, networks, options.overlap) for frames in footage]
    if options.distil_stills:
        if stills is None:
            raise ValueError("--distil-stills needs --data-dir and --labels-dir")
        moved = footage_of_stills(
            "stills", stills, options.distil_stills, options.seed, tracked=tracked
        )
        of_stills = SegmentedFootage(moved, networks, options.overlap)
        segmented += [of_stills] * max(1, len(segmented))
    return segmented


def _describe(progress: FlowProgress) -> str | None:
    if progress.figures is None:
        return None
    shown = ", ".join(f"{name} {value:.3f}" for name, value in progress.figures.items())
    return f"step {progress.step}: {shown}"
