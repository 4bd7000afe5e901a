"""What the original computed on real frames, computed here."""

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.networks.decision import DecisionNetwork
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.tensorflow_import import import_variables
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from helpers.formula import formula_variables


@dataclass(frozen=True)
class Golden:
    """One golden run: its file, its settings, and the checkpoint that it was computed with."""

    name: str
    height: int
    width: int
    overlap: int
    schedule: Schedule
    goldens: Path

    @property
    def path(self) -> Path:
        return self.goldens / f"{self.name}.npz"

    def frames(self) -> list[np.ndarray]:
        with np.load(self.path) as arrays:
            names = [str(name) for name in arrays["frames"]]
        return [cv2.imread(str(self.goldens / "frames" / name)) for name in names]

    def checkpoint(self) -> Checkpoint:
        return import_variables(formula_variables(self.goldens, self.path))


@pytest.fixture(scope="module", params=["fixed_target", "dynamic_target"])
def golden(request: pytest.FixtureRequest, shared_data: Path) -> Golden:
    goldens = shared_data / "goldens"
    if request.param == "fixed_target":
        return Golden("fixed_target", 256, 512, 32, Schedule("fixed", 90.0), goldens)
    return Golden("dynamic_target", 256, 384, 64, Schedule("dynamic", 88.0), goldens)


@pytest.fixture(scope="module")
def checkpoint(golden: Golden) -> Checkpoint:
    return golden.checkpoint()


def relative_error(value: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(value - expected).max() / np.abs(expected).max())


def test_video_segmenter_repeats_the_original(golden: Golden, checkpoint: Checkpoint) -> None:
    segmenter = VideoSegmenter(
        checkpoint,
        height=golden.height,
        width=golden.width,
        overlap=golden.overlap,
        schedule=golden.schedule,
        age_discount=0.0,
        device="cpu",
        precision="float32",
    )
    with np.load(golden.path) as arrays:
        expected = {key: arrays[key] for key in ("masks", "paths", "scores", "targets")}
    for index, frame in enumerate(golden.frames()):
        result = segmenter.segment(frame)
        assert [int(d.path) for d in result.decisions] == expected["paths"][index].tolist()
        assert (result.mask == expected["masks"][index]).mean() >= 0.9999
        scores = [d.expected_confidence for d in result.decisions]
        if index == 0:
            assert all(math.isnan(score) for score in scores)
        else:
            assert scores == pytest.approx(expected["scores"][index], abs=1e-3)
        targets = [d.target for d in result.decisions]
        assert targets == pytest.approx(expected["targets"][index], abs=1e-4)


@torch.inference_mode()
def test_networks_repeat_the_original(golden: Golden, checkpoint: Checkpoint) -> None:
    grid = RegionGrid(golden.height, golden.width, overlap=golden.overlap)
    first, second = (
        resize_bilinear(
            torch.from_numpy(frame).permute(2, 0, 1)[None].float(), grid.height, grid.width
        )
        for frame in golden.frames()[:2]
    )
    crops = [(slice(None), slice(None), *region.slices) for region in grid.regions]
    mean = torch.tensor(checkpoint.input.mean).view(1, 3, 1, 1)
    logits = checkpoint.networks["segmentation"](first[crops[0]] - mean)
    current, key = (
        torch.cat([frame[crop][..., ::2, ::2] for crop in crops]) / 255 for frame in (second, first)
    )
    with np.load(golden.path) as arrays:
        fields = checkpoint.networks["flow"](current, key)
        features = DecisionNetwork.resize_features(fields.features)
        for name, value in (
            ("first_region_logits", logits),
            ("frame1_flow", fields.flow),
            ("frame1_scale_region0", fields.scale[:1]),
            ("frame1_features", features),
        ):
            ours = value.permute(0, 2, 3, 1).numpy().reshape(arrays[name].shape)
            assert relative_error(ours, arrays[name]) < 1e-4, name
