"""Frames that can't be segmented."""

from collections.abc import Iterator

import numpy as np
import pytest

from dvsnet_ros.commands.segmenting import segmentations
from dvsnet_ros.core.checkpoint import untrained_checkpoint
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import Frame
from dvsnet_ros.drives.skipping import MOST_SKIPPED

WORKS, TOO_SMALL = 32, 16


def frames(heights: list[int], seen: list[int]) -> Iterator[Frame]:
    """Frames of these heights; the numbers of those that were asked for are put into `seen`."""
    for number, height in enumerate(heights):
        seen.append(number)
        yield Frame(np.zeros((height, 32, 3), np.uint8), number, index=number)


@pytest.fixture(scope="module")
def segmenter() -> VideoSegmenter:
    return VideoSegmenter(untrained_checkpoint(), overlap=8, device="cpu", precision="float32")


def test_a_drive_may_begin_with_frames_that_can_not_be_segmented(
    segmenter: VideoSegmenter, caplog: pytest.LogCaptureFixture
) -> None:
    heights = [TOO_SMALL] * (MOST_SKIPPED - 1) + [WORKS] + [TOO_SMALL] * MOST_SKIPPED
    given = list(segmentations(frames(heights, []), segmenter, "town"))
    assert [frame.index for frame, answer in given if answer] == [MOST_SKIPPED - 1]
    assert len(given) == len(caplog.messages) + 1 == len(heights)


@pytest.mark.parametrize("count", [1, 10 * MOST_SKIPPED])
def test_where_none_can_be_segmented_the_reason_is_an_error(
    segmenter: VideoSegmenter, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    seen: list[int] = []
    with pytest.raises(ValueError, match="2 rows on a height of 16 pixels"):
        list(segmentations(frames([TOO_SMALL] * count, seen), segmenter, "town"))
    assert len(seen) == min(count, MOST_SKIPPED)
    assert not caplog.messages


def test_a_run_that_has_begun_goes_on(
    segmenter: VideoSegmenter, caplog: pytest.LogCaptureFixture
) -> None:
    heights = [TOO_SMALL] * 2 * MOST_SKIPPED
    given = list(segmentations(frames(heights, []), segmenter, "town", begun=True))
    assert [answer for _, answer in given] == [None] * len(heights)
    assert len(caplog.messages) == len(heights)
