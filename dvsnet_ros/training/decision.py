"""Training the decision network on testcases.

Source: `train/train.py` of the original. Every random choice of step N follows from (seed, N)
alone, so on a CPU a run that was interrupted and goes on from its state ends as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from dvsnet_ros.core.checkpoint import Checkpoint, CheckpointError, InputFormat, save_checkpoint
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.networks import NetworkSpec, build_network
from dvsnet_ros.core.networks.decision import CellDecision
from dvsnet_ros.core.networks.layers import lay_out
from dvsnet_ros.training.calibration import mean_absolute_error
from dvsnet_ros.training.case_files import JoinedFeatures
from dvsnet_ros.training.state import (
    TrainingLog,
    check_counts,
    check_rates,
    check_shares,
    load_state,
    save_state,
    start_from,
)

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
WEIGHTS_FILE = "decision.safetensors"
WHOLE_FILE = "dvsnet.safetensors"

BIAS = 0.1
"""Of the dense layers at the start, as in the original."""

SAMPLE = 10_000
"""Testcases, at most, from which the features' means and deviations are taken."""

LOSSES = {"decision_network": functional.mse_loss, "cell_decision": functional.smooth_l1_loss}
"""By architecture: the original's, and one for which a few surprises do not outweigh all else."""
DEFAULT_CHANNELS = {"decision_network": 96, "cell_decision": 16}

SCORE_STEP = 2.5
LOWEST_STEP = 50.0
"""Scores are told apart in such steps where they are drawn evenly; those below this are as one."""


@dataclass(frozen=True)
class Cases:
    """Testcases, as `case_files.load_cases` reads them.

    Attributes:
        features: [N, 4, 8, channels].
        scores: [N], 0-100.
    """

    features: NDArray[np.floating[Any]] | JoinedFeatures
    scores: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    def batch(self, chosen: NDArray[np.int64] | slice) -> tuple[Tensor, Tensor]:
        """Features [n, channels, 4, 8] and scores [n] of some of them, float32."""
        features = np.array(self.features[chosen], np.float32, order="C")
        scores = np.array(self.scores[chosen], np.float32)
        return torch.from_numpy(features).permute(0, 3, 1, 2), torch.from_numpy(scores)


