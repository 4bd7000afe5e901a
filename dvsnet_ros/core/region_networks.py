"""The networks of DVSNet on the regions of a frame: what inference and training share.

Nothing here remembers a frame; the video segmenter does.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from dvsnet_ros.core.checkpoint import Checkpoint, InputFormat
from dvsnet_ros.core.networks.decision import FEATURE_SIZE, DecisionNetwork
from dvsnet_ros.core.networks.deeplab_fast import DeepLabFast
from dvsnet_ros.core.networks.flow_net import FlowFields, FlowNet
from dvsnet_ros.core.networks.layers import fold_batch_norms, lay_out
from dvsnet_ros.core.networks.resize import magnify, resize_bilinear
from dvsnet_ros.core.networks.warp import flow_on_grid, warp
from dvsnet_ros.core.regions import Region, RegionGrid
from dvsnet_ros.core.tracking import Track, motion_between, region_motion, tracking_view

PIXELS_AT_ONCE = 1_300_000
"""Of regions, as the network sees them, that a CPU segments together: two of the original's. All
four would take half as much memory again, and at best 2 % less time (docs/benchmarks.md)."""


@dataclass(frozen=True)
class FlowPathResult:
    """What the flow path gives of R regions.

    Attributes:
        logits: [R, C, h, w] float32, as fine as the key logits, or as the flow if that is finer.
        features: [R, K, 4, 8] float32, what the decision network reads.
    """

    logits: Tensor
    features: Tensor


class RegionNetworks:
    """A checkpoint's networks, frozen, on one device and in one precision.

    Args:
        checkpoint: the networks, which are copied; only the methods of those it has can be used.
        device: where they run.
        precision: of the segmentation and the flow network.
        input_format: what the segmentation network is given, in place of the checkpoint's.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: torch.device,
        precision: torch.dtype,
        input_format: InputFormat | None = None,
    ) -> None:
        self.device = device
        self.precision = precision
        self._classes = len(checkpoint.label_set.classes)
        self._input = input_format or checkpoint.input
        self._mean = torch.tensor(self._input.mean, device=device).view(1, 3, 1, 1)
        # Scores near 100 need finer steps than half precision has.
        precisions = {"decision": torch.float32}
        self._networks = {
            name: _frozen(network, device, precisions.get(name, precision))
            for name, network in checkpoint.networks.items()
        }

    def to_image(self, frame: NDArray[np.uint8], grid: RegionGrid) -> Tensor:
        """The frame on the device, [1, 3, H, W]: uint8, or float32 if it had to be resized."""
        image = torch.from_numpy(np.require(frame, requirements=("C", "W"))).to(self.device)
        image = image.permute(2, 0, 1).unsqueeze(0)
        if frame.shape[:2] == (grid.height, grid.width):
            return image
        return resize_bilinear(image.float(), grid.height, grid.width)

    def flow_inputs(self, image: Tensor, grid: RegionGrid) -> Tensor:
        """[R, 3, h / 2, w / 2] BGR in 0-1, every region at half its size."""
        return half_regions(image, grid).to(self.precision, memory_format=torch.channels_last)

    def tracking_view(self, frame: NDArray[np.uint8], grid: RegionGrid) -> NDArray[np.uint8] | None:
        """What tracking sees of a frame; None if the flow network does without a track."""
        tracked = cast(FlowNet, self._networks["flow"]).tracked
        return tracking_view(frame, grid.height, grid.width) if tracked else None

    def motion(
        self, current: NDArray[np.uint8], previous: NDArray[np.uint8], grid: RegionGrid
    ) -> Tensor:
        """Motion [R, 2, h / 2, w / 2] of the regions between the views of successive frames."""
        return region_motion(motion_between(current, previous), grid).to(self.device)

    def segment(self, image: Tensor, regions: Sequence[Region]) -> Tensor:
        """Logits [S, C, h', w'] float32 of these regions of an image, in order."""
        count = len(regions)
        if self.device.type == "cpu":
            pixels = regions[0].height * regions[0].width * self._input.magnification**2
            count = max(1, int(PIXELS_AT_ONCE / pixels))
        parts = (regions[start : start + count] for start in range(0, len(regions), count))
        return torch.cat([self._segment_at_once(image, part) for part in parts])

    def _segment_at_once(self, image: Tensor, regions: Sequence[Region]) -> Tensor:
        crops = torch.cat([_crop(image, region) for region in regions])
        if self._input.channel_order == "rgb":
            crops = crops.flip(1)
        normalized = (crops.float() - self._mean) * self._input.scale
        seen = magnify(normalized, self._input.magnification)
        network = self._networks["segmentation"]
        memory_format = _memory_format(network, self.device, self.precision)
        logits: Tensor = network(seen.to(self.precision, memory_format=memory_format))
        _check_logits(logits, len(crops), self._classes)
        return logits.float()

    def flow_path(
        self, current: Tensor, key: Tensor, logits: Tensor, track: Track | None = None
    ) -> FlowPathResult:
        """The flow path of R regions.

        Args:
            current: flow inputs [R, 3, h, w].
            key: those of the key frames.
            logits: the key frames' `key_logits`, float32.
            track: of the R regions, if the flow network is tracked.
        """
        network = cast(FlowNet, self._networks["flow"])
        fields: FlowFields = network(current, key, track and track.motion)
        warped = warped_keys(network, logits, fields)
        followed = network.correct(warped, fields)
        features = decision_features(fields, track, logits, warped, followed)
        return FlowPathResult(followed, features)

    def scores(self, features: Tensor) -> list[float]:
        """Expected confidence scores of R regions from the flow path's features."""
        scores: list[float] = self._networks["decision"](features).tolist()
        return scores


