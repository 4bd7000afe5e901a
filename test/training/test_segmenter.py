import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.label_sets import CAMVID, VOID_LABEL
from dvsnet_ros.training.augmentation import Crop
from dvsnet_ros.training.segmenter import (
    LARGE_CROP,
    LOG_FILE,
    STATE_FILE,
    WEIGHTS_FILE,
    Recipe,
    SegmenterTraining,
    Stage,
    normalise,
    progressive_stages,
)
from dvsnet_ros.training.state import TrainingLog, read_log
from helpers.gradients import silent_parameters
from helpers.stills import make_still

SMALL = Recipe(
    (Stage(3, Crop(32, 32, (0.7, 1.2))), Stage(2, Crop(40, 48, (0.7, 1.2)))),
    batch_size=2,
    learning_rate=5e-3,
    warm_up=2,
    width=4,
)


def make_training(
    out: Path, recipe: Recipe = SMALL, precision: torch.dtype = torch.float32
) -> SegmenterTraining:
    stills = [make_still(f"a_{seed}", seed) for seed in range(5)]
    held_back = [make_still("b_0", 9)]
    return SegmenterTraining(
        recipe, stills, held_back, CAMVID, out, precision=precision, measure_every=2
    )


def test_the_loss_falls(tmp_path: Path) -> None:
    training = make_training(tmp_path, Recipe(SMALL.stages[:1] * 6, 2, 5e-3, 2, width=4))
    losses = [progress.loss for progress in training.run()]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:5])


def test_the_gradient_reaches_every_parameter(tmp_path: Path) -> None:
    training = make_training(tmp_path)
    training.train_step(*training.batch(0))
    assert silent_parameters(training.network) == []


def test_in_float16_the_gradient_is_that_of_float32(tmp_path: Path) -> None:
    recipe = replace(SMALL, stages=(Stage(1, LARGE_CROP),))
    exact, half = (
        make_training(tmp_path / str(precision), recipe, precision)
        for precision in (torch.float32, torch.float16)
    )
    for training in (exact, half):
        training.train_step(*training.batch(0))
    for name, value in half.network.named_parameters():
        wanted = exact.network.get_parameter(name).grad
        assert value.grad is not None
        assert wanted is not None
        assert torch.cosine_similarity(value.grad.flatten(), wanted.flatten(), 0) > 0.99, name


def test_a_training_goes_on_with_its_loss_scale_or_in_another_precision(tmp_path: Path) -> None:
    training = make_training(tmp_path, precision=torch.float16)
    next(training.run())
    training.scaler.update(256.0)
    training.save()
    resumed = make_training(tmp_path, precision=torch.float16)
    next(resumed.run())
    assert resumed.scaler.get_scale() == 256.0
    next(make_training(tmp_path).run())

    make_training(tmp_path / "exact").save()
    begun_exact = make_training(tmp_path / "exact", precision=torch.float16)
    next(begun_exact.run())
    assert begun_exact.scaler.get_scale() > 256.0


def test_void_counts_for_nothing(tmp_path: Path) -> None:
    """A batch of void alone changes no weight, but for the decay of the weights."""
    training = make_training(tmp_path, Recipe(SMALL.stages, 2, weight_decay=0.0, width=4))
    before = {name: value.clone() for name, value in training.network.named_parameters()}
    images, labels = training.batch(0)
    loss = training.train_step(images, torch.full_like(labels, VOID_LABEL))
    assert loss == 0
    assert all(
        torch.equal(before[name], value) for name, value in training.network.named_parameters()
    )


def test_what_is_written_keeps_a_share_of_the_start(tmp_path: Path) -> None:
    start = make_training(tmp_path / "start", replace(SMALL, seed=3)).network
    stills = [make_still(f"a_{seed}", seed) for seed in range(5)]

    def result(share: float) -> dict[str, torch.Tensor]:
        recipe = replace(SMALL, start_share=share)
        out = tmp_path / str(share)
        training = SegmenterTraining(recipe, stills, [], CAMVID, out, start=start)
        for _ in training.run():
            pass
        return load_checkpoint(out / WEIGHTS_FILE).networks["segmentation"].state_dict()

    trained, mixed = result(0.0), result(0.25)
    for name, weight in start.state_dict().items():
        if weight.is_floating_point():
            expected = 0.75 * trained[name] + 0.25 * weight
            assert torch.allclose(mixed[name], expected, atol=1e-6), name
    with pytest.raises(ValueError, match="--start-from"):
        make_training(tmp_path / "none", replace(SMALL, start_share=0.25))
    with pytest.raises(ValueError, match="give 0 to 1"):
        replace(SMALL, start_share=1.5)
    with pytest.raises(ValueError, match="give 0 to 1"):
        replace(SMALL, pasted=-0.5)


