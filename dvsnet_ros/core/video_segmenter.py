"""The video segmenter: the one pipeline of DVSNet, and its state.

Source: figure 3 of the DVSNet paper; `inference.py` of the original.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dvsnet_ros.core.checkpoint import Checkpoint
from dvsnet_ros.core.device import resolve_device, resolve_precision
from dvsnet_ros.core.merging import AGE_DISCOUNT, merge
from dvsnet_ros.core.networks.warp import add_flows
from dvsnet_ros.core.region_networks import RegionNetworks, key_logits
from dvsnet_ros.core.regions import RegionGrid, RegionLayout
from dvsnet_ros.core.schedule import DEFAULT_SCHEDULE, Path, Scheduling, within_share
from dvsnet_ros.core.segmentation import RegionDecision, ResetReason, Segmentation
from dvsnet_ros.core.segmenter_state import KeyFrames, SegmenterState, Tracking
from dvsnet_ros.core.tracking import Track

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class _FlowPath:
    """Logits [R, C, h, w] float32 and expected confidence scores of the R regions of a frame."""

    logits: Tensor
    scores: list[float]


class VideoSegmenter:
    """Segments a drive frame by frame, region by region, on the cheapest path that is good enough.

    Args:
        checkpoint: segmentation, flow and decision network. They are copied.
        height: processing height in pixels; 0 is each frame's own.
        width: processing width in pixels; 0 is each frame's own.
        rows: rows of the region grid.
        columns: columns of the region grid.
        overlap: pixels that each region is larger than its cell; divisible by 8.
        schedule: what turns scores into paths; by default `DEFAULT_SCHEDULE`.
        age_discount: what a region's logits count less, where regions overlap, with each frame of
            its key frame's age; 0 in the original.
        max_gap: seconds between two frames after which key frames are too old; 0 is no limit.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        precision: `auto`, `float32`, `bfloat16` or `float16`, of the networks.
        networks: the checkpoint's networks, where several segmenters share them, on their own
            device and in their own precision.

    Raises:
        CheckpointError: if a network is missing.
        ValueError: if grid, overlap and size can't work together, the gap is none, or device or
            precision can't be had; the sentence says what would.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        height: int = 0,
        width: int = 0,
        rows: int = 2,
        columns: int = 2,
        overlap: int = 64,
        schedule: Scheduling | None = None,
        age_discount: float = AGE_DISCOUNT,
        max_gap: float = 0.0,
        device: str = "auto",
        precision: str = "auto",
        networks: RegionNetworks | None = None,
    ) -> None:
        checkpoint.require(("segmentation", "flow", "decision"))
        self._layout = RegionLayout(height, width, rows, columns, overlap)
        self._grid: RegionGrid | None = None
        if not 0.0 <= max_gap < math.inf:
            raise ValueError(f"a gap of {max_gap} s does not work; give seconds, or 0 for no limit")
        self.label_set = checkpoint.label_set
        self.max_gap = max_gap
        self._schedule = schedule or DEFAULT_SCHEDULE
        self._age_discount = age_discount
        self._networks = networks or _networks_of(checkpoint, device, precision)
        self.device = self._networks.device
        self.precision = self._networks.precision
        self._keys: KeyFrames | None = None
        self._last_shape: tuple[int, ...] = ()
        self._last_stamp = 0

    @property
    def schedule(self) -> Scheduling:
        """What turns scores into paths.

        Setting one of another mode or target starts every region at its target.
        """
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: Scheduling) -> None:
        before, self._schedule = self._schedule, schedule
        starts_anew = (schedule.mode, schedule.target) != (before.mode, before.target)
        if self._keys and starts_anew:
            self._keys.targets = [schedule.target] * len(self._keys.targets)

    def reset(self) -> None:
        """Forget all key frames; the next frame is segmented whole."""
        self._keys = None

    def state(self) -> SegmenterState:
        """Where it is in the drive: what `restore` needs to go on as if nothing had been."""
        keys = self._keys.copy(self.device) if self._keys else None
        return SegmenterState(keys, self._last_shape, self._last_stamp)

    def restore(self, state: SegmenterState) -> None:
        """Go on where a segmenter of the same checkpoint and settings was."""
        self._keys = state.keys.copy(self.device) if state.keys else None
        self._last_shape, self._last_stamp = state.last_shape, state.last_stamp

    @torch.inference_mode()
    def segment(
        self, frame: NDArray[np.uint8], stamp: int = 0, *, confidence: bool = False
    ) -> Segmentation:
        """Segment the next frame of the drive.

        A new frame size, a stamp before the last one's, and a gap over `max_gap` reset the key
        frames first.

        Args:
            frame: [H, W, 3] uint8, BGR.
            stamp: when it was taken, in nanoseconds.
            confidence: whether to compute the confidence of every pixel.

        Returns:
            Mask, decisions and timings, at the processing size.

        Raises:
            ValueError: if the frame is no such array, its size can't work with grid and overlap,
                or the networks give logits that are not finite.
        """
        timings: dict[str, float] = {}
        with _timed(timings, "total"):
            grid = self._grid_of(frame)
            reset_reason = self._reset_if_broken(frame.shape, stamp)
            image = self._networks.to_image(frame, grid)
            flow_inputs = self._networks.flow_inputs(image, grid)
            with _timed(timings, "flow"):
                tracking = self._track(frame, grid)
                flow_path = self._run_flow_path(flow_inputs, tracking)
            paths = self._choose_paths(flow_path, len(grid.regions))
            with _timed(timings, "segmentation"):
                segmented = self._run_segmentation_path(image, grid, paths)
            with _timed(timings, "decode"):
                logits = self._region_logits(flow_path, segmented, paths)
                mask, confidences = merge(
                    logits,
                    self._ages(paths),
                    grid,
                    age_discount=self._age_discount,
                    confidence=confidence,
                )
        decisions = self._advance(grid, flow_path, paths, segmented, flow_inputs, tracking, stamp)
        return Segmentation(mask, confidences, decisions, grid, timings, reset_reason)

    def _grid_of(self, frame: NDArray[np.uint8]) -> RegionGrid:
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(
                f"a frame must be uint8 [height, width, 3] (BGR); this one is {frame.dtype} "
                f"{list(frame.shape)}"
            )
        grid = self._layout.grid(*frame.shape[:2])
        if self._grid != grid:
            self._grid = grid
        return self._grid

    def _reset_if_broken(self, shape: tuple[int, ...], stamp: int) -> ResetReason | None:
        """Forget the key frames where this frame can't continue the last one; say why."""
        gap = (stamp - self._last_stamp) / NANOSECONDS
        reason = None
        if self._keys:
            if shape != self._last_shape:
                reason = ResetReason.NEW_IMAGE_SIZE
            elif gap < 0:
                reason = ResetReason.STAMP_JUMPED_BACK
            elif 0 < self.max_gap < gap:
                reason = ResetReason.GAP
        self._last_shape, self._last_stamp = shape, stamp
        if reason:
            self.reset()
        return reason

    def _track(self, frame: NDArray[np.uint8], grid: RegionGrid) -> Tracking | None:
        """Tracks from the frame to its key frames; all 0 where there are none yet."""
        view = self._networks.tracking_view(frame, grid)
        if view is None:
            return None
        before = self._keys.tracking if self._keys else None
        if before is None:
            size = (len(grid.regions), 2, grid.region_height // 2, grid.region_width // 2)
            return Tracking(view, torch.zeros(size, device=self.device))
        motion = self._networks.motion(view, before.view, grid)
        return Tracking(view, add_flows(motion, before.tracks))

    def _run_flow_path(self, flow_inputs: Tensor, tracking: Tracking | None) -> _FlowPath | None:
        """Logits and scores of every region; None where there is no key frame yet."""
        if self._keys is None:
            return None
        keys = self._keys
        ages = [age + 1 for age in keys.ages]
        track = Track(tracking.tracks, ages) if tracking else None
        result = self._networks.flow_path(flow_inputs, keys.images, keys.logits, track)
        return _FlowPath(result.logits, self._networks.scores(result.features))

    def _choose_paths(self, flow_path: _FlowPath | None, regions: int) -> list[Path]:
        if flow_path is None or self._keys is None:
            return [Path.SEGMENTATION] * regions
        keys, schedule, scores = self._keys, self._schedule, flow_path.scores
        wished = [
            schedule.path(score, target, age + 1)
            for score, target, age in zip(scores, keys.targets, keys.ages, strict=True)
        ]
        lacks = [target - score for target, score in zip(keys.targets, scores, strict=True)]
        paths, keys.credit = within_share(wished, lacks, schedule.max_share, keys.credit)
        return paths

    def _run_segmentation_path(
        self, image: Tensor, grid: RegionGrid, paths: Sequence[Path]
    ) -> Tensor | None:
        """Logits [S, C, h', w'] float32 of the S regions on the segmentation path, in order."""
        chosen = [grid.regions[region] for region in _on_path(paths, Path.SEGMENTATION)]
        return self._networks.segment(image, chosen) if chosen else None

    def _region_logits(
        self, flow_path: _FlowPath | None, segmented: Tensor | None, paths: Sequence[Path]
    ) -> list[Tensor]:
        """Each region's logits [C, h, w] float32, from its path."""
        logits: dict[int, Tensor] = {}
        if segmented is not None:
            logits.update(zip(_on_path(paths, Path.SEGMENTATION), segmented, strict=True))
        if flow_path is not None:
            logits.update(
                (region, flow_path.logits[region]) for region in _on_path(paths, Path.FLOW)
            )
        return [logits[region] for region in range(len(paths))]

    def _ages(self, paths: Sequence[Path]) -> list[int]:
        """Of the key frame behind each region's logits of this frame, in frames."""
        if self._keys is None:
            return [0] * len(paths)
        return [
            age + 1 if path is Path.FLOW else 0
            for path, age in zip(paths, self._keys.ages, strict=True)
        ]

    def _advance(
        self,
        grid: RegionGrid,
        flow_path: _FlowPath | None,
        paths: Sequence[Path],
        segmented: Tensor | None,
        flow_inputs: Tensor,
        tracking: Tracking | None,
        stamp: int,
    ) -> tuple[RegionDecision, ...]:
        """Make segmented regions key frames and move the targets; tell what was decided."""
        count = len(paths)
        targets = self._keys.targets if self._keys else [self._schedule.target] * count
        scores = flow_path.scores if flow_path else [math.nan] * count
        self._remember(grid, paths, segmented, flow_inputs, tracking, stamp)
        keys = self._keys
        assert keys is not None
        decisions = tuple(
            RegionDecision(*decision)
            for decision in zip(
                grid.regions, paths, scores, targets, keys.stamps, keys.ages, strict=True
            )
        )
        if flow_path:  # the first frame was no decision
            keys.targets = [
                self._schedule.next_target(target, path, score)
                for target, path, score in zip(targets, paths, scores, strict=True)
            ]
        return decisions

    def _remember(
        self,
        grid: RegionGrid,
        paths: Sequence[Path],
        segmented: Tensor | None,
        flow_inputs: Tensor,
        tracking: Tracking | None,
        stamp: int,
    ) -> None:
        keys = self._keys
        if keys:
            keys.ages = self._ages(paths)
            keys.tracking = tracking
        if segmented is None:
            return
        logits = key_logits(segmented, grid)
        chosen = _on_path(paths, Path.SEGMENTATION)
        if keys is None:
            targets = [self._schedule.target] * len(paths)
            images = flow_inputs.clone()  # written to below, and other segmenters may share these
            stamps, ages = [stamp] * len(paths), [0] * len(paths)
            self._keys = KeyFrames(images, logits, targets, stamps, ages, tracking)
            return
        keys.images[chosen] = flow_inputs[chosen]
        keys.logits[chosen] = logits
        if tracking:
            tracking.tracks[chosen] = 0.0
        for region in chosen:
            keys.stamps[region] = stamp


def _networks_of(checkpoint: Checkpoint, device: str, precision: str) -> RegionNetworks:
    where = resolve_device(device)
    return RegionNetworks(checkpoint, where, resolve_precision(precision, where))


def _on_path(paths: Sequence[Path], wanted: Path) -> list[int]:
    return [region for region, path in enumerate(paths) if path is wanted]


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[name] = time.perf_counter() - start
