#!/usr/bin/env python3
"""Makes the shipped weights anew: every stage in turn, each going on where it was interrupted.

    make weights CAMVID=folder KITTI=folder

CAMVID holds `train` and `train_labels` (CamVid's 367 training stills and their labels), KITTI a
drive without labels in `drive_10hz_mono`. What comes out is `OUT/road.safetensors`, and the losses
and figures of each stage beside it. On two CPU cores it takes about fourteen hours, and the last of
the segmentation network's stages is a tenth as long as on a GPU, where all of it takes less.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from dvsnet_ros.commands import gentestcase, train, train_flow, train_segmenter
from dvsnet_ros.core.checkpoint import load_checkpoint, save_checkpoint
from dvsnet_ros.core.device import resolve_device
from dvsnet_ros.training.data import IMAGE_SUFFIXES

HELD_BACK = "0001TP"
"""The sequence that the first stage and the decision network don't learn from."""

KITTI_SIZES = {
    "half": (192, 624, 3), "two_thirds": (256, 832, 2), "three_quarters": (288, 936, 3),
    "larger": (448, 1472, 2),
}  # fmt: skip
"""Height, width and lights of the testcases of KITTI's drive. Not at its own size: of that the
segmenter has learned these very frames by heart, and is calmer there than on any street that is new
to it."""

LONG_EPOCHS = {"cuda": 1592, "cpu": 159}
"""Of the segmentation network's last stage: minutes of a GPU, but on two cores 18 hours."""

Command = Callable[[list[str]], int]
Stage = tuple[str, Command, list[str]]


def synthetic(seeds: range, *, size: str = "width=480,height=360", duration: float) -> list[str]:
    """Synthetic drives of these seeds. The demo's is seed 0, which none of them is."""
    return [f"synthetic:seed={seed},duration={duration},{size}" for seed in seeds]


