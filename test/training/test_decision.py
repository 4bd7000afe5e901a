from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dvsnet_ros.commands import train
from dvsnet_ros.core.checkpoint import (
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.training.calibration import mean_absolute_error, rank_correlation
from dvsnet_ros.training.decision import (
    LOG_FILE,
    WEIGHTS_FILE,
    WHOLE_FILE,
    Cases,
    DecisionRecipe,
    DecisionTraining,
    expected_scores,
)
from dvsnet_ros.training.state import read_log
from helpers.corrected import with_correction
from helpers.gradients import silent_parameters

CHANNELS = 64  # of the tiny flow network's features
SMALL = DecisionRecipe(epochs=4, batch_size=8, channels=4, hidden=16)
BOTH = pytest.mark.parametrize("architecture", ["decision_network", "cell_decision"])


def make_cases(seed: int, count: int) -> Cases:
    """The score falls with the features' size."""
    random = np.random.default_rng(seed)
    strength = random.uniform(0, 1, count)
    features = strength[:, None, None, None] * random.uniform(0, 1, (count, 4, 8, CHANNELS))
    return Cases(features.astype(np.float32), 100 - 30 * strength)


def make_training(
    out: Path, recipe: DecisionRecipe = SMALL, start: nn.Module | None = None
) -> DecisionTraining:
    cases = make_cases(0, 44), make_cases(1, 20)
    return DecisionTraining(recipe, *cases, CAMVID, out, start=start, save_every=2)


@BOTH
def test_it_learns(tmp_path: Path, architecture: str) -> None:
    recipe = DecisionRecipe(40, 8, architecture=architecture, channels=8, hidden=32)
    training = make_training(tmp_path, recipe)
    losses = [progress.loss for progress in training.run()]
    assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])
    validation = training.validation
    best = load_checkpoint(tmp_path / WEIGHTS_FILE).networks["decision"]
    expected = expected_scores(best, validation)
    assert mean_absolute_error(expected, validation.scores) == training.best_error < 5
    assert rank_correlation(expected, validation.scores) > 0.7


@BOTH
def test_the_gradient_reaches_every_parameter(tmp_path: Path, architecture: str) -> None:
    training = make_training(tmp_path, replace(SMALL, architecture=architecture))
    training.train_step(*training.batch(0))
    assert silent_parameters(training.network) == []


def drawn_scores(out: Path, evenness: float) -> np.ndarray:
    """The scores that five epochs draw from 360 testcases, of which 40 have low scores."""
    scores = np.repeat([99.0, 96.0, 91.0, 70.0, 20.0], (200, 80, 40, 30, 10))
    cases = Cases(np.zeros((360, 4, 8, CHANNELS), np.float32), scores)
    training = DecisionTraining(replace(SMALL, evenness=evenness), cases, cases, CAMVID, out)
    batches = [training.batch(step)[1] for step in range(5 * training.steps_per_epoch)]
    return torch.cat(batches).numpy()