def test_objects_are_pasted_into_batches(tmp_path: Path) -> None:
    plain = make_training(tmp_path / "plain")
    pasted = make_training(tmp_path / "pasted", replace(SMALL, pasted=1.0))
    pairs = [(plain.batch(step), pasted.batch(step)) for step in range(4)]
    assert any((one[1] != other[1]).any() for one, other in pairs)
    again = make_training(tmp_path / "again", replace(SMALL, pasted=1.0))
    assert all(torch.equal(one, two) for one, two in zip(pairs[3][1], again.batch(3), strict=True))

    recipe = replace(SMALL, pasted=1.0)
    bare = SegmenterTraining(recipe, plain.training, [], CAMVID, tmp_path / "bare", objects_of=[])
    assert all(torch.equal(bare.batch(step)[1], pair[0][1]) for step, pair in enumerate(pairs))


def test_a_state_that_is_damaged_is_named(tmp_path: Path) -> None:
    training = make_training(tmp_path)
    training.save()
    file = tmp_path / STATE_FILE
    whole = file.read_bytes()
    torch.save({"step": 1}, file)
    for content in (whole[:-1000], whole[:10], b"", b"no state", file.read_bytes()):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="can't be read as the state of a training; remove"):
            make_training(tmp_path)


def test_interrupted_ends_as_uninterrupted(tmp_path: Path) -> None:
    whole = make_training(tmp_path / "whole")
    steps = [progress.step for progress in whole.run()]
    assert steps == list(range(1, whole.steps + 1))

    for stop in (5, 3):  # the second time it is interrupted before the first time's place
        interrupted = make_training(tmp_path / "cut")
        for _ in islice(interrupted.run(), stop):
            pass
        interrupted.save()
        list(islice(interrupted.run(), 1))  # work that is lost
    resumed = make_training(tmp_path / "cut")
    assert resumed.step == 8
    for _ in resumed.run():
        pass

    expected = whole.average.network.state_dict()
    for name, value in resumed.average.network.state_dict().items():
        assert torch.equal(value, expected[name]), name
    files = [(tmp_path / run / WEIGHTS_FILE).read_bytes() for run in ("whole", "cut")]
    assert files[0] == files[1]
    assert read_log(tmp_path / "whole" / LOG_FILE) == read_log(tmp_path / "cut" / LOG_FILE)


def test_measures_and_logs(tmp_path: Path) -> None:
    training = make_training(tmp_path)
    measured = [p.step for p in training.run() if p.mean_iou is not None]
    assert measured == [4, 8, 10]
    records = read_log(tmp_path / LOG_FILE)
    assert [record["epoch"] for record in records] == [1, 2, 3, 4, 5]
    assert "mean_iou" in records[1]
    assert len(records[1]["class_iou"]) == 11


def test_a_class_that_is_nowhere_has_no_iou_in_the_log(tmp_path: Path) -> None:
    log = TrainingLog(tmp_path / LOG_FILE, 0)
    log.write(1, mean_iou=0.5, class_iou=[0.5, math.nan])
    assert read_log(tmp_path / LOG_FILE) == [{"step": 1, "mean_iou": 0.5, "class_iou": [0.5, None]}]


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    make_training(tmp_path).save()
    with pytest.raises(ValueError, match="of other settings"):
        make_training(tmp_path, Recipe(SMALL.stages, batch_size=3, width=4))


def test_too_few_stills_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than a batch"):
        make_training(tmp_path, Recipe(SMALL.stages, batch_size=8, width=4))


def test_starts_from_given_weights(tmp_path: Path) -> None:
    first = make_training(tmp_path / "first")
    torch.nn.init.constant_(first.network.classify.bias, 0.5)
    second = SegmenterTraining(
        SMALL, first.training, [], CAMVID, tmp_path / "second", start=first.network
    )
    assert torch.equal(second.network.classify.bias, first.network.classify.bias)


def test_the_result_takes_half_of_the_class_weights_back(tmp_path: Path) -> None:
    training = make_training(tmp_path)
    training.train_step(*training.batch(0))
    training.average.update(training.network, 0)
    images = normalise(training.batch(1)[0])
    with torch.no_grad():
        taken_back = training.average.network(images) - training.result()(images)
    expected = 0.5 * training.weights.log()
    assert torch.allclose(taken_back, expected.view(1, -1, 1, 1).expand_as(taken_back), atol=1e-5)
    assert expected.abs().max() > 0.01


def test_stages_split_the_epochs() -> None:
    assert [stage.epochs for stage in progressive_stages(10, 0.7)] == [7, 3]
    assert [stage.epochs for stage in progressive_stages(10, 0.0)] == [10]
    with pytest.raises(ValueError, match="at least one epoch"):
        progressive_stages(0, 0.5)


def test_a_log_drops_what_will_be_done_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path, 0)
    for step in (1, 2, 3):
        log.write(step, loss=1.0 / step)
    with path.open("a") as file:
        file.write('{"step": 4, "lo')  # cut short by a crash
    TrainingLog(path, 1).write(2, loss=7.0)
    assert [(record["step"], record["loss"]) for record in read_log(path)] == [(1, 1.0), (2, 7.0)]


@pytest.mark.parametrize("line", [b"\0\0\0\n", b"\xff\n", b"[1]\n"])
def test_a_log_that_is_damaged_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / LOG_FILE
    TrainingLog(path, 0).write(1, loss=1.0)
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(ValueError, match=r"log\.jsonl' can't be read as the log of a training"):
        TrainingLog(path, 1)
