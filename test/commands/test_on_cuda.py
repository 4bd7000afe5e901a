"""On a CUDA device: every training runs, and masks are those of a CPU."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dvsnet_ros.commands.main import main
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import SyntheticDrive
from helpers.stills import make_still, write_still

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_masks_and_scores_are_those_of_a_cpu() -> None:
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
    cuda, cpu = (
        VideoSegmenter(
            checkpoint, schedule=Schedule("fixed", 96.0), device=device, precision="float32"
        )
        for device in ("cuda", "cpu")
    )
    for frame in SyntheticDrive(width=320, height=240, duration=0.5, seed=0):
        there, here = (s.segment(frame.image, frame.stamp) for s in (cuda, cpu))
        assert (there.mask == here.mask).mean() > 0.995
        expected = [decision.expected_confidence for decision in here.decisions]
        scores = [decision.expected_confidence for decision in there.decisions]
        assert scores == pytest.approx(expected, abs=0.5, nan_ok=True)


@pytest.mark.timeout(300)
def test_every_training_runs(tmp_path: Path) -> None:
    for seed in range(4):
        write_still(make_still(f"a_{seed}", seed, 96, 128), tmp_path)
    out = {name: str(tmp_path / name) for name in ("segmenter", "flow", "cases", "decision")}
    stills = ["--data-dir", f"{tmp_path}/stills", "--labels-dir", f"{tmp_path}/labels"]
    drive = "synthetic:width=128,height=96,duration=0.4,seed=1"
    cuda = ["--device", "cuda"]
    commands = [
        ["train-segmenter", *stills, "--out", out["segmenter"], "--epochs", "2", "--batch-size",
         "2", "--width", "4"],
        ["train-flow", "--drives", drive, *stills, "--segmenter",
         f"{out['segmenter']}/segmenter.safetensors", "--distil-drives", drive, "--steps", "3",
         "--distil-steps", "3", "--batch-size", "2", "--width", "4", "--crop", "64", "64",
         "--overlap", "16", "--still-pairs", "4", "--out", out["flow"]],
        ["gentestcase", drive, "--restore-from", f"{out['flow']}/flow.safetensors", "--overlap",
         "16", "--save-dir", out["cases"]],
        ["train", "--train-data-dir", out["cases"], "--val-data-dir", out["cases"],
         "--restore-from", f"{out['flow']}/flow.safetensors", "--epochs", "2", "--save-dir",
         out["decision"]],
    ]  # fmt: skip
    for command in commands:
        assert main([*command, *cuda]) == 0, command[0]
    checkpoint = load_checkpoint(f"{out['decision']}/dvsnet.safetensors")
    checkpoint.require(["segmentation", "flow", "decision"])
    for network in checkpoint.networks.values():
        assert all(np.isfinite(weight.numpy()).all() for weight in network.state_dict().values())
