"""What a run saves of itself, to be gone on with."""

from pathlib import Path

from dvsnet_ros.commands.segmentation_store import SegmentationStore
from dvsnet_ros.core.segmenter_state import SegmenterState
from helpers.segmentations import segmentation

STATE = SegmenterState(None, (48, 64, 3), 0)


def test_a_frame_that_was_skipped_after_the_state_was_saved_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "out.part"
    store = SegmentationStore(folder, {}, resume=False)
    store.skip()
    store.add(0, segmentation(0, 48, 64))
    store.save(STATE)
    store.skip()
    store.save(STATE)
    resumed = SegmentationStore(folder, {}, resume=True)
    assert (resumed.frames, resumed.skipped, resumed.place) == (1, [0], 2)
    resumed.skip()
    resumed.add(1, segmentation(1, 48, 64))
    resumed.save(STATE, finished=True)
    assert SegmentationStore(folder, {}, resume=True).skipped == [0, 2]
