"""`dvsnet train`: train the decision network on testcases, as the original's train.py."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dvsnet_ros.commands.flags import (
    INTERRUPTED,
    add_device_flag,
    checkpoint_file,
    dashed,
    natural_number,
    number,
    sizes_of,
    starting_network,
    whole_number,
)
from dvsnet_ros.commands.training_loop import check_training_folder, follow, keep_settings
from dvsnet_ros.core.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from dvsnet_ros.core.device import resolve_device
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.training.calibration import (
    calibration_table,
    format_calibration,
    mean_absolute_error,
    rank_correlation,
)
from dvsnet_ros.training.case_files import load_cases
from dvsnet_ros.training.decision import (
    DEFAULT_CHANNELS,
    LOSSES,
    STATE_FILE,
    WEIGHTS_FILE,
    WHOLE_FILE,
    Cases,
    DecisionProgress,
    DecisionRecipe,
    DecisionTraining,
    expected_scores,
    with_decision,
)


def parser() -> argparse.ArgumentParser:
    """The command's flags: the original's, and a few more."""
    defaults = DecisionRecipe()
    flags = argparse.ArgumentParser(
        prog="dvsnet train",
        description="Train the decision network on testcases of `dvsnet gentestcase`. The epoch "
        "with the smallest mean absolute error on the validation testcases is kept. Flags are the "
        "original DVSNet's (underscores work too), from --train-data-dir to --decay; the others "
        "are new.",
        epilog="example: dvsnet train --train-data-dir train --val-data-dir val --save-dir "
        "decision --restore-from flow/flow.safetensors",
    )
    for name in ("train", "val"):
        flags.add_argument(
            f"--{name}-data-dir", type=Path, nargs="+", default=[Path(name)], metavar="DIR",
            help=f"folders of X.npy and Y.npy (default: {name})",
        )  # fmt: skip
    flags.add_argument(
        "--save-dir", type=Path, default=Path("decisionModel"),
        help=f"folder of state, log and {WEIGHTS_FILE} (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--batch-size", type=whole_number, default=defaults.batch_size, help="default: %(default)s"
    )
    flags.add_argument(
        "--learning-rate", type=number, default=defaults.learning_rate, help="default: %(default)s"
    )
    flags.add_argument(
        "--epochs", type=whole_number, default=defaults.epochs, help="default: %(default)s"
    )
    flags.add_argument(
        "--decay", type=number, default=defaults.decay,
        help="the learning rate's factor after each epoch (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--restore-from",
        type=checkpoint_file,
        help=f"the checkpoint that made the testcases; writes {WHOLE_FILE} too, the whole of both",
    )
    flags.add_argument(
        "--architecture", choices=sorted(LOSSES),
        help="of the network; the original's decision_network reads the flow network's features, "
        "cell_decision what a flow path with a correction knows of itself (default: "
        "--start-from's, or what suits the flow network of --restore-from; without these the "
        "original's)",
    )  # fmt: skip
    flags.add_argument(
        "--channels", type=whole_number,
        help="of the network's convolutions (default: --start-from's; without that "
        f"{DEFAULT_CHANNELS['decision_network']}, the original's; cell_decision: "
        f"{DEFAULT_CHANNELS['cell_decision']})",
    )  # fmt: skip
    flags.add_argument(
        "--hidden", type=whole_number,
        help="width of the original's dense layers (default: --start-from's; without that "
        f"{defaults.hidden})",
    )  # fmt: skip
    flags.add_argument(
        "--evenness", type=number, default=defaults.evenness,
        help="0-1: 0 draws all testcases equally often, as the original, 1 all scores, for cameras "
        "that the flow path did not learn on (default: %(default)s)",
    )  # fmt: skip
    flags.add_argument(
        "--seed", type=natural_number, default=defaults.seed, help="of everything random"
    )
    flags.add_argument(
        "--start-from", type=checkpoint_file,
        help="a checkpoint whose decision network to start from, or 'shipped'; it is kept if no "
        "epoch is better",
    )  # fmt: skip
    flags.add_argument("--resume", action="store_true", help="go on with --save-dir's training")
    add_device_flag(flags)
    return flags


def run(arguments: list[str]) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(dashed(arguments))
    try:
        return _train(options)
    except (ValueError, OSError) as error:
        print(f"dvsnet train: {error}", file=sys.stderr)
        return 2


def _train(options: argparse.Namespace) -> int:
    check_training_folder(options.save_dir, STATE_FILE, options)
    checkpoint = load_checkpoint(options.restore_from) if options.restore_from else None
    start, start_spec, _ = starting_network(options.start_from, "decision")
    suiting = start_spec.architecture if start_spec else _suiting(checkpoint)
    training = DecisionTraining(
        DecisionRecipe(
            epochs=options.epochs,
            batch_size=options.batch_size,
            learning_rate=options.learning_rate,
            decay=options.decay,
            architecture=options.architecture or suiting,
            evenness=options.evenness,
            seed=options.seed,
            **sizes_of(options, ("channels", "hidden"), start_spec),
        ),
        Cases(*load_cases(options.train_data_dir)),
        Cases(*load_cases(options.val_data_dir)),
        checkpoint.label_set if checkpoint else CAMVID,
        options.save_dir,
        resolve_device(options.device),
        start,
    )
    if checkpoint:
        with_decision(checkpoint, training.checkpoint())  # that they fit, before hours of work
    keep_settings(options.save_dir, options)
    if not follow(training, _describe):
        return INTERRUPTED
    _report(training)
    _write(training, checkpoint)
    return 0


def _suiting(checkpoint: Checkpoint | None) -> str:
    """The architecture for the testcases of a checkpoint's flow network."""
    flow = checkpoint.networks.get("flow") if checkpoint else None
    return "cell_decision" if getattr(flow, "correction", None) else "decision_network"


def _describe(progress: DecisionProgress) -> str | None:
    if progress.error is None:
        return None
    return f"step {progress.step}: validation mean absolute error {progress.error:.3f}"


def _report(training: DecisionTraining) -> None:
    """Print how well the best weights do on the validation testcases."""
    true = training.validation.scores
    network = training.checkpoint().networks["decision"]
    expected = expected_scores(network, training.validation)
    print(f"validation, {len(true)} testcases, best epoch:")
    print(f"  mean absolute error {mean_absolute_error(expected, true):.3f} points")
    print(f"  rank correlation (Spearman) {rank_correlation(expected, true):.3f}")
    print(format_calibration(calibration_table(expected, true)))


def _write(training: DecisionTraining, checkpoint: Checkpoint | None) -> None:
    print(f"wrote {training.out / WEIGHTS_FILE}")
    if checkpoint:
        whole = training.out / WHOLE_FILE
        save_checkpoint(whole, with_decision(checkpoint, training.checkpoint()))
        print(f"wrote {whole}")
