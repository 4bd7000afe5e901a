"""The correction of warped logits, by itself and in the pipeline."""

import numpy as np
import pytest
import torch

from dvsnet_ros.core.checkpoint import Checkpoint, untrained_checkpoint
from dvsnet_ros.core.networks.correction import Correction, difference
from dvsnet_ros.core.networks.flow_net import FlowNet
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from helpers.corrected import with_correction

CLASSES, CONTEXT = 3, (5, 4, 6)


def make_context(rows: int, columns: int) -> list[torch.Tensor]:
    """Two regions' context, each level half as fine as the one before, rounded up."""
    return [
        torch.randn(2, channels, -(-rows // 2**level), -(-columns // 2**level))
        for level, channels in enumerate(CONTEXT)
    ]


@pytest.mark.parametrize("finer", [1, 2, 3])
def test_works_on_logits_of_any_grid(finer: int) -> None:
    """Of which the original's, at 1/8, and the compact network's, at 1/4, are two."""
    correction = Correction(CLASSES, CONTEXT, 8)
    logits, context = torch.randn(2, CLASSES, 5 * finer, 8 * finer), make_context(5, 8)
    corrected = correction(logits, context)
    assert corrected.shape == logits.shape
    assert not torch.allclose(corrected, logits)
    torch.nn.init.zeros_(correction.predict.weight)
    torch.nn.init.zeros_(correction.predict.bias)  # type: ignore[arg-type]
    assert torch.equal(correction(logits, context), logits)


def test_a_channel_of_the_prediction_is_one_place_of_the_finer_grid() -> None:
    correction = Correction(CLASSES, CONTEXT, 8)
    torch.nn.init.zeros_(correction.predict.weight)
    bias = torch.zeros(CLASSES, 2, 2)
    bias[1, 0, 1] = 1.0  # class 1, upper right
    correction.predict.bias = torch.nn.Parameter(bias.flatten())
    added = correction(torch.zeros(2, CLASSES, 4, 6), make_context(2, 3))
    expected = torch.zeros(2, CLASSES, 4, 6)
    expected[:, 1, ::2, 1::2] = 8.0
    assert torch.equal(added, expected)


def test_the_difference_is_zero_where_the_flow_is_right() -> None:
    key = torch.rand(1, 3, 32, 48)
    current = key.roll(-8, dims=3)  # what was 8 pixels to the right, 2 of the flow's
    flow = torch.zeros(1, 2, 8, 12)
    flow[:, 0] = 2.0
    assert difference(current, key, flow)[..., :10].abs().max() < 1e-5
    assert difference(current, key, torch.zeros_like(flow)).abs().mean() > 0.05


def test_the_originals_network_has_none() -> None:
    images = torch.rand(1, 3, 32, 48)
    network = FlowNet(CLASSES, 4)
    fields = network(images, images)
    logits = torch.randn(1, CLASSES, 8, 12)
    assert fields.context == ()
    assert network.correct(logits, fields) is logits
    assert not [name for name in network.state_dict() if name.startswith("correction")]


def test_the_context_is_on_grids_each_half_as_fine() -> None:
    images = torch.rand(3, 3, 32, 48)
    fields = FlowNet(CLASSES, 4, correction=8)(images, images.flip(0))
    assert [seen.shape[2:] for seen in fields.context] == [(8, 12), (4, 6), (2, 3)]


def saying_only(checkpoint: Checkpoint, wanted: int) -> Checkpoint:
    """The checkpoint with a correction that always says one class."""
    corrected = with_correction(checkpoint)
    correction = corrected.networks["flow"].get_submodule("correction")
    torch.nn.init.zeros_(correction.get_parameter("predict.weight"))
    bias = torch.zeros(len(checkpoint.label_set.classes), 4)
    bias[wanted] = 1e3
    correction.get_parameter("predict.bias").data = bias.flatten()
    return corrected


def test_the_flow_path_is_corrected_and_the_segmentation_path_is_not() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    segmenter = VideoSegmenter(
        saying_only(untrained_checkpoint(), 7),
        overlap=16, device="cpu", precision="float32", schedule=Schedule("fixed", 0.0),
    )  # fmt: skip
    first = segmenter.segment(frame, 0)
    assert (first.mask != 7).any()
    assert (segmenter.segment(frame, 1).mask == 7).all()
    assert (segmenter.segment(frame, 2).mask == 7).all()
