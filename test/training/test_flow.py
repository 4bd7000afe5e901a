from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dvsnet_ros.commands import train_flow
from dvsnet_ros.core.checkpoint import (
    Checkpoint,
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.drives import drive
from dvsnet_ros.training.flow import (
    LOG_FILE,
    WEIGHTS_FILE,
    FlowTraining,
    initialise,
)
from dvsnet_ros.training.flow_batches import FlowRecipe
from dvsnet_ros.training.flow_losses import distillation_loss, endpoint_error, flow_loss
from dvsnet_ros.training.flow_pairs import StillPairs
from dvsnet_ros.training.footage import (
    Draw,
    Footage,
    SegmentedFootage,
    footage_of_drive,
    footage_of_stills,
)
from dvsnet_ros.training.key_frames import KeyReach
from dvsnet_ros.training.segmenter import INPUT
from dvsnet_ros.training.state import fitted, read_log
from helpers.drives import drifting_frames
from helpers.gradients import silent_parameters
from helpers.stills import make_still, write_still

SMALL = FlowRecipe(
    steps=4,
    distil_steps=4,
    batch_size=2,
    learning_rate=1e-3,
    distil_learning_rate=1e-3,
    warm_up=1,
    crop=(64, 64),
    width=2,
)


def make_pairs() -> StillPairs:
    return StillPairs([make_still(f"a_{seed}", seed, 96, 128) for seed in range(3)], CAMVID)


@pytest.fixture(scope="module")
def segmenter() -> Checkpoint:
    torch.manual_seed(0)
    specs = {"segmentation": NetworkSpec("compact", {"num_classes": 11, "width": 4})}
    checkpoint = new_checkpoint(specs, CAMVID, INPUT)
    classify = checkpoint.networks["segmentation"].get_submodule("classify")
    torch.nn.init.normal_(classify.weight, 0.0, 1.0)
    return checkpoint


def make_footage(segmenter: Checkpoint) -> list[SegmentedFootage]:
    networks = RegionNetworks(segmenter, torch.device("cpu"), torch.float32)
    footage = footage_of_stills("stills", make_pairs(), 2, seed=0, tracked=True)
    return [SegmentedFootage(footage, networks, overlap=16)]


def make_training(
    out: Path, segmenter: Checkpoint, recipe: FlowRecipe = SMALL, log_every: int = 3
) -> FlowTraining:
    return FlowTraining(
        recipe,
        [make_pairs()],
        make_footage(segmenter),
        out,
        beside=segmenter,
        log_every=log_every,
        save_every=1000,
    )


def mean_of(figures: Sequence[dict[str, float]], name: str) -> float:
    return float(np.mean([step[name] for step in figures]))


def test_the_error_of_the_flow_falls(tmp_path: Path, segmenter: Checkpoint) -> None:
    recipe = replace(
        SMALL, steps=80, distil_steps=0, width=4, batch_size=4, learning_rate=2e-3, correction=0
    )
    training = make_training(tmp_path, segmenter, recipe)
    figures = []
    for step in range(60):
        figures.append(training.train_step(step, training.batch(step)))
    assert mean_of(figures[-10:], "loss") < 0.5 * mean_of(figures[:5], "loss")


def test_distillation_makes_the_loss_fall(tmp_path: Path, segmenter: Checkpoint) -> None:
    recipe = replace(SMALL, steps=0, distil_steps=80, distil_learning_rate=2e-3)
    training = make_training(tmp_path, segmenter, recipe)
    torch.nn.init.zeros_(training.network.predict_flow2.weight)
    batches = [training.batch(number) for number in range(5)]
    figures = [training.train_step(step, batches[step % 5]) for step in range(50)]
    assert mean_of(figures[-5:], "loss") < 0.8 * mean_of(figures[:5], "loss")


def test_a_tracked_network_learns_by_distillation(tmp_path: Path, segmenter: Checkpoint) -> None:
    recipe = replace(
        SMALL, steps=0, distil_steps=80, distil_learning_rate=2e-3, tracked=True, kernels=(5, 3, 3)
    )
    training = make_training(tmp_path, segmenter, recipe)
    torch.nn.init.normal_(training.network.get_parameter("correction.predict.weight"), 0.0, 0.1)
    batches = [training.batch(number) for number in range(5)]
    figures = [training.train_step(0, batches[0])]
    assert silent_parameters(training.network) == []
    figures += [training.train_step(step, batches[step % 5]) for step in range(50)]
    assert mean_of(figures[-5:], "loss") < 0.8 * mean_of(figures[:5], "loss")


def test_footage_knows_the_track_of_what_it_draws(tmp_path: Path, segmenter: Checkpoint) -> None:
    """A picture that moves by 4 pixels a frame: 2 of a half-size region for each frame between."""
    for number, frame in enumerate(drifting_frames(5, step=4)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    footage = footage_of_drive(drive(tmp_path), KeyReach(4), 100, tracked=True)
    networks = RegionNetworks(segmenter, torch.device("cpu"), torch.float32)
    segmented = SegmentedFootage(footage, networks, overlap=16)
    for key, way in ((3, 2.0), (0, 8.0)):
        for mirrored, sign in ((False, 1), (True, -1)):
            track = segmented.track(Draw(4, key, 2, mirrored))
            assert track.shape == (2, 32, 40)
            middle = track[:, 8:-8, 12:-12].mean((1, 2)).tolist()
            assert middle == pytest.approx([sign * way, 0.0], abs=0.5)


def test_footage_that_is_not_tracked_shows_the_same_and_searches_for_no_motion(
    segmenter: Checkpoint,
) -> None:
    plain, tracked = (
        footage_of_stills("stills", make_pairs(), 2, seed=0, tracked=tracked)
        for tracked in (False, True)
    )
    assert plain.pairs == tracked.pairs
    for one, other in zip(plain.images, tracked.images, strict=True):
        assert np.array_equal(one, other)
    assert (len(plain.motions), len(tracked.motions)) == (0, 4)
    networks = RegionNetworks(segmenter, torch.device("cpu"), torch.float32)
    with pytest.raises(ValueError, match="'stills' is not tracked"):
        SegmentedFootage(plain, networks, overlap=16).track(Draw(1, 0, 0, False))


def test_a_network_is_fitted_from_one_that_sees_less_with_larger_kernels() -> None:
    """On an even image it says the same: what a smaller kernel loses is added to its border."""
    start = FlowNet(11, 4, correction=8).eval()
    torch.nn.init.normal_(start.get_parameter("correction.predict.weight"))
    network = fitted(start, FlowNet(11, 4, correction=8, tracked=True, kernels=(5, 3, 3))).eval()
    current, key = torch.rand(2, 1, 3, 1, 1).expand(2, 1, 3, 128, 128)
    logits, track = torch.randn(1, 11, 1, 1).expand(1, 11, 32, 32), torch.zeros(1, 2, 128, 128)
    said, fields = start(current, key), network(current, key, track)
    middle = (..., slice(14, 18), slice(14, 18))
    for name in ("scale", "features"):
        one, other = (getattr(f, name).mean((2, 3)) for f in (said, fields))
        assert torch.allclose(one, other, rtol=0.2, atol=0.05), name
    with torch.no_grad():
        one, other = start.correct(logits, said), network.correct(logits, fields)
    assert one[middle].argmax(1).eq(other[middle].argmax(1)).all()


def test_the_gradient_reaches_every_parameter(tmp_path: Path, segmenter: Checkpoint) -> None:
    """Known flow teaches all but what is done with the labels; distillation teaches all."""
    training = make_training(tmp_path, segmenter)
    training.train_step(0, training.batch(0))
    assert training.network.correction is not None
    corrects = [f"correction.{name}" for name, _ in training.network.correction.named_parameters()]
    untaught = ["predict_scale.weight", "predict_scale.bias", *corrects]
    assert silent_parameters(training.network) == untaught
    torch.nn.init.normal_(training.network.get_parameter("correction.predict.weight"))
    training.train_step(SMALL.steps, training.batch(SMALL.steps))
    assert silent_parameters(training.network) == []


def test_interrupted_ends_as_uninterrupted(tmp_path: Path, segmenter: Checkpoint) -> None:
    whole = make_training(tmp_path / "whole", segmenter)
    assert [p.step for p in whole.run()] == list(range(1, 9))
    for stop in (2, 3):
        interrupted = make_training(tmp_path / "cut", segmenter)
        for _ in islice(interrupted.run(), stop):
            pass
        interrupted.save()
        list(islice(interrupted.run(), 1))  # work that is lost
    resumed = make_training(tmp_path / "cut", segmenter)
    assert resumed.step == 5
    for _ in resumed.run():
        pass
    for name in (WEIGHTS_FILE, LOG_FILE):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    steps = [record["step"] for record in read_log(tmp_path / "cut" / LOG_FILE)]
    assert steps == [3, 4, 6, 8]


def test_writes_the_segmenter_beside_the_flow_network(
    tmp_path: Path, segmenter: Checkpoint
) -> None:
    training = make_training(tmp_path, segmenter)
    training.export(tmp_path / WEIGHTS_FILE)
    written = load_checkpoint(tmp_path / WEIGHTS_FILE)
    written.require(["segmentation", "flow"])
    assert written.input == INPUT
    for name, value in segmenter.networks["segmentation"].state_dict().items():
        assert torch.equal(value, written.networks["segmentation"].state_dict()[name])


def test_what_is_written_keeps_a_share_of_the_start(tmp_path: Path, segmenter: Checkpoint) -> None:
    start = make_training(tmp_path / "start", segmenter, replace(SMALL, seed=3)).network
    recipe = replace(SMALL, start_share=0.25)
    training = FlowTraining(
        recipe, [make_pairs()], make_footage(segmenter), tmp_path, segmenter, start=start
    )
    for _ in training.run():
        pass
    written = load_checkpoint(tmp_path / WEIGHTS_FILE).networks["flow"].state_dict()
    trained = training.average.network.state_dict()
    for name, weight in start.state_dict().items():
        assert torch.allclose(written[name], 0.75 * trained[name] + 0.25 * weight, atol=1e-6)
    assert not torch.equal(written["conv1.weight"], trained["conv1.weight"])
    with pytest.raises(ValueError, match="--start-from"):
        make_training(tmp_path / "none", segmenter, recipe)
    with pytest.raises(ValueError, match="give 0 to 1"):
        replace(SMALL, start_share=1.5)


def test_starts_with_a_scale_of_one(segmenter: Checkpoint) -> None:
    network = FlowNet(11, 4)
    initialise(network)
    fields = network(torch.rand(1, 3, 32, 48), torch.rand(1, 3, 32, 48))
    assert torch.equal(fields.scale, torch.ones(1, 11, 8, 12))
    sizes = [tuple(flow.shape[2:]) for flow in fields.coarse_flows]
    assert sizes == [(1, 1), (1, 2), (2, 3), (4, 6)]


def test_unknown_flow_counts_for_nothing() -> None:
    flow = torch.zeros(1, 2, 2, 2, requires_grad=True)
    target = torch.tensor([[[3.0, 30.0], [float("nan"), 0.0]], [[4.0, 40.0], [1.0, float("nan")]]])
    assert endpoint_error(flow, target[None]).item() == pytest.approx((5 + 50) / 2, abs=1e-3)
    nowhere = torch.full((1, 2, 2, 2), float("nan"))
    loss = endpoint_error(flow, nowhere)
    loss.backward()
    assert loss == 0
    assert flow.grad is not None
    assert flow.grad.abs().max() == 0


def test_loss_of_known_flow_sees_every_scale() -> None:
    network = FlowNet(11, 2)
    fields = network(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))
    target = torch.zeros(1, 2, 8, 8)
    exact = replace(fields, flow=target)
    assert flow_loss(exact, target) > 0.02  # of the coarse estimates
    coarse = tuple(torch.zeros_like(flow) for flow in fields.coarse_flows)
    assert flow_loss(replace(exact, coarse_flows=coarse), target) == pytest.approx(0.02, abs=1e-3)


def test_distillation_loss() -> None:
    logits = torch.randn(2, 11, 4, 6)
    assert distillation_loss(logits, logits, 1.0) == pytest.approx(0.0, abs=1e-6)
    assert distillation_loss(logits + 3.0, logits, 2.0) == pytest.approx(0.0, abs=1e-6)
    assert distillation_loss(2 * logits, logits, 1.0) > 0.1


def test_what_can_not_be_is_refused(tmp_path: Path, segmenter: Checkpoint) -> None:
    with pytest.raises(ValueError, match="multiples of 16"):
        FlowRecipe(crop=(100, 100))
    for wrong, sentence in (
        ({"batch_size": 0}, "batch size 0 does not work"),
        ({"width": 0}, "width 0 does not work"),
        ({"steps": -1}, "steps -1"),
        ({"distil_learning_rate": 0.0}, "distil learning rate 0.0 does not work"),
    ):
        with pytest.raises(ValueError, match=sentence):
            FlowRecipe(**wrong)
    with pytest.raises(ValueError, match="smaller than the crop"):
        make_training(tmp_path, segmenter, replace(SMALL, crop=(128, 128)))
    with pytest.raises(ValueError, match="no pairs with known flow"):
        FlowTraining(SMALL, [], make_footage(segmenter), tmp_path)
    with pytest.raises(ValueError, match="nothing to distil"):
        FlowTraining(SMALL, [make_pairs()], [], tmp_path)
    with pytest.raises(ValueError, match="learns on footage alone"):
        replace(SMALL, tracked=True)
    with pytest.raises(ValueError, match="three odd numbers"):
        FlowNet(11, 2, kernels=(7, 4, 5))
    with pytest.raises(ValueError, match="no two within reach"):
        Footage("one", [np.zeros((8, 8, 3), np.uint8)], [], [])
    with pytest.raises(ValueError, match="other layers"):
        FlowTraining(
            SMALL, [make_pairs()], make_footage(segmenter), tmp_path, start=FlowNet(11, SMALL.width)
        )
    make_training(tmp_path, segmenter).save()
    with pytest.raises(ValueError, match="of other settings: seed 0 instead of 1;"):
        make_training(tmp_path, segmenter, replace(SMALL, seed=1))


def test_command(tmp_path: Path, segmenter: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
    save_checkpoint(tmp_path / "segmenter.safetensors", segmenter)
    write_still(make_still("a", 0, 96, 128), tmp_path)
    source = "synthetic:width=96,height=64,duration=0.4,seed=1"
    flags = [
        "--drives", source, "--segmenter", str(tmp_path / "segmenter.safetensors"),
        "--distil-drives", source, "--overlap", "16", "--crop", "64", "64", "--max-distance", "3",
        "--steps", "2", "--distil-steps", "2", "--batch-size", "2", "--width", "2",
        "--data-dir", str(tmp_path / "stills"), "--labels-dir", str(tmp_path / "labels"),
        "--magnify", "2", "--distil-stills", "2",
        "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    assert train_flow.run(flags) == 0
    load_checkpoint(tmp_path / "out" / WEIGHTS_FILE).require(["segmentation", "flow"])
    assert train_flow.run(flags) == 2
    assert "--resume" in capsys.readouterr().err
    assert train_flow.run([*flags, "--resume"]) == 0
    tracked = [
        "--start-from", str(tmp_path / "out" / WEIGHTS_FILE), "--tracked", "--kernels", "5", "3",
        "3", "--steps", "0", "--out", str(tmp_path / "tracked"),
    ]  # fmt: skip
    assert train_flow.run([*flags, *tracked]) == 0
    place = flags.index("--width")
    unsized = flags[:place] + flags[place + 2 :]
    again = [
        "--start-from", str(tmp_path / "tracked" / WEIGHTS_FILE), "--steps", "0",
        "--out", str(tmp_path / "again"),
    ]  # fmt: skip
    assert train_flow.run([*unsized, *again]) == 0
    for name in ("tracked", "again"):
        arguments = load_checkpoint(tmp_path / name / WEIGHTS_FILE).specs["flow"].arguments
        assert arguments["tracked"] is True
        assert list(arguments["kernels"]) == [5, 3, 3]
        assert arguments["width"] == 2
    originals = ["--start-from", str(tmp_path / "original.safetensors"), "--steps", "0"]
    save_checkpoint(tmp_path / "original.safetensors", untrained_checkpoint(segmenter.label_set))
    assert train_flow.run([*unsized, *originals, "--out", str(tmp_path / "originals")]) == 0
    assert "correction" not in dict(
        load_checkpoint(tmp_path / "originals" / WEIGHTS_FILE).networks["flow"].named_children()
    )
    assert train_flow.run(["--out", str(tmp_path / "b"), "--drives", str(tmp_path)]) == 2
