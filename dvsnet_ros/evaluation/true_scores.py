"""What the decision network should have said: how well the flow path does, region by region."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.regions import RegionLayout
from dvsnet_ros.training.testcases import CaseMaker, Shot, ShotPair, shot_of_image

OLDEST_KEY = 30
"""Frames since a key frame beyond which there is no true score: so much footage is kept."""


class TrueScores:
    """True scores of the regions of a drive's newest frame, by the age of their key frames.

    A true score is the share of a region's pixels, in percent, where the flow path from that key
    frame says what the segmentation network says of the region in the newest frame.

    Args:
        networks: segmentation and flow network.
        layout: how frames are split.
    """

    def __init__(self, networks: RegionNetworks, layout: RegionLayout) -> None:
        self._shots: deque[Shot] = deque(maxlen=OLDEST_KEY + 1)
        self._maker = CaseMaker(networks, layout, clip=-1.0, remembered=OLDEST_KEY + 1)
        self._count = 0
        self._shape: tuple[int, ...] = ()
        self._known: dict[int, NDArray[np.float64]] = {}

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Take the drive's next frame, [H, W, 3] BGR; one of another size begins anew."""
        if frame.shape != self._shape:
            self._shots.clear()
            self._shape = frame.shape
        self._shots.append(shot_of_image(f"frame {self._count}", frame))
        self._count += 1
        self._known = {}

    def of(self, key_age: int) -> NDArray[np.float64] | None:
        """Scores [R], 0-100, of the newest frame's regions; None where the key frame is gone."""
        if not 1 <= key_age < len(self._shots):
            return None
        if key_age not in self._known:
            key, *between, current = list(self._shots)[-1 - key_age :]
            pair = ShotPair(key, current, tuple(between))
            self._known[key_age] = self._maker.cases(pair)[1]
        return self._known[key_age]
