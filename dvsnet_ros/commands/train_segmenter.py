"""`dvsnet train-segmenter`: train the compact segmentation network on labelled stills."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    add_device_flags,
    add_start_share_flag,
    checkpoint_file,
    frame_count,
    natural_number,
    number,
    say_if_other_classes,
    starting_network,
    whole_number,
)
from dvsnet_ros.commands.training_loop import check_training_folder, follow, keep_settings
from dvsnet_ros.core.classes_file import read_classes
from dvsnet_ros.core.device import resolve_device, resolve_precision
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.drives import drive
from dvsnet_ros.training.data import load_labelled, split_sequences, stills_of_drive
from dvsnet_ros.training.segmenter import (
    STATE_FILE,
    WEIGHTS_FILE,
    Progress,
    Recipe,
    SegmenterTraining,
    progressive_stages,
)
from dvsnet_ros.training.self_labels import self_labelled


def parser() -> argparse.ArgumentParser:
    """The command's flags."""
    defaults = Recipe(stages=())
    flags = argparse.ArgumentParser(prog="dvsnet train-segmenter", description=__doc__)
    flags.add_argument(
        "--data-dir", type=Path, required=True,
        help="folder of images, or a split of Cityscapes such as leftImg8bit/train",
    )  # fmt: skip
    flags.add_argument(
        "--labels-dir", type=Path, required=True,
        help="folder of PNGs of the same names: class ids, any id that is no class is void; or "
        "Cityscapes' such as gtFine/train",
    )  # fmt: skip
    flags.add_argument(
        "--classes", type=Path, metavar="FILE",
        help="camvid, cityscapes, or a text file of the classes in the order of their ids, a line "
        "each: a name, or 'name: red green blue' (default: CamVid's 11 classes)",
    )  # fmt: skip
    flags.add_argument(
        "--val-sequences", nargs="*", default=[], metavar="SEQUENCE",
        help="sequences to measure on and not to learn from: names up to the first underscore",
    )  # fmt: skip
    flags.add_argument(
        "--drives", nargs="*", default=[], metavar="DRIVE",
        help="labelled drives to learn from as well, e.g. synthetic:seed=3,width=480,height=360",
    )  # fmt: skip
    flags.add_argument(
        "--drive-frames",
        type=frame_count,
        default=100,
        help="how many frames of each, evenly spaced (default: %(default)s)",
    )
    flags.add_argument(
        "--unlabelled-drives", nargs="*", default=[], metavar="DRIVE",
        help="drives to learn from as well, from those labels of which the weights of --start-from "
        "are sure",
    )  # fmt: skip
    flags.add_argument(
        "--unlabelled-frames",
        type=frame_count,
        default=100,
        help="how many frames of each at most (default: %(default)s)",
    )
    flags.add_argument("--out", type=Path, required=True, help="folder of state, log and weights")
    flags.add_argument(
        "--epochs",
        type=whole_number,
        default=400,
        help="how often each image is learned from (default: %(default)s)",
    )
    flags.add_argument(
        "--small-share", type=number, default=0.7,
        help="share of the epochs, the first ones, on small crops of shrunken images (default: "
        "%(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--batch-size",
        type=whole_number,
        default=defaults.batch_size,
        help="crops of a step (default: %(default)s)",
    )
    flags.add_argument(
        "--learning-rate",
        type=number,
        default=defaults.learning_rate,
        help="the highest, after a warm-up (default: %(default)s)",
    )
    flags.add_argument(
        "--width",
        type=whole_number,
        default=defaults.width,
        help="channels of the network's first layer (default: %(default)s)",
    )
    flags.add_argument(
        "--pasted", type=number, default=defaults.pasted, metavar="SHARE",
        help="share of the crops into which objects of --data-dir are set (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--seed",
        type=natural_number,
        default=defaults.seed,
        help="of weights, crops and their order (default: %(default)s)",
    )
    flags.add_argument(
        "--start-from",
        type=checkpoint_file,
        help="checkpoint whose weights to start from, or 'shipped'",
    )
    add_start_share_flag(flags)
    flags.add_argument("--resume", action="store_true", help="go on with the training in --out")
    add_device_flags(flags)
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(arguments)
    try:
        training = _training(options)
        keep_settings(options.out, options)
        if not follow(training, _describe):
            return INTERRUPTED
    except (ValueError, OSError) as error:
        print(f"dvsnet train-segmenter: {error}", file=sys.stderr)
        return 2
    print(f"wrote {training.out / WEIGHTS_FILE}")
    return 0


def _training(options: argparse.Namespace) -> SegmenterTraining:
    check_training_folder(options.out, STATE_FILE, options)
    recipe = Recipe(
        progressive_stages(options.epochs, options.small_share),
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        start_share=options.start_share,
        pasted=options.pasted,
        width=options.width,
        seed=options.seed,
    )
    labels = read_classes(options.classes) if options.classes else CAMVID
    start, start_spec, start_labels = starting_network(options.start_from, "segmentation")
    if start_spec and start_spec.architecture != "compact":
        raise ValueError(
            f"--start-from has a segmentation network '{start_spec.architecture}', and only a "
            "'compact' one is trained here; start from one, or leave --start-from out"
        )
    if not (options.out / STATE_FILE).exists():
        say_if_other_classes(start_labels, labels)
    device = resolve_device(options.device)
    stills = load_labelled(options.data_dir, options.labels_dir, labels)
    labelled, held_back = split_sequences(stills, options.val_sequences)
    learning = list(labelled)
    for source in options.drives:
        learning += stills_of_drive(drive(source), options.drive_frames, labels)
    for source in options.unlabelled_drives:
        if start is None or start_labels is None:
            raise ValueError("--unlabelled-drives needs --start-from, whose weights label them")
        if start_labels.classes != labels.classes:
            raise ValueError(
                "--unlabelled-drives get their labels from --start-from, whose classes are others; "
                "train on labelled images first, then start from what comes out"
            )
        learning += self_labelled(
            start.to(device), drive(source), options.unlabelled_frames, device
        )
    precision = resolve_precision(options.precision, device)
    training = SegmenterTraining(
        recipe, learning, held_back, labels, options.out, device, precision, start, labelled
    )
    unseen = [labels.classes[label] for label in np.flatnonzero(training.frequencies == 0)]
    if unseen:
        ids = np.unique(np.concatenate([np.unique(still.labels) for still in learning]))
        print(
            f"no image to learn from has a label of {', '.join(unseen)}; the ids in them are "
            f"{', '.join(map(str, ids))}"
        )
    return training


def _describe(progress: Progress) -> str | None:
    if progress.mean_iou is None:
        return None
    return f"step {progress.step}: held-back mIoU {100 * progress.mean_iou:.1f} %"