def test_testcases_are_drawn_equally_often_or_their_scores_are(tmp_path: Path) -> None:
    values, counts = np.unique(drawn_scores(tmp_path, 0.0), return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([20, 70, 91, 96, 99], [50, 150, 200, 400, 1000])
    values, counts = np.unique(drawn_scores(tmp_path, 1.0), return_counts=True)
    assert values.tolist() == [20, 70, 91, 96, 99]
    assert counts == pytest.approx([360] * 5, rel=0.15)
    halfway = np.unique(drawn_scores(tmp_path, 0.5), return_counts=True)[1]
    assert 50 < halfway[0] < 360 < halfway[-1] < 1000
    with pytest.raises(ValueError, match="evenness 2"):
        replace(SMALL, evenness=2.0)


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    errors = []
    for progress in make_training(tmp_path).run():
        if progress.error is not None:
            errors.append(progress.error)
    assert [r["validation_error"] for r in read_log(tmp_path / LOG_FILE)] == errors
    best = load_checkpoint(tmp_path / WEIGHTS_FILE).networks["decision"]
    validation = make_cases(1, 20)
    assert mean_absolute_error(expected_scores(best, validation), validation.scores) == min(errors)


@BOTH
def test_interrupted_ends_as_uninterrupted(tmp_path: Path, architecture: str) -> None:
    recipe = replace(SMALL, architecture=architecture)
    whole = make_training(tmp_path / "whole", recipe)
    assert [p.step for p in whole.run()] == list(range(1, 4 * 5 + 1))
    for stop in (7, 6):
        interrupted = make_training(tmp_path / "cut", recipe)
        for _ in islice(interrupted.run(), stop):
            pass
        interrupted.save()
        list(islice(interrupted.run(), 1))  # work that is lost
    resumed = make_training(tmp_path / "cut", recipe)
    assert resumed.step == 13
    for _ in resumed.run():
        pass
    for name in (WEIGHTS_FILE, LOG_FILE):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    for name, value in resumed.network.state_dict().items():
        assert torch.equal(value, whole.network.state_dict()[name]), name


def started(out: Path, start: Path, rate: float) -> DecisionTraining:
    network = load_checkpoint(start / WEIGHTS_FILE).networks["decision"]
    training = make_training(out, replace(SMALL, learning_rate=rate), network)
    for _ in training.run():
        pass
    return training


def test_it_starts_from_a_network_and_keeps_it_unless_an_epoch_is_better(tmp_path: Path) -> None:
    start = make_training(tmp_path / "start")
    for _ in start.run():
        pass
    better = started(tmp_path / "better", tmp_path / "start", 0.002)
    assert better.best_error < start.best_error
    worse = started(tmp_path / "worse", tmp_path / "start", 10.0)
    assert worse.best_error == start.best_error
    kept = load_checkpoint(tmp_path / "worse" / WEIGHTS_FILE).networks["decision"].state_dict()
    for name, value in start.best.items():
        assert torch.equal(kept[name], value), name


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    make_training(tmp_path).save()
    with pytest.raises(ValueError, match="of other settings"):
        make_training(tmp_path, DecisionRecipe(epochs=5, channels=4, hidden=16))
    with pytest.raises(ValueError, match="fewer than a batch"):
        make_training(tmp_path / "other", DecisionRecipe(batch_size=64))
    narrow = Cases(make_cases(1, 20).features[..., :32], make_cases(1, 20).scores)
    with pytest.raises(ValueError, match="decision_network or cell_decision"):
        replace(SMALL, architecture="forest")
    with pytest.raises(ValueError, match="64 channels"):
        DecisionTraining(SMALL, make_cases(0, 44), narrow, CAMVID, tmp_path / "third")
    wide = make_training(tmp_path / "wide", replace(SMALL, channels=8)).network
    with pytest.raises(ValueError, match="has other layers"):
        make_training(tmp_path / "fifth", start=wide)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    for seed, name in enumerate(("train", "val")):
        cases = make_cases(seed, 24)
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "X", cases.features)
        np.save(tmp_path / name / "Y", cases.scores)
    return tmp_path


def train_in(folders: Path, *more: str) -> int:
    return train.run(
        [
            "--train_data_dir", f"{folders / 'train'}/", "--val_data_dir", f"{folders / 'val'}/",
            "--save_dir", str(folders / "out"), "--batch_size", "8", "--epochs", "3",
            "--channels", "4", "--hidden", "16", *more,
        ]
    )  # fmt: skip