def stages(
    camvid: Path, kitti: Path, out: Path, long_epochs: int = LONG_EPOCHS["cuda"]
) -> list[Stage]:
    """Name, command and arguments of each stage; the name is that of its folder in `out`."""
    stills = ["--data-dir", f"{camvid}/train", "--labels-dir", f"{camvid}/train_labels"]
    few = [
        *synthetic(range(1, 9), size="width=640,height=480", duration=15),
        *synthetic(range(11, 19), duration=15),
    ]
    many = [
        *synthetic(range(101, 151), size="width=640,height=480", duration=15),
        *synthetic(range(151, 181), duration=15),
    ]
    mixed = [*stills, "--drive-frames", "6", "--drives"]
    all_large = ["--small-share", "0", "--learning-rate", "0.001"]
    kitti_drive = f"{kitti}/drive_10hz_mono"
    segmenter_third = f"{out}/segmenter_third/segmenter.safetensors"
    segmenter_fourth = f"{out}/segmenter_fourth/segmenter.safetensors"
    segmenter = f"{out}/segmenter/segmenter.safetensors"
    flow_before, flow = (f"{out}/{name}/flow.safetensors" for name in ("flow_before", "flow"))
    reach = ["--max-distance", "20", "--max-seconds", "1.4"]
    flow_pairs = ["--drives", *synthetic(range(1, 17), duration=8), *stills, *reach]
    distilled = [
        "--drive-frames", "400", "--distil-drives", kitti_drive, f"{camvid}/train",
        *synthetic(range(21, 22), duration=12),
    ]  # fmt: skip
    distillation = [*stills, *reach, "--steps", "0", *distilled]
    longer = [
        *distillation, "--segmenter", segmenter_third, "--distil-steps", "16000",
        "--distil-learning-rate", "0.0004", "--start-share", "0.3",
    ]  # fmt: skip
    wider = [
        *distillation, "--batch-size", "32", "--distil-learning-rate", "0.0006",
        "--distil-stills", "5000", "--magnify", "2.6",
    ]  # fmt: skip
    tracked = ["--tracked", "--kernels", "5", "5", "5", "--steps", "0", "--distil-steps", "0"]
    cases_before = testcases("cases_before", flow_before, camvid, kitti_drive, out, reach)
    cases = testcases("cases", flow, camvid, kitti_drive, out, reach)
    decided = ["--batch-size", "64", "--epochs", "7", "--learning-rate", "0.003", "--decay", "0.63"]
    return [
        (
            "segmenter_first", train_segmenter.run,
            [*mixed, *few, "--val-sequences", HELD_BACK, "--epochs", "210", "--small-share", "0.6",
             "--seed", "1"],
        ),
        (
            "segmenter_held_back", train_segmenter.run,
            [*mixed, *many, *all_large, "--val-sequences", HELD_BACK, "--epochs", "50",
             "--seed", "5", "--start-from", f"{out}/segmenter_first/segmenter.safetensors"],
        ),
        (
            "segmenter_second", train_segmenter.run,
            [*mixed, *many, *all_large, "--unlabelled-drives", kitti_drive, "--epochs", "60",
             "--seed", "6", "--start-from", f"{out}/segmenter_held_back/segmenter.safetensors"],
        ),
        (
            "segmenter_third", train_segmenter.run,
            [*mixed, *many, *all_large, "--unlabelled-drives", kitti_drive, "--epochs", "45",
             "--seed", "7", "--start-from", f"{out}/segmenter_second/segmenter.safetensors"],
        ),
        (
            "segmenter_fourth", train_segmenter.run,
            [*mixed, *many, "--small-share", "0", "--learning-rate", "0.0015", "--batch-size", "16",
             "--unlabelled-drives", kitti_drive, "--epochs", "180", "--seed", "8",
             "--start-from", segmenter_third],
        ),
        (
            "segmenter", train_segmenter.run,
            [*mixed, *many, "--small-share", "0", "--learning-rate", "0.002", "--batch-size", "32",
             "--pasted", "0.5", "--unlabelled-drives", kitti_drive, "--epochs", str(long_epochs),
             "--seed", "9", "--start-from", segmenter_fourth, "--start-share", "0.6"],
        ),
        (
            "flow_first", train_flow.run,
            [*flow_pairs, "--steps", "12000", "--distil-steps", "0"],
        ),
        (
            "flow_second", train_flow.run,
            [*flow_pairs, "--steps", "7000", "--seed", "1",
             "--start-from", f"{out}/flow_first/flow.safetensors",
             "--segmenter", f"{out}/segmenter_second/segmenter.safetensors",
             "--distil-steps", "7000", "--distil-learning-rate", "0.0002",
             *distilled, *synthetic(range(22, 23), duration=12), "--distil-stills", "1000"],
        ),
        (
            "flow_third", train_flow.run,
            [*flow_pairs, "--steps", "2000", "--learning-rate", "0.0003", "--seed", "4",
             "--start-from", f"{out}/flow_second/flow.safetensors",
             "--segmenter", segmenter_third,
             "--distil-steps", "8000", "--distil-learning-rate", "0.0004",
             *distilled, *synthetic(range(22, 23), duration=12), "--distil-stills", "2000"],
        ),
        (
            "flow_fourth", train_flow.run,
            [*longer, "--distil-stills", "2000", "--seed", "5",
             "--start-from", f"{out}/flow_third/flow.safetensors"],
        ),
        (
            "flow_fifth", train_flow.run,
            [*longer, "--distil-stills", "3000", "--magnify", "2.6", "--seed", "6",
             "--start-from", f"{out}/flow_fourth/flow.safetensors"],
        ),
        (
            "flow_sixth", train_flow.run,
            [*wider, "--segmenter", segmenter_third, "--distil-steps", "3900", "--seed", "10",
             "--start-from", f"{out}/flow_fifth/flow.safetensors"],
        ),
        (
            "flow_seventh", train_flow.run,
            [*wider, "--segmenter", segmenter_fourth, "--distil-steps", "5000", "--seed", "11",
             "--start-from", f"{out}/flow_sixth/flow.safetensors", "--start-share", "0.3"],
        ),
        *(
            (name, train_flow.run,  # as it is; from here on it starts from a track
             [*tracked, "--start-from", f"{out}/flow_seventh/flow.safetensors",
              "--segmenter", served])
            for name, served in (("flow_before", segmenter_fourth), ("flow", segmenter))
        ),
        *cases_before,
        *cases,
        (
            "decision_before", train.run,
            ["--train-data-dir", *learned_cases(out, cases_before),
             "--val-data-dir", f"{out}/cases_before_validation", "--restore-from", flow_before,
             *decided],
        ),
        (
            "decision", train.run,  # a network that saw two segmenters promises less of a street
            ["--train-data-dir", *learned_cases(out, cases, cases_before),
             "--val-data-dir", f"{out}/cases_validation", "--restore-from", flow,
             "--start-from", f"{out}/decision_before/dvsnet.safetensors", *decided],
        ),
    ]  # fmt: skip


