"""What a run leaves on disk: a state to go on from, and a log of its losses and figures."""

from __future__ import annotations

import copy
import json
import math
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


# What reading a state raises that is cut short, or something else.
DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, LookupError, TypeError, ValueError)


def save_state(path: Path, recipe: DataclassInstance, state: dict[str, Any]) -> None:
    """Write a training state (tensors, numbers, strings); the old one stays until it is whole."""
    temporary = path.with_name(path.name + ".part")
    torch.save({**state, "recipe": asdict(recipe)}, temporary)
    temporary.replace(path)


def load_state(path: Path, recipe: DataclassInstance) -> dict[str, Any]:
    """Read the training state of this recipe; reading one runs no code.

    Raises:
        OSError: if there is none.
        ValueError: if it is damaged or something else; or of another recipe, see `check_settings`.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before = dict(state["recipe"])
    except DAMAGED as error:
        raise ValueError(
            f"'{path}' can't be read as the state of a training; remove it to begin anew"
        ) from error
    check_settings(f"'{path.parent}' holds a training", before, asdict(recipe))
    return state


def replace_text(path: Path, text: str) -> None:
    """Write a text file; the old one stays until the new one is whole."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON object that a run left behind.

    Raises:
        OSError: if there is none.
        ValueError: if it is damaged or something else.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"'{path}' can't be read ({error}); choose another folder, or remove all that is in "
            "this one to begin anew"
        ) from error


def start_from(network: nn.Module, start: nn.Module) -> None:
    """Give a network the weights of another of the same sizes.

    Raises:
        ValueError: if it is of other sizes.
    """
    _load_weights(network, start.state_dict())


def check_shares(**shares: float) -> None:
    """Check shares of a recipe.

    Raises:
        ValueError: naming one that is not from 0 to 1.
    """
    for name, share in shares.items():
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"{name.replace('_', ' ')} {share} does not work; give 0 to 1")


def check_counts(**counts: int) -> None:
    """Check numbers of a recipe of which there must be at least one.

    Raises:
        ValueError: naming one that is less.
    """
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name.replace('_', ' ')} {count} does not work; give 1 or more")


def check_rates(**rates: float) -> None:
    """Check learning rates and the like.

    Raises:
        ValueError: naming one that is no number above 0.
    """
    for name, rate in rates.items():
        if not 0.0 < rate < math.inf:
            raise ValueError(
                f"{name.replace('_', ' ')} {rate} does not work; give a number above 0"
            )


def check_settings(
    what: str,
    before: Mapping[str, Any],
    now: Mapping[str, Any],
    otherwise: str = "choose another folder",
) -> None:
    """Check that a run that goes on has the settings it was begun with.

    Args:
        what: the run, for a sentence.
        before: the settings it was begun with, by name.
        now: those it is to go on with.
        otherwise: what to do in place of that.

    Raises:
        ValueError: naming those that differ.
    """
    others = ", ".join(
        f"{name.replace('_', ' ')} {before.get(name, 'unknown')} instead of {now.get(name, 'none')}"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    )
    if others:
        raise ValueError(f"{what} of other settings: {others}; go on with the same, or {otherwise}")


def check_start(share: float, start: nn.Module | None) -> None:
    """Check that there are weights to start from, if a share of them is to be written.

    Raises:
        ValueError: if there are none.
    """
    if share and start is None:
        raise ValueError("a share of the weights to start from needs some; give --start-from")


def fitted(start: nn.Module, network: nn.Module) -> nn.Module:
    """A copy of `network` with the weights of `start`, whose kernels may be larger or see less.

    What lies outside of a smaller kernel is added to its border, as if the image went on evenly
    there. Channels of the input that `start` does not see, the last ones, count for nothing.

    Raises:
        ValueError: if other sizes differ.
    """
    copied = copy.deepcopy(network)
    wanted = copied.state_dict()
    weights = {
        name: _fitted_kernel(weight, wanted[name].shape) if name in wanted else weight
        for name, weight in start.state_dict().items()
    }
    _load_weights(copied, weights)
    return copied


def _fitted_kernel(weight: Tensor, shape: torch.Size) -> Tensor:
    if weight.ndim != 4 or len(shape) != 4:
        return weight
    for dim in (2, 3):
        side = weight.shape[dim]
        nearest = (torch.arange(side) - (side - shape[dim]) // 2).clamp(0, shape[dim] - 1)
        if side > shape[dim]:
            smaller = weight.new_zeros(*weight.shape[:dim], shape[dim], *weight.shape[dim + 1 :])
            weight = smaller.index_add(dim, nearest, weight)
    unseen = shape[1] - weight.shape[1]
    return functional.pad(weight, (0, 0, 0, 0, 0, unseen)) if unseen > 0 else weight


def _load_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            "the network to start from has other layers than the one to train; give the sizes that "
            f"it was trained with ({reason})"
        ) from error


class TrainingLog:
    """A log of JSON lines, one record each, in order of their `step`.

    Opened after step N it drops what an interrupted run logged of later steps: they are done again.
    """

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        kept = [record for record in read_log(path) if record["step"] <= step]
        replace_text(path, "".join(json.dumps(record) + "\n" for record in kept))

    def write(self, step: int, **figures: Any) -> None:
        """Append what was measured at a step; null, where that is no number."""
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **_with_nulls(figures)}) + "\n")


def _with_nulls(figures: Any) -> Any:
    """Figures with None for what is not finite, of which JSON knows nothing."""
    if isinstance(figures, dict):
        return {name: _with_nulls(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [_with_nulls(value) for value in figures]
    return None if isinstance(figures, float) and not math.isfinite(figures) else figures


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a log, none if there is no log; a last line cut short is left out.

    Raises:
        ValueError: if it is damaged or something else.
    """
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        return [dict(json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"'{path}' can't be read as the log of a training ({error}); remove it, and the "
            "training goes on with a new one"
        ) from error
