"""Video segmenters of one checkpoint that differ in their schedules alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.device import resolve_device, resolve_precision
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.regions import RegionLayout
from dvsnet_ros.core.schedule import DEFAULT_MAX_GAP, Scheduling
from dvsnet_ros.core.video_segmenter import VideoSegmenter

N = TypeVar("N", bound=RegionNetworks)


@dataclass(frozen=True)
class Segmenters:
    """Makes them.

    Attributes:
        checkpoint: all three networks.
        size: processing height and width in pixels; (0, 0) is each frame's own.
        rows, columns: of the grid of regions.
        overlap: of the regions, divisible by 8.
        max_gap: seconds between two frames after which key frames are too old; 0 is no limit.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: `auto`, `float32`, `bfloat16` or `float16`.
    """

    checkpoint: Checkpoint
    size: tuple[int, int] = (0, 0)
    rows: int = 2
    columns: int = 2
    overlap: int = 64
    max_gap: float = DEFAULT_MAX_GAP
    device: str = "auto"
    precision: str = "auto"

    @property
    def layout(self) -> RegionLayout:
        """How they split frames.

        Raises:
            ValueError: if it can't work.
        """
        return RegionLayout(*self.size, self.rows, self.columns, self.overlap)

    def networks(self, kind: type[N]) -> N:
        """Networks of this kind, for several segmenters to share.

        Raises:
            ValueError: if the device or the precision can't be had.
        """
        device = resolve_device(self.device)
        return kind(self.checkpoint, device, resolve_precision(self.precision, device))

    def new(
        self, schedule: Scheduling | None = None, networks: RegionNetworks | None = None
    ) -> VideoSegmenter:
        """A segmenter, with networks of its own unless some are given.

        Raises:
            CheckpointError: if a network is missing.
            ValueError: if something does not work; see VideoSegmenter.
        """
        return VideoSegmenter(
            self.checkpoint,
            height=self.size[0],
            width=self.size[1],
            rows=self.rows,
            columns=self.columns,
            overlap=self.overlap,
            schedule=schedule,
            max_gap=self.max_gap,
            device=self.device,
            precision=self.precision,
            networks=networks,
        )