def test_command(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its weights are a decision checkpoint, and with the others a whole one."""
    finetuned = untrained_checkpoint()
    save_checkpoint(folders / "whole.safetensors", finetuned)
    del finetuned.networks["decision"], finetuned.specs["decision"]
    save_checkpoint(folders / "finetuned.safetensors", finetuned)
    assert train_in(folders, "--restore_from", str(folders / "finetuned.safetensors")) == 0
    printed = capsys.readouterr().out
    for text in ("mean absolute error", "Spearman", "expected score", WHOLE_FILE):
        assert text in printed
    frame = np.zeros((64, 64, 3), np.uint8)
    for checkpoint in (
        load_checkpoint(folders / "out" / WHOLE_FILE),
        load_checkpoint(folders / "whole.safetensors", folders / "out" / WEIGHTS_FILE),
    ):
        segmenter = VideoSegmenter(checkpoint, overlap=16)
        segmenter.segment(frame)
        assert np.isfinite(segmenter.segment(frame).decisions[0].expected_confidence)


@pytest.mark.parametrize("wrong", [["--epochs", "0"], ["--batch-size", "0"], ["--decay", "-1"]])
def test_numbers_that_do_not_work_are_refused(
    folders: Path, capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    assert train_in(folders, *wrong) == 2
    assert f"{wrong[0].strip('-').replace('-', ' ')} {wrong[1]}" in capsys.readouterr().err


def test_command_refuses(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_in(folders) == 0
    assert train_in(folders) == 2
    assert "--resume" in capsys.readouterr().err
    assert train_in(folders, "--resume") == 0  # nothing is left to do
    (folders / "val" / "X.npy").unlink()
    assert train_in(folders, "--resume") == 2
    assert "dvsnet gentestcase makes" in capsys.readouterr().err


def test_a_cell_says_the_same_wherever_it_lies(tmp_path: Path) -> None:
    training = make_training(tmp_path, replace(SMALL, architecture="cell_decision"))
    features, _ = training.batch(0)
    network = training.network.eval()
    elsewhere = features.roll((1, 3), (2, 3))
    assert torch.allclose(network(elsewhere), network(features), atol=1e-4)
    assert network(1000.0 * features).max() <= 100.0


def test_at_first_scores_are_around_the_mean(tmp_path: Path) -> None:
    cases = make_cases(0, 44)
    cases = Cases(cases.features + 1000.0, cases.scores)  # whatever the features' size
    training = DecisionTraining(
        replace(SMALL, architecture="cell_decision"), cases, cases, CAMVID, tmp_path
    )
    first = expected_scores(training.network, cases)
    assert abs(first.mean() - cases.scores.mean()) < 20


def test_the_architecture_follows_from_the_flow_network(tmp_path: Path) -> None:
    """Where it has a correction, each cell is for itself; else the original's network."""
    for checkpoint, architecture in (
        (with_correction(untrained_checkpoint()), "cell_decision"),
        (untrained_checkpoint(), "decision_network"),
    ):
        channels = checkpoint.networks["flow"].feature_channels
        folder = tmp_path / architecture
        folder.mkdir()
        save_checkpoint(folder / "whole.safetensors", checkpoint)
        np.save(folder / "X", np.random.default_rng(0).random((16, 4, 8, channels)))
        np.save(folder / "Y", np.linspace(80, 100, 16))
        arguments = [
            "--train-data-dir", f"{folder}", "--val-data-dir", f"{folder}", "--batch-size", "8",
            "--save-dir", f"{folder / 'out'}", "--epochs", "1", "--channels", "2",
            "--hidden", "4", "--restore-from", f"{folder / 'whole.safetensors'}",
        ]  # fmt: skip
        assert train.run(arguments) == 0
        whole = load_checkpoint(folder / "out" / WHOLE_FILE)
        assert whole.specs["decision"].architecture == architecture


@BOTH
def test_a_network_to_start_from_says_its_architecture_and_sizes(
    folders: Path, architecture: str
) -> None:
    assert train_in(folders, "--architecture", architecture) == 0
    first = folders / "out" / WEIGHTS_FILE
    again = [
        "--train-data-dir", f"{folders / 'train'}", "--val-data-dir", f"{folders / 'val'}",
        "--save-dir", f"{folders / 'again'}", "--batch-size", "8", "--epochs", "1",
        "--start-from", f"{first}",
    ]  # fmt: skip
    assert train.run(again) == 0
    after = load_checkpoint(folders / "again" / WEIGHTS_FILE)
    assert after.specs["decision"] == load_checkpoint(first).specs["decision"]


def test_testcases_of_another_flow_network_are_refused(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    specs = {
        "segmentation": NetworkSpec("compact", {"num_classes": 11, "width": 4}),
        "flow": NetworkSpec("flow_net", {"num_classes": 11, "width": 2}),
    }
    save_checkpoint(folders / "other.safetensors", new_checkpoint(specs, CAMVID))
    assert train_in(folders, "--restore-from", str(folders / "other.safetensors")) == 2
    assert "the testcases have 64 channels" in capsys.readouterr().err
