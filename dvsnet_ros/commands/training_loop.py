"""What the training commands have in common: a bar, an orderly stop, folders kept safe."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from tqdm import tqdm

from dvsnet_ros.commands.digest import sha256
from dvsnet_ros.commands.interruption import interruption
from dvsnet_ros.drives.whole import check_folder
from dvsnet_ros.training.state import check_settings, read_record, replace_text

SETTINGS_FILE: Final = "settings.json"
"""What a training's command was given, beside its state."""

WITHOUT_EFFECT: Final = ("out", "save_dir", "resume", "device")
"""Options that don't decide what comes out: where it goes, and where it is computed."""


class StepProgress(Protocol):
    """Where a training stands after a step."""

    @property
    def step(self) -> int:
        """Steps done."""
        ...

    @property
    def loss(self) -> float:
        """The step's loss."""
        ...


P = TypeVar("P", bound=StepProgress, covariant=True)


class Training(Protocol[P]):
    """A training that can be stopped after any step."""

    step: int

    @property
    def steps(self) -> int:
        """Steps in all."""
        ...

    def run(self) -> Iterator[P]:
        """Train to the end."""
        ...

    def save(self) -> None:
        """Write the state to go on from."""
        ...


def follow(training: Training[Any], describe: Callable[[Any], str | None]) -> bool:
    """Run a training behind a bar, until it ends or is interrupted; then it is saved.

    Args:
        training: what to run.
        describe: what to print after a step, None for nothing.

    Returns:
        Whether it went to the end.

    Raises:
        ValueError: if the loss is no longer a number, from which no training comes back.
    """
    with (
        interruption() as interrupted,
        tqdm(total=training.steps, initial=training.step, unit="step", dynamic_ncols=True) as bar,
    ):
        for progress in training.run():
            if not math.isfinite(progress.loss):
                raise ValueError(
                    f"the loss of step {progress.step} is {progress.loss}, so nothing more is "
                    "learned; try a smaller learning rate, in another folder"
                )
            bar.update(progress.step - bar.n)
            bar.set_postfix(loss=f"{progress.loss:.3f}", refresh=False)
            line = describe(progress)
            if line:
                bar.write(line)
            if interrupted.asked and progress.step < training.steps:
                training.save()
                bar.write(f"interrupted at step {progress.step}; --resume goes on", file=sys.stderr)
                return False
    return True


def check_training_folder(out: Path, state: str, options: argparse.Namespace) -> None:
    """Refuse to start over, or to go on with other settings, in a folder that holds a training.

    Args:
        out: the folder.
        state: name of the file that a training leaves there.
        options: of the command; `resume` says whether to go on.

    Raises:
        ValueError: if it holds one, and it is not to go on, or had other settings.
        OSError: if it can't be written to.
    """
    check_folder(out)
    if not (out / state).exists():
        return
    if not options.resume:
        raise ValueError(
            f"'{out}' holds a training; --resume goes on with it, or choose another folder"
        )
    file = out / SETTINGS_FILE
    if file.exists():
        check_settings(f"'{out}' holds a training", read_record(file), settings_of(options))


def keep_settings(out: Path, options: argparse.Namespace) -> None:
    """Write what a training's command was given into its folder, once the training is made."""
    replace_text(out / SETTINGS_FILE, json.dumps(settings_of(options), indent=1) + "\n")


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """What of a command's options decides what comes out, as JSON has it.

    Of a file its contents count, wherever it lies.
    """
    return {
        name: _as_json(value) for name, value in vars(options).items() if name not in WITHOUT_EFFECT
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, Path):
        if value.is_file():
            return f"file with sha256 {sha256(value)}"
        return str(value)
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return value
