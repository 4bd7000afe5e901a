"""Where a drive's segmentations go: to a bag or a folder; `video_answers` has the video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.overlay import paint_overlay
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation
from dvsnet_ros.drives import bag_messages, topics
from dvsnet_ros.drives.bag_types import new_message
from dvsnet_ros.drives.bag_writer import BagWriter
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.drives.mask_folder import MaskFolder
from dvsnet_ros.drives.whole import appears_whole


@dataclass(frozen=True)
class Look:
    """How segmentations are shown.

    Attributes:
        labels: names and colours of the classes.
        schedule: what the schedule is called in messages, `fixed`, `dynamic` or `rising`.
        opacity: of the classes over the image, 0-1.
        overlay: whether a bag gets overlays.
    """

    labels: LabelSet
    schedule: str
    opacity: float = 0.5
    overlay: bool = True


class Answers(Protocol):
    """Takes the segmentations of a drive, frame by frame."""

    def write(self, frame: Frame, segmentation: Segmentation, received: int) -> None:
        """Add a frame's segmentation, at the frame's size; it was received at this stamp (ns).

        Raises:
            OSError: it can't be written.
        """
        ...


class BagAnswers:
    """Writes what the node would publish, on the node's topics."""

    def __init__(self, bag: BagWriter, look: Look) -> None:
        self._bag = bag
        self._look = look
        self._is_first = True

    def write(self, frame: Frame, segmentation: Segmentation, received: int) -> None:
        """Add messages, with the frame's header."""
        bag, header = self._bag, bag_messages.header(frame.stamp, frame.frame_id)
        if self._is_first:
            info = bag_messages.label_info(self._look.labels, frame.stamp)
            bag.write(topics.LABEL_INFO, info, received, latched=True)
            self._is_first = False
        bag.write(topics.MASK, bag_messages.image(segmentation.mask, "mono8", header), received)
        decisions = _decisions(segmentation, self._look.schedule, header)
        bag.write(topics.DECISIONS, decisions, received)
        if segmentation.confidence is not None:
            confidence = bag_messages.image(segmentation.confidence, "mono8", header)
            bag.write(topics.CONFIDENCE, confidence, received)
        if self._look.overlay:
            painted = paint_overlay(
                frame.image, segmentation, self._look.labels, self._look.opacity
            )
            bag.write(topics.OVERLAY, bag_messages.image(painted, "bgr8", header), received)


class FolderAnswers:
    """Writes class ids as PNGs, and the decisions."""

    def __init__(self, folder: MaskFolder) -> None:
        self._folder = folder

    def write(self, frame: Frame, segmentation: Segmentation, received: int) -> None:  # noqa: ARG002
        """Add a PNG, and a row a region."""
        self._folder.write(frame.index, segmentation)


@contextmanager
def new_folder(out: Path, beside: Path) -> Iterator[FolderAnswers]:
    """A folder of PNGs that appears under its name when the block ends, see `appears_whole`."""
    with appears_whole(out, beside) as path:
        path.mkdir()
        with MaskFolder(path, out=out) as folder:
            yield FolderAnswers(folder)


def _decisions(segmentation: Segmentation, schedule: str, header: Any) -> Any:
    return new_message(
        "dvsnet_ros/msg/PathDecisions",
        header=header,
        rows=segmentation.grid.rows,
        columns=segmentation.grid.columns,
        schedule=schedule,
        decisions=[_decision(decision) for decision in segmentation.decisions],
    )


def _decision(decision: RegionDecision) -> Any:
    area = decision.region
    return new_message(
        "dvsnet_ros/msg/PathDecision",
        region=bag_messages.region_of_interest(area.x, area.y, area.height, area.width),
        path=int(decision.path),
        expected_confidence=decision.expected_confidence,
        target=decision.target,
        key_stamp=bag_messages.time(decision.key_stamp),
        key_age=decision.key_age,
    )