def testcases(
    prefix: str, flow: str, camvid: Path, kitti_drive: str, out: Path, reach: list[str]
) -> list[Stage]:
    """The stages that make testcases of a flow path: those to learn from, then `validation`."""
    cases = ["--restore-from", flow, "--overlap", "64", "--precision", "auto"]
    moved = [
        "--stills-dir", f"{camvid}/train", "--labels-dir", f"{camvid}/train_labels",
        "--val-sequences", HELD_BACK, "--stills-pairs", "1000",
    ]  # fmt: skip
    twice = ["--height", "720", "--width", "960"]
    small = ["--height", "240", "--width", "320"]
    sources = {
        "apart": [f"{out}/learned.txt", "--lights", "3", *reach],
        **{
            name: [kitti_drive, "--lights", str(lights), "--height", str(height), "--width",
                   str(width), *reach]
            for name, (height, width, lights) in KITTI_SIZES.items()
        },
        "twice": [f"{out}/learned.txt", *twice, *reach],
        "synthetic": [*synthetic(range(31, 39), duration=2.6), *reach],
        "large": [*synthetic(range(51, 54), size="width=640,height=480", duration=2.6), *reach],
        **{f"stills_{seed}": [*moved, "--seed", str(seed)] for seed in range(3)},
        "stills_small": [*moved, "--seed", "3", *small],
        "validation": [
            f"{out}/held_back.txt", *synthetic(range(41, 43), duration=2.6), *reach,
        ],
    }  # fmt: skip
    return [
        (f"{prefix}_{name}", gentestcase.run, [*source, *cases]) for name, source in sources.items()
    ]


def learned_cases(out: Path, *made: list[Stage]) -> list[str]:
    """The folders of testcases to learn from, those of each source side by side."""
    to_learn_from = zip(*(stages_of_cases[:-1] for stages_of_cases in made), strict=True)
    return [f"{out}/{name}" for of_a_source in to_learn_from for name, _, _ in of_a_source]


def write_lists(camvid: Path, out: Path) -> None:
    """CamVid's stills as two drives: what the decision network learns from, and the others.

    Raises:
        ValueError: if there are no stills for one of them; before hours of work.
    """
    folder = (camvid / "train").resolve()
    stills = sorted(p for p in folder.glob("*") if p.suffix.lower() in IMAGE_SUFFIXES)
    for name, held_back in (("learned.txt", False), ("held_back.txt", True)):
        chosen = [str(s) for s in stills if s.name.startswith(HELD_BACK) == held_back]
        if not chosen:
            raise ValueError(
                f"'{folder}' lacks stills of CamVid's: {name} would be empty ({HELD_BACK} is held "
                "back, the others are learned from)"
            )
        (out / name).write_text("\n".join(chosen) + "\n", encoding="utf-8")


def run(camvid: Path, kitti: Path, out: Path) -> int:
    """Run every stage that is not done; returns the exit status of the last that ran."""
    out.mkdir(parents=True, exist_ok=True)
    write_lists(camvid, out)
    long_epochs = LONG_EPOCHS[resolve_device("auto").type]
    for name, command, arguments in stages(camvid, kitti, out, long_epochs):
        folder = out / name
        done = folder / "done"
        if done.exists():
            continue
        print(f"== {name}", flush=True)
        where = "--out" if command in (train_segmenter.run, train_flow.run) else "--save-dir"
        status = command([*arguments, where, str(folder), "--resume"])
        if status:
            return status
        done.touch()
    save_checkpoint(
        out / "road.safetensors",
        load_checkpoint(out / "decision" / "dvsnet.safetensors"),
        half=True,
    )
    print(f"wrote {out / 'road.safetensors'}")
    return 0


def main() -> int:
    """Read the flags and run."""
    flags = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    flags.add_argument("--camvid", type=Path, required=True, help="folder of CamVid")
    flags.add_argument("--kitti", type=Path, required=True, help="folder of KITTI drives")
    flags.add_argument("--out", type=Path, default=Path("build/weights"))
    options = flags.parse_args()
    try:
        return run(options.camvid, options.kitti, options.out)
    except (ValueError, OSError) as error:
        print(f"make_weights: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