def half_regions(image: Tensor, grid: RegionGrid) -> Tensor:
    """Every region of an image [1, 3, H, W] (0-255) at half its size: [R, 3, h / 2, w / 2], 0-1."""
    return torch.cat([half_size(_crop(image, region)) for region in grid.regions])


def half_size(images: Tensor) -> Tensor:
    """Regions [N, 3, h, w] (0-255) as the flow network takes them: [N, 3, h / 2, w / 2], 0-1."""
    height, width = images.shape[-2:]
    if height % 2 or width % 2:
        images = resize_bilinear(images.float(), height // 2, width // 2)
    else:
        images = images[..., ::2, ::2]
    return images.float().div(255.0)


def key_logits(logits: Tensor, grid: RegionGrid) -> Tensor:
    """Logits [S, C, h', w'] of the segmentation path as the flow path keeps them.

    They go to the flow network's grid of 1/8, as in the original; logits that are clearly finer
    stay on their own grid, so that what is thin is not lost.
    """
    rows, columns = FlowNet.field_size(grid.region_height, grid.region_width)
    finer = round(logits.shape[-2] / rows) > 1
    return logits if finer else resize_bilinear(logits, rows, columns)


def flow_path_logits(network: FlowNet, keys: Tensor, fields: FlowFields) -> Tensor:
    """The flow path: key logits [R, C, h, w] float32, warped, scaled and corrected.

    As large, or as large as the flow if that is finer.

    Args:
        network: the flow network, which gave the fields and has the correction, if there is one.
        keys: key logits, on the fields' grid or a finer one.
        fields: what the flow network says of the R regions.
    """
    return network.correct(warped_keys(network, keys, fields), fields)


def warped_keys(network: FlowNet, keys: Tensor, fields: FlowFields) -> Tensor:
    """The same before the correction."""
    # Where the flow is exact enough for it to show: labels are interpolated here and once more when
    # they are decoded, and twice bilinearly is the end of poles.
    mode = "bicubic" if network.tracked else "bilinear"
    return warp_and_scale(keys, fields.flow, fields.scale, mode)


def warp_and_scale(keys: Tensor, flow: Tensor, scale: Tensor, mode: str = "bilinear") -> Tensor:
    """Key logits [R, C, h, w] follow the flow and are multiplied by the scale, as in the paper.

    On the finer grid of the two; in the original there is one. `mode` is `warp`'s.
    """
    flow, scale = flow.float(), scale.float()
    if keys.shape[-2] > flow.shape[-2]:
        flow = flow_on_grid(flow, *keys.shape[-2:])
    return warp(keys, flow, mode) * resize_bilinear(scale, *flow.shape[-2:])


def decision_features(
    fields: FlowFields, track: Track | None, keys: Tensor, warped: Tensor, followed: Tensor
) -> Tensor:
    """What the decision network reads of R regions: [R, C, 4, 8] float32.

    In the original the flow network's features. Where its correction has seen the current frame,
    what the flow path then knows of itself says more, and says it on streets that no training
    showed: how unsure its labels and the key frame's are, how much the correction changed, how far
    the warped image is from the current one; and of a track, its motion and its age in octaves:
    through a good track, an old key frame looks like a young one.

    Args:
        fields: what the flow network says.
        track: what it was given.
        keys: key logits [R, classes, h, w].
        warped: the flow path's logits before the correction, [R, classes, h', w'].
        followed: the flow path's logits, as large.
    """
    if fields.residual is None:
        return DecisionNetwork.resize_features(fields.features.float())
    odds, before = _odds(followed), _odds(warped)
    changed = (odds - before).abs().sum(1, keepdim=True) / 2
    residual = fields.residual.float().abs().mean(1, keepdim=True)
    maps = [_doubt(odds), _doubt(_odds(keys)), changed, residual]
    if track is not None and fields.track is not None:
        maps += [fields.track.float(), _octaves(track)]
    return torch.cat([functional.adaptive_avg_pool2d(each, FEATURE_SIZE) for each in maps], 1)


def _odds(logits: Tensor) -> Tensor:
    """Softmax [R, C, h / 2, w / 2] of every second logit of each second row."""
    return logits[..., ::2, ::2].softmax(1)


def _doubt(odds: Tensor) -> Tensor:
    """What the largest softmax lacks of 1."""
    return 1.0 - odds.amax(1, keepdim=True)


def _octaves(track: Track) -> Tensor:
    """Of the ages of the key frames, [R, 1, 4, 8]."""
    ages = torch.tensor(track.ages, dtype=torch.float32, device=track.motion.device)
    return ages.log2().view(-1, 1, 1, 1).expand(-1, 1, *FEATURE_SIZE)


def _frozen(network: nn.Module, device: torch.device, precision: torch.dtype) -> nn.Module:
    network = fold_batch_norms(copy.deepcopy(network).eval()).to(device, precision)
    lay_out(network, _memory_format(network, device, precision))
    return network.requires_grad_(False)


def _memory_format(
    network: nn.Module, device: torch.device, precision: torch.dtype
) -> torch.memory_format:
    """What a network is fastest in (docs/benchmarks.md).

    Channels last, but for the original's segmentation network in half precision on CUDA: there
    cuDNN takes six times as long for its wide dilated convolutions.
    """
    half = precision.itemsize == 2
    wide = isinstance(network, DeepLabFast)
    return (
        torch.contiguous_format if wide and half and device.type == "cuda" else torch.channels_last
    )


def _check_logits(logits: object, regions: int, classes: int) -> None:
    """Raises ValueError where a network, another package's maybe, gives no logits of regions."""
    shape = tuple(logits.shape) if isinstance(logits, Tensor) else ()
    if len(shape) != 4 or shape[:2] != (regions, classes):
        raise ValueError(
            f"the segmentation network gave {shape or type(logits).__name__} for {regions} "
            f"regions; it must give logits ({regions}, {classes}, height, width), a channel a class"
        )


def _crop(image: Tensor, region: Region) -> Tensor:
    rows, columns = region.slices
    return image[..., rows, columns]
