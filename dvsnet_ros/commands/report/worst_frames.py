"""The frames of a drive that agree worst with per-frame segmentation: a bounded set of pictures."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.overlay import paint_overlay
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation
from dvsnet_ros.drives.frame import Frame

Image = NDArray[np.uint8]

OPACITY = 0.55
DIFFERENCE_COLOR = (180, 0, 255)
"""BGR of the pixels whose class is another one."""

WIDEST = 720
"""Pixels; wider frames are shown smaller."""

JPEG_QUALITY = 80


@dataclass(frozen=True)
class ShownFrame:
    """A frame to step to.

    Attributes:
        index: its place among the frames that were gone through.
        agreement: share of its pixels that say what per-frame segmentation says, 0-1.
        decisions: one a region, in pixels of the mask.
        views: name and JPEG, as a data URI.
    """

    index: int
    agreement: float
    decisions: Sequence[RegionDecision]
    views: dict[str, str]


class _Ranked(NamedTuple):
    """Heap entry: the first to go is the one that agrees best, of equals the latest."""

    disagreement: float
    before_end: int
    shown: ShownFrame


@dataclass
class WorstFrames:
    """Keeps `most` frames, those that agree worst.

    Attributes:
        most: how many.
        labels: colours of the classes.
    """

    most: int
    labels: LabelSet
    _heap: list[_Ranked] = field(default_factory=list)

    def add(
        self, index: int, frame: Frame, segmentation: Segmentation, reference: Segmentation
    ) -> None:
        """Take a frame, if it is among the worst so far; `reference` is per-frame segmentation's.

        Both are at the frame's size.
        """
        agreement = float((segmentation.mask == reference.mask).mean())
        rank = (1.0 - agreement, -index)
        if len(self._heap) == self.most and rank <= self._heap[0][:2]:
            return
        views = self._views(frame, segmentation, reference)
        shown = ShownFrame(index, agreement, segmentation.decisions, views)
        heapq.heappush(self._heap, _Ranked(*rank, shown))
        if len(self._heap) > self.most:
            heapq.heappop(self._heap)

    @property
    def frames(self) -> list[ShownFrame]:
        """Those that are kept, the worst-agreeing first."""
        return [ranked.shown for ranked in sorted(self._heap, reverse=True)]

    def _views(
        self, frame: Frame, segmentation: Segmentation, reference: Segmentation
    ) -> dict[str, str]:
        views = {
            "as processed": paint_overlay(frame.image, segmentation, self.labels, OPACITY),
            "per frame": paint_overlay(frame.image, reference, self.labels, OPACITY),
            "where they differ": _difference(frame.image, segmentation.mask, reference.mask),
        }
        if frame.labels is not None:
            painted = self.labels.colorize(frame.labels)
            views["labels"] = _blend(painted, frame.image)
        views["camera"] = frame.image
        return {name: _data_uri(image) for name, image in views.items()}


def _difference(image: Image, mask: Image, reference: Image) -> Image:
    """The image in grey, and strongly coloured where the masks differ."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    shown = np.asarray(grey, np.uint8).copy()
    shown[mask != reference] = DIFFERENCE_COLOR
    return _blend(shown, np.asarray(grey, np.uint8), 0.8)


def _blend(painted: Image, image: Image, opacity: float = OPACITY) -> Image:
    return np.asarray(cv2.addWeighted(painted, opacity, image, 1.0 - opacity, 0.0), np.uint8)


def _data_uri(image: Image) -> str:
    height, width = image.shape[:2]
    if width > WIDEST:
        size = (WIDEST, max(1, round(height * WIDEST / width)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