@dataclass(frozen=True)
class DecisionRecipe:
    """Everything that decides what comes out of a training, beside the testcases.

    Attributes:
        epochs: how often it goes through the testcases.
        batch_size: testcases a step; those of an epoch that fill none are left to the next shuffle.
        learning_rate: of Adam in the first epoch.
        decay: the learning rate's factor after each epoch.
        architecture: `decision_network`, the original's, or `cell_decision`.
        channels: of the network's convolutions; by default 96 in the original, 16 in the other.
        hidden: width of the original's large dense layers.
        evenness: 0-1, whether all testcases are drawn equally often (0, as in the original) or all
            scores (1). Where most testcases have scores of 90 or more, and a camera is to be served
            that the flow path never learned on, drawing low scores as often keeps the network from
            taking high ones for granted.
        seed: of everything random.

    Raises:
        ValueError: if a number is out of its range, or the architecture unknown.
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 0.002
    decay: float = 0.99
    architecture: str = "decision_network"
    channels: int | None = None
    hidden: int = 1024
    evenness: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.architecture not in LOSSES:
            raise ValueError(
                f"the decision network's architecture is '{self.architecture}'; it must be "
                f"{' or '.join(LOSSES)}"
            )
        check_counts(epochs=self.epochs, batch_size=self.batch_size, hidden=self.hidden)
        if self.channels is not None:
            check_counts(channels=self.channels)
        check_rates(learning_rate=self.learning_rate, decay=self.decay)
        check_shares(evenness=self.evenness)

    def spec(self, feature_channels: int) -> NetworkSpec:
        """The network, for features of so many channels."""
        arguments = {
            "feature_channels": feature_channels,
            "channels": self.channels or DEFAULT_CHANNELS[self.architecture],
        }
        if self.architecture == "decision_network":
            arguments["hidden"] = self.hidden
        return NetworkSpec(self.architecture, arguments)


@dataclass(frozen=True)
class DecisionProgress:
    """Where a training stands after a step; `error` only at the end of an epoch.

    Attributes:
        step, steps: done, and in all.
        loss: of the step's batch, see `LOSSES`.
        error: mean absolute error on the validation testcases, in points.
    """

    step: int
    steps: int
    loss: float
    error: float | None = None


@dataclass
class DecisionTraining:
    """One training run, in the folder `out`.

    Args:
        recipe: how to train; a state in `out` of another recipe is refused.
        training: testcases to learn from.
        validation: testcases that choose the best epoch.
        label_set: written into the checkpoint; the decision network itself knows no classes.
        out: folder of the state, the log and the weights; made if it is not there.
        device: where to train.
        start: a network of the same sizes whose weights to start from, instead of random ones; they
            are the best ones until an epoch's are better.
        save_every: epochs between two states.

    Raises:
        ValueError: if there are fewer testcases than a batch, those for validation are of another
            flow network, the network to start from is of other sizes, or `out` holds another
            recipe's state.
    """

    recipe: DecisionRecipe
    training: Cases
    validation: Cases
    label_set: LabelSet
    out: Path
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    start: nn.Module | None = None
    save_every: int = 10

    def __post_init__(self) -> None:
        self.spec = self.recipe.spec(self._check())
        torch.manual_seed(self.recipe.seed)
        self.network = build_network(self.spec)
        if self.start is None:
            initialise(self.network, self.training)
        else:
            start_from(self.network, self.start)
        lay_out(self.network.to(self.device), torch.channels_last)
        self.optimizer = torch.optim.Adam(self.network.parameters(), fused=True)
        self.step = 0
        self._shares = _draw_shares(self.training.scores, self.recipe.evenness)
        self._order = lru_cache(maxsize=1)(self._draw_order)  # the steps of an epoch share it
        self.best_error = float("inf") if self.start is None else self._validation_error()
        self.best = _copy(self.network)
        self._loss = 0.0
        self.out.mkdir(parents=True, exist_ok=True)
        if (self.out / STATE_FILE).exists():
            self._load()
        self.log = TrainingLog(self.out / LOG_FILE, self.step)

    def _check(self) -> int:
        if len(self.training) < self.recipe.batch_size:
            raise ValueError(
                f"{len(self.training)} testcases are fewer than a batch of "
                f"{self.recipe.batch_size}; give more, or a smaller batch"
            )
        channels = [cases.features.shape[3] for cases in (self.training, self.validation)]
        if channels[0] != channels[1]:
            raise ValueError(
                f"the testcases to learn from have {channels[0]} channels, those for validation "
                f"{channels[1]}; make both with one flow network"
            )
        return int(channels[0])

    @property
    def steps_per_epoch(self) -> int:
        """Steps that an epoch takes."""
        return len(self.training) // self.recipe.batch_size

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.steps_per_epoch * self.recipe.epochs

    def run(self) -> Iterator[DecisionProgress]:
        """Train from where the state stands to the end, then write the best weights.

        Stopping in between loses what came after the last state; `save` writes one.
        """
        while self.step < self.steps:
            loss = self.train_step(*self.batch(self.step))
            self._loss += loss
            self.step += 1
            error = self._finish_epoch() if self.step % self.steps_per_epoch == 0 else None
            yield DecisionProgress(self.step, self.steps, loss, error)
        self.save()
        save_checkpoint(self.out / WEIGHTS_FILE, self.checkpoint())

    def train_step(self, features: Tensor, scores: Tensor) -> float:
        """One step of Adam on a batch (see `batch`); returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * self.recipe.decay ** (
                self.step // self.steps_per_epoch
            )
        torch.manual_seed(_seed_of(self.recipe.seed, self.step))  # of the dropout
        self.network.train()
        self.optimizer.zero_grad()
        loss = LOSSES[self.recipe.architecture](self.network(features), scores)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Features and scores of a step; see `Cases.batch`."""
        epoch, index = divmod(step, self.steps_per_epoch)
        order = self._order(epoch)
        size = self.recipe.batch_size
        features, scores = self.training.batch(order[index * size : (index + 1) * size])
        return features.to(self.device), scores.to(self.device)

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        """In which order an epoch goes through the testcases; drawn ones may come again."""
        random = np.random.default_rng([self.recipe.seed, 0, epoch])
        count = len(self.training)
        if not self.recipe.evenness:
            return random.permutation(count)
        return random.choice(count, count, p=self._shares)

    def checkpoint(self) -> Checkpoint:
        """The best weights so far, as a checkpoint that holds only a decision network."""
        network = build_network(self.spec)
        network.load_state_dict(self.best)
        return Checkpoint(
            {"decision": network}, {"decision": self.spec}, self.label_set, InputFormat()
        )

    def save(self) -> None:
        """Write the state to go on from."""
        state = {
            "step": self.step,
            "loss": self._loss,
            "best_error": self.best_error,
            "best": self.best,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_state(self.out / STATE_FILE, self.recipe, state)

    def _load(self) -> None:
        state = load_state(self.out / STATE_FILE, self.recipe)
        self.step = state["step"]
        self._loss = state["loss"]
        self.best_error, self.best = state["best_error"], state["best"]
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])

    def _validation_error(self) -> float:
        expected = expected_scores(self.network, self.validation)
        return mean_absolute_error(expected, self.validation.scores)

    def _finish_epoch(self) -> float:
        epoch = self.step // self.steps_per_epoch
        error = self._validation_error()
        if error < self.best_error:
            self.best_error, self.best = error, _copy(self.network)
        self.log.write(
            self.step, epoch=epoch, loss=self._loss / self.steps_per_epoch, validation_error=error
        )
        self._loss = 0.0
        if epoch % self.save_every == 0:
            self.save()
        return error


@torch.no_grad()
def expected_scores(network: nn.Module, cases: Cases, batch_size: int = 256) -> NDArray[np.float64]:
    """The decision network's score [N] of every testcase."""
    network.eval()
    device = next(network.parameters()).device
    scores = [
        network(cases.batch(slice(start, start + batch_size))[0].to(device))
        for start in range(0, len(cases), batch_size)
    ]
    return torch.cat(scores).double().cpu().numpy()


