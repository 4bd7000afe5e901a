"""The weights that ship are whole, small, and make masks of a road."""

import pytest

from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.schedule import Path, Schedule
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import SyntheticDrive
from dvsnet_ros.training.confusion import Confusion


def test_they_hold_all_networks_in_at_most_25_megabytes() -> None:
    assert sum(file.stat().st_size for file in SHIPPED_CHECKPOINT.parent.iterdir()) <= 25e6
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINT)
    checkpoint.require(["segmentation", "flow", "decision"])
    assert checkpoint.label_set == CAMVID


@pytest.mark.parametrize(("path", "least"), [(Path.SEGMENTATION, 0.8), (Path.FLOW, 0.55)])
def test_both_paths_make_masks_of_the_synthetic_drive(path: Path, least: float) -> None:
    """The floors are well below what is measured (docs/model_card.md): they notice a break."""
    segmenter = VideoSegmenter(
        load_checkpoint(SHIPPED_CHECKPOINT), schedule=Schedule("fixed", 0.0), device="cpu"
    )
    confusion = Confusion(len(CAMVID.classes))
    for frame in SyntheticDrive(width=480, height=360, duration=0.4, seed=0):
        if path is Path.SEGMENTATION:
            segmenter.reset()
        segmentation = segmenter.segment(frame.image, frame.stamp)
        if frame.stamp:
            assert {decision.path for decision in segmentation.decisions} == {path}
            assert frame.labels is not None
            confusion.add(segmentation.mask, frame.labels)
    assert confusion.mean_iou > least
