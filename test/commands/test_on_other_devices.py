"""Off the CPU: on a CUDA device where there is one, and everywhere on a stand-in for one.

The stand-in computes as the CPU does, so there everything is the CPU's to the bit; what it shows is
that no tensor is left on the CPU by mistake.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils import backend_registration

from dvsnet_ros.commands.main import main
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import SyntheticDrive
from helpers.stills import make_still, write_still

TESTS = Path(__file__).resolve().parents[1]
stand_in = pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch lets no Python stand in for a device",
)
DRIVE = "synthetic:width=128,height=96,duration=0.4,seed=1"


def every_kind(folder: Path, stills: Path, precision: str = "float32") -> list[list[str]]:
    """Commands that train and run networks of every kind, and write to folders in `folder`."""
    out = {
        name: str(folder / name)
        for name in ("segmenter", "flow", "cases", "decision", "track", "more", "cells", "masks")
    }
    images = ["--data-dir", f"{stills}/stills", "--labels-dir", f"{stills}/labels"]
    numbers = ["--precision", precision]
    small = ["--batch-size", "2", "--overlap", "16", *numbers]
    return [
        ["train-segmenter", *images, "--out", out["segmenter"], "--epochs", "2", "--batch-size",
         "2", "--width", "4", *numbers],
        ["train-flow", "--drives", DRIVE, *images, "--segmenter",
         f"{out['segmenter']}/segmenter.safetensors", "--distil-drives", DRIVE, "--steps", "3",
         "--distil-steps", "3", "--width", "4", "--crop", "64", "64", "--still-pairs", "4",
         "--correction", "0", *small, "--out", out["flow"]],
        ["gentestcase", DRIVE, "--restore-from", f"{out['flow']}/flow.safetensors", "--overlap",
         "16", *numbers, "--save-dir", out["cases"]],
        ["train", "--train-data-dir", out["cases"], "--val-data-dir", out["cases"],
         "--restore-from", f"{out['flow']}/flow.safetensors", "--epochs", "2", "--save-dir",
         out["decision"]],
        ["train-flow", "--start-from", "shipped", "--segmenter", "shipped", "--steps", "0",
         "--distil-drives", DRIVE, "--distil-steps", "2", *small, "--out", out["track"]],
        ["gentestcase", DRIVE, "--restore-from", f"{out['track']}/flow.safetensors", "--overlap",
         "16", *numbers, "--save-dir", out["more"]],
        ["train", "--train-data-dir", out["more"], "--val-data-dir", out["more"],
         "--restore-from", f"{out['track']}/flow.safetensors", "--epochs", "2", "--save-dir",
         out["cells"]],
        ["process", DRIVE, out["masks"], "--restore-from", f"{out['cells']}/dvsnet.safetensors",
         "--overlap", "16", *numbers, "--target", "80"],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few labelled stills."""
    folder = tmp_path_factory.mktemp("stills")
    for seed in range(4):
        write_still(make_still(f"a_{seed}", seed, 96, 128), folder)
    return folder


def written(folder: Path) -> dict[str, bytes]:
    """Everything in the folder that depends on what was computed."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for suffix in ("safetensors", "npy", "png", "csv")
        for path in folder.rglob(f"*.{suffix}")
    }


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: what stands in for a device changes torch for good."""
    run = [sys.executable, *arguments]
    return subprocess.run(run, cwd=TESTS, capture_output=True, text=True, check=False)


@stand_in
@pytest.mark.timeout(300)
def test_no_tensor_is_left_on_the_cpu(tmp_path: Path, stills: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for command in every_kind(here, stills):
        assert main([*command, "--device", "cpu"]) == 0, command[0]
    result = python("-m", "helpers.other_device", json.dumps(every_kind(there, stills)))
    assert result.returncode == 0, result.stderr[-3000:]
    expected = written(here)
    assert len(expected) > 12
    assert written(there) == expected


@stand_in
def test_a_tensor_that_is_left_on_the_cpu_is_found() -> None:
    """The stand-in itself: what a GPU refuses, it refuses, and what a GPU takes, it takes."""
    code = (
        "import torch\n"
        "from helpers.other_device import OTHER\n"
        "there = torch.arange(6.0, device=OTHER).view(2, 3)\n"
        "there[[1]] = there[[0]] * torch.tensor(2.0)\n"
        "assert there.device == OTHER and there.tolist() == [[0, 1, 2], [0, 2, 4]]\n"
        "assert (there.cpu() + torch.ones(3)).sum() == 15\n"
        "there + torch.ones(3)\n"
    )
    result = python("-c", code)
    assert "aten.add.Tensor: tensors of the CPU and of other:0 meet" in result.stderr


@pytest.fixture
def cuda() -> None:
    """Skips the test where there is no CUDA device."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@pytest.mark.usefixtures("cuda")
def test_masks_and_scores_of_cuda_are_those_of_a_cpu() -> None:
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
    on_cuda, on_cpu = (
        VideoSegmenter(
            checkpoint, schedule=Schedule("fixed", 96.0), device=device, precision="float32"
        )
        for device in ("cuda", "cpu")
    )
    for frame in SyntheticDrive(width=320, height=240, duration=0.5, seed=0):
        there, here = (s.segment(frame.image, frame.stamp) for s in (on_cuda, on_cpu))
        assert (there.mask == here.mask).mean() > 0.995
        expected = [decision.expected_confidence for decision in here.decisions]
        scores = [decision.expected_confidence for decision in there.decisions]
        assert scores == pytest.approx(expected, abs=0.5, nan_ok=True)


@pytest.mark.usefixtures("cuda")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_everything_runs_on_cuda(tmp_path: Path, stills: Path, precision: str) -> None:
    for command in every_kind(tmp_path, stills, precision):
        assert main([*command, "--device", "cuda"]) == 0, command[0]
    for name in ("decision", "cells"):
        checkpoint = load_checkpoint(tmp_path / name / "dvsnet.safetensors")
        checkpoint.require(["segmentation", "flow", "decision"])
        for network in checkpoint.networks.values():
            assert all(np.isfinite(value.numpy()).all() for value in network.state_dict().values())