def with_decision(checkpoint: Checkpoint, decision: Checkpoint) -> Checkpoint:
    """A whole checkpoint: segmentation and flow network of one, decision network of the other.

    Raises:
        CheckpointError: if it lacks a network, or the flow network is not one that the decision
            network can read.
    """
    checkpoint.require(["segmentation", "flow"])
    flow, network = checkpoint.networks["flow"], decision.networks["decision"]
    if flow.feature_channels != network.feature_channels:
        raise CheckpointError(
            f"the testcases have {network.feature_channels} channels, the flow network of "
            f"'{checkpoint.path}' {flow.feature_channels}; give the checkpoint that they were "
            "made with"
        )
    return Checkpoint(
        {**checkpoint.networks, "decision": network},
        {**checkpoint.specs, "decision": decision.specs["decision"]},
        checkpoint.label_set,
        checkpoint.input,
    )


def initialise(network: nn.Module, cases: Cases) -> None:
    """Random weights after He et al. (2015), the original's biases, and scores around the mean.

    The original's scores start at 0; from there Adam needs tens of thousands of steps to the mean,
    and until the last bias is there, dropout makes noise of it.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.constant_(module.bias, BIAS if isinstance(module, nn.Linear) else 0.0)
    mean_score = float(cases.scores.mean())
    if isinstance(network, CellDecision):
        features, _ = cases.batch(slice(None, None, -(-len(cases) // SAMPLE)))
        network.mean.copy_(features.mean((0, 2, 3)))
        network.deviation.copy_(features.std((0, 2, 3)).clamp(min=1e-6))
        right = min(max(mean_score / 100.0, 0.001), 0.999)
        nn.init.constant_(network.get_parameter("predict.bias"), math.log(1.0 / right - 1.0))
    else:
        nn.init.constant_(network.get_parameter("dense4.bias"), mean_score)


def _draw_shares(scores: NDArray[np.float64], evenness: float) -> NDArray[np.float64]:
    """How often the testcase of each score [N] is drawn, [N], in all 1."""
    steps = ((scores - LOWEST_STEP) // SCORE_STEP).clip(0).astype(np.int64)
    shares = np.bincount(steps)[steps] ** -evenness
    return np.asarray(shares / shares.sum())


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}


def _seed_of(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, 2, step]).generate_state(1)[0])
