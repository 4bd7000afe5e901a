"""Targets for wished shares of segmentation, so that choices can be compared at equal cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.regions import Region
from dvsnet_ros.core.schedule import Path, Schedule, Scheduling
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.evaluation.fixed_schedules import IntervalSchedule
from dvsnet_ros.evaluation.remembering import RememberingNetworks
from dvsnet_ros.evaluation.segmenters import Segmenters

ROUNDS = 4
CANDIDATES = 12
"""Targets that are tried in one pass over the drive."""

Pass = Callable[[Callable[[Frame], None], Callable[[], None]], object]
"""A pass over a drive: gives each frame to the first function, and calls the second where key
frames are forgotten, also where the first raises ValueError because a frame can't be segmented."""

CLOSE_ENOUGH = 0.0025
"""Distance of two shares that needs no further search."""


class _BlindNetworks(RememberingNetworks):
    """Networks that segment nothing, for a decision network that reads the frames alone.

    Where the flow path has a correction, it reads what that path knows of its labels instead.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: torch.device, precision: torch.dtype
    ) -> None:
        needed = {name: checkpoint.networks[name] for name in ("flow", "decision")}
        super().__init__(replace(checkpoint, networks=needed), device, precision)
        self._classes = len(checkpoint.label_set.classes)

    def segment(self, image: Tensor, regions: Sequence[Region]) -> Tensor:
        """Logits of nothing."""
        return torch.zeros(len(regions), self._classes, 2, 2, device=image.device)


class TargetSearch:
    """Looks for the targets under which wished shares of a drive's regions are segmented.

    Args:
        segmenters: how they are made; here they share networks.
        mode: of the schedule.

    Raises:
        CheckpointError: if a network is missing.
        ValueError: if something else does not work; see VideoSegmenter.
    """

    def __init__(self, segmenters: Segmenters, mode: str = "fixed") -> None:
        segmenters.checkpoint.require(("flow", "decision"))
        reads_labels = getattr(segmenters.checkpoint.networks["flow"], "correction", None)
        kind = RememberingNetworks if reads_labels else _BlindNetworks
        self._networks = segmenters.networks(kind)
        self._segmenters = segmenters
        self._mode = mode

    def find(
        self, footage: Pass, shares: Sequence[float], intervals: Sequence[int] = ()
    ) -> list[float]:
        """For each share, 0-1, the target that comes closest to it of those that were tried.

        Some shares no target gives, such as less than the first frame's.

        Args:
            footage: makes a pass over the drive, as often as it is called.
            shares: what is wished.
            intervals: key-frame intervals whose own shares of this drive are wished, too.
        """
        candidates = np.linspace(0.0, 100.0, CANDIDATES).tolist()
        fixed = [IntervalSchedule(interval) for interval in intervals]
        found = self._measure(footage, [*self._schedules(candidates), *fixed])
        measured = dict(zip(candidates, found, strict=False))
        wished = [*shares, *found[len(candidates) :]]
        for _ in range(ROUNDS - 1):
            candidates = _between(measured, wished)
            if not candidates:
                break
            found = self._measure(footage, self._schedules(candidates))
            measured.update(zip(candidates, found, strict=True))
        return [_closest(measured, share) for share in wished]

    def _schedules(self, targets: Sequence[float]) -> list[Schedule]:
        return [Schedule(self._mode, target) for target in targets]

    def _measure(self, footage: Pass, schedules: Sequence[Scheduling]) -> list[float]:
        """The share of segmentation under each of these schedules."""
        segmenters = [self._segmenters.new(schedule, self._networks) for schedule in schedules]
        counts = np.zeros((len(schedules), 2), np.int64)

        def take(frame: Frame) -> None:
            errors = []
            for segmenter, count in zip(segmenters, counts, strict=True):
                try:
                    segmentation = segmenter.segment(frame.image, frame.stamp)
                except ValueError as error:  # costs this schedule the frame and its key frames
                    segmenter.reset()
                    errors.append(error)
                    continue
                paths = [decision.path for decision in segmentation.decisions]
                count += (paths.count(Path.SEGMENTATION), len(paths))
            if len(errors) == len(segmenters):
                raise errors[0]

        def forget() -> None:
            for segmenter in segmenters:
                segmenter.reset()

        footage(take, forget)
        shares: list[float] = (counts[:, 0] / counts[:, 1]).tolist()
        return shares


def _closest(measured: dict[float, float], share: float) -> float:
    return min(measured, key=lambda target: abs(measured[target] - share))


def _between(measured: dict[float, float], shares: Collection[float]) -> list[float]:
    """Targets to try next: spread between those neighbours whose shares lie around a wished one."""
    open_shares = [
        share for share in shares if abs(measured[_closest(measured, share)] - share) > CLOSE_ENOUGH
    ]
    brackets = {
        (low, high)
        for share in open_shares
        for low, high in pairwise(sorted(measured))
        if measured[low] < share < measured[high]
    }
    each = max(1, CANDIDATES // max(1, len(brackets)))
    return [
        target
        for low, high in sorted(brackets)
        for target in np.linspace(low, high, each + 2)[1:-1].tolist()
    ]
