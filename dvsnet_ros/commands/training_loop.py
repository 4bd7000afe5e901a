"""What the training commands have in common: a bar, an orderly stop, folders kept safe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tqdm import tqdm

from dvsnet_ros.commands.interruption import interruption
from dvsnet_ros.drives.whole import check_folder


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
    """
    with (
        interruption() as interrupted,
        tqdm(total=training.steps, initial=training.step, unit="step", dynamic_ncols=True) as bar,
    ):
        for progress in training.run():
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


def check_training_folder(out: Path, state: str, resume: bool) -> None:
    """Refuse to start over, by accident, in a folder that holds a training.

    Raises:
        ValueError: if it does, and `resume` is false.
        OSError: if it can't be written to.
    """
    check_folder(out)
    if (out / state).exists() and not resume:
        raise ValueError(
            f"'{out}' holds a training; --resume goes on with it, or choose another folder"
        )
