"""Networks that compute nothing twice for a frame, for many segmenters that go through it in step.

The same frame's regions come up again and again in a sweep of targets: whichever segmenter asks
first has them computed, the others are given what is remembered. What is remembered is what the
network said, to the bit, so each segmenter says what it would say alone, as long as the
segmentation network says the same of a region whichever others are in its batch (on a CPU it does,
but for the last bits of small regions that are alone in theirs).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.region_networks import FlowPathResult, RegionNetworks
from dvsnet_ros.core.regions import Region, RegionGrid
from dvsnet_ros.core.tracking import Track


class _KeyRegion(NamedTuple):
    """A region's place in its batch, bytes of its key frame and key logits; its track and age."""

    place: int
    pixels: bytes
    logits: bytes
    track: tuple[bytes, int] | None


class RememberingNetworks(RegionNetworks):
    """A checkpoint's networks that remember what they said of the current frame.

    Everything is forgotten as soon as another frame comes. A frame is known by being the same
    array, so it must not be written to; what is asked of other images is computed and not kept.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: torch.device, precision: torch.dtype
    ) -> None:
        super().__init__(checkpoint, device, precision)
        self._frame: NDArray[np.uint8] | None = None
        self._grid: RegionGrid | None = None
        self._image = self._inputs = torch.empty(0)

    def to_image(self, frame: NDArray[np.uint8], grid: RegionGrid) -> Tensor:
        """As RegionNetworks'; another frame, or another grid, makes this forget the last one."""
        if frame is not self._frame or grid != self._grid:
            self._frame, self._grid = frame, grid
            self._image = super().to_image(frame, grid)
            self._inputs = super().flow_inputs(self._image, grid)
            self._logits: dict[Region, Tensor] = {}
            self._results: dict[_KeyRegion, FlowPathResult] = {}
            self._view = super().tracking_view(frame, grid)
            self._motions: dict[bytes, Tensor] = {}
        return self._image

    def flow_inputs(self, image: Tensor, grid: RegionGrid) -> Tensor:
        """As RegionNetworks'."""
        return self._inputs if image is self._image else super().flow_inputs(image, grid)

    def tracking_view(self, frame: NDArray[np.uint8], grid: RegionGrid) -> NDArray[np.uint8] | None:
        """As RegionNetworks'."""
        known = frame is self._frame and grid == self._grid
        return self._view if known else super().tracking_view(frame, grid)

    def motion(
        self, current: NDArray[np.uint8], previous: NDArray[np.uint8], grid: RegionGrid
    ) -> Tensor:
        """As RegionNetworks'."""
        if current is not self._view:
            return super().motion(current, previous, grid)
        before = previous.tobytes()
        if before not in self._motions:
            self._motions[before] = super().motion(current, previous, grid)
        return self._motions[before]

    def segment(self, image: Tensor, regions: Sequence[Region]) -> Tensor:
        """As RegionNetworks'; only regions that were not yet asked for are computed."""
        if image is not self._image:
            return super().segment(image, regions)
        missing = [region for region in regions if region not in self._logits]
        if missing:
            computed = super().segment(image, missing).split(1)
            self._logits.update(zip(missing, computed, strict=True))
        return torch.cat([self._logits[region] for region in regions])

    def flow_path(
        self, current: Tensor, key: Tensor, logits: Tensor, track: Track | None = None
    ) -> FlowPathResult:
        """As RegionNetworks'; computed as one batch unless all its regions are remembered."""
        if current is not self._inputs:
            return super().flow_path(current, key, logits, track)
        regions = [
            _KeyRegion(place, _bytes_of(key[place]), _bytes_of(logits[place]), _known(track, place))
            for place in range(len(key))
        ]
        if any(region not in self._results for region in regions):
            # The whole batch: of fewer regions, the last bits would differ.
            computed = super().flow_path(current, key, logits, track)
            parts = zip(computed.logits.split(1), computed.features.split(1), strict=True)
            for region, part in zip(regions, parts, strict=True):
                self._results[region] = FlowPathResult(*part)
        results = [self._results[region] for region in regions]
        return FlowPathResult(
            torch.cat([result.logits for result in results]),
            torch.cat([result.features for result in results]),
        )


def _known(track: Track | None, place: int) -> tuple[bytes, int] | None:
    return None if track is None else (_bytes_of(track.motion[place]), track.ages[place])


def _bytes_of(region: Tensor) -> bytes:
    data: bytes = region.contiguous().view(torch.uint8).cpu().numpy().tobytes()
    return data
