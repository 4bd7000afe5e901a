"""The flow network with its scale field.

Source: section 3.2 of the DVSNet paper; `model/flownetmodel.py` of the original: a FlowNetS
(Dosovitskiy et al., 2015) of 24 to 384 channels, with a scale field after Deep Feature Flow
(Zhu et al., 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from dvsnet_ros.core.networks.correction import Correction, difference
from dvsnet_ros.core.networks.layers import leaky
from dvsnet_ros.core.networks.warp import add_flows, flow_on_grid, warp

FLOW_FACTOR = 5.0
"""The flow is this times the prediction, in pixels of the 1/8 grid."""
TRACK_CHANNELS = 2
"""Channels of a track, which the correction reads where there is one."""
SELF_CHANNELS = 4
"""Channels that the decision network reads in place of conv6_1's where there is a correction."""
TRACKED_SELF_CHANNELS = SELF_CHANNELS + TRACK_CHANNELS + 1
"""And where there is a track too."""
TRACKED_FINER = 2
"""Pixels of a tracked flow to one of the fields, along each side."""
TRACK_UNIT = 4.0
"""Pixels of the 1/8 grid by which a track is divided, to be about as large as what is beside it."""
SHRINKAGE = 0.25
"""Pixels of the 1/8 grid, two of the frame, by which what the network finds beyond a track is
shortened: tracking sees so little better, and there the network's word is noise
(docs/ablations.md)."""


@dataclass(frozen=True)
class FlowFields:
    """What the flow network says of N regions.

    Attributes:
        flow: [N, 2, h, w], (x, y) from a pixel of the region to its place in the key region, in
            pixels of the 1/8 grid; of a tracked network `TRACKED_FINER` times as fine, and in
            pixels of that grid.
        scale: [N, classes, h, w], the factor of each warped logit.
        features: [N, channels, h', w'] of conv6_1, what the decision network reads in the original.
        context: what the correction reads, each [N, channels, h_i, w_i], from the fields' grid to
            the coarsest; nothing where there is no correction.
        coarse_flows: four [N, 2, h_i, w_i], the estimates on which the flow is refined, coarsest
            first; in pixels of the 1/8 grid too. Only training reads them.
        track: [N, 2, h, w] of a tracked network, in `TRACK_UNIT`s.
        residual: [N, 3, h, w] where there is a correction, the current image less the warped one.
    """

    flow: Tensor
    scale: Tensor
    features: Tensor
    context: tuple[Tensor, ...] = ()
    coarse_flows: tuple[Tensor, ...] = ()
    track: Tensor | None = None
    residual: Tensor | None = None


class FlowNet(nn.Module):
    """Flow and scale field between half-size regions and half-size key regions.

    Args:
        num_classes: channels of the scale field.
        width: channels of conv1, 24 in the original; every other width is in proportion.
        correction: channels of the correction of warped logits; 0, as in the original, has none.
        tracked: whether it starts from a track (`core/tracking.py`) and finds what is left. In the
            original it finds all of the flow.
        kernels: sides of the first three kernels, odd numbers; what is left of a tracked flow is
            small, and small ones see it.

    Raises:
        ValueError: if a side is even.
    """

    CLASS_LAYERS: Final = ("predict_scale", "correction.join", "correction.predict")
    """Layers whose sizes follow from the number of classes."""

    def __init__(
        self,
        num_classes: int = 19,
        width: int = 24,
        correction: int = 0,
        tracked: bool = False,
        kernels: Sequence[int] = (7, 5, 5),
    ) -> None:
        super().__init__()
        if not all(side % 2 for side in kernels):
            raise ValueError(f"kernels of {list(kernels)} have no centre; give three odd numbers")
        k1, k2, k3 = kernels
        c1, c2, c3, c4, c6 = width, 2 * width, 4 * width, 8 * width, 16 * width
        self.num_classes = num_classes
        self.tracked = tracked
        track = TRACK_CHANNELS if tracked else 0
        known = TRACKED_SELF_CHANNELS if tracked else SELF_CHANNELS
        self.feature_channels = known if correction else c6
        self.conv1 = nn.Conv2d(6, c1, k1, 2, k1 // 2)
        self.conv2 = nn.Conv2d(c1, c2, k2, 2, k2 // 2)
        self.conv3 = nn.Conv2d(c2, c3, k3, 2, k3 // 2)
        self.conv3_1 = nn.Conv2d(c3, c3, 3, 1, 1)
        self.conv4 = nn.Conv2d(c3, c4, 3, 2, 1)
        self.conv4_1 = nn.Conv2d(c4, c4, 3, 1, 1)
        self.conv5 = nn.Conv2d(c4, c4, 3, 2, 1)
        self.conv5_1 = nn.Conv2d(c4, c4, 3, 1, 1)
        self.conv6 = nn.Conv2d(c4, c6, 3, 2, 1)
        self.conv6_1 = nn.Conv2d(c6, c6, 3, 1, 1)
        self.refine5 = Refinement(c6, c4)
        self.refine4 = Refinement(c4 + c4 + 2, c3)
        self.refine3 = Refinement(c4 + c3 + 2, c2)
        self.refine2 = Refinement(c3 + c2 + 2, c1)
        refined = c2 + c1 + 2
        self.predict_flow2 = nn.Conv2d(refined, 2, 3, 1, 1)
        self.predict_scale = nn.Conv2d(refined, num_classes, 3, 1, 1)
        seen = (refined + 3 + track, c3 + c2 + 2, c4 + c3 + 2)
        self.correction = Correction(num_classes, seen, correction) if correction else None

    @staticmethod
    def field_size(region_height: int, region_width: int) -> tuple[int, int]:
        """Height and width of the fields of a region of this size, which is given halved."""
        return -(-(region_height // 2) // 4), -(-(region_width // 2) // 4)

    def forward(self, current: Tensor, key: Tensor, track: Tensor | None = None) -> FlowFields:
        """Estimate the flow from `current` to `key`, each [N, 3, H, W] BGR in 0-1 at half size.

        The fields have ceil(H / 4) x ceil(W / 4) pixels, 1/8 of the region; a tracked flow is twice
        as fine.

        Args:
            current: the regions.
            key: those of their key frames.
            track: [N, 2, H, W] float32 in pixels, if the network is tracked; where it leads is what
                the network sees of the key frame.

        Raises:
            ValueError: if there is a track for a network that is not tracked, or none for one that
                is.
        """
        if self.tracked != (track is not None):
            raise ValueError(
                "this flow network starts from a track; give the motion to the key frame"
                if self.tracked
                else "this flow network was not made to start from a track; give none"
            )
        if track is not None:
            key = warp(key.float(), track).to(key.dtype)
        conv2 = leaky(self.conv2(leaky(self.conv1(torch.cat((current, key), 1)))))
        conv3 = leaky(self.conv3_1(leaky(self.conv3(conv2))))
        conv4 = leaky(self.conv4_1(leaky(self.conv4(conv3))))
        conv5 = leaky(self.conv5_1(leaky(self.conv5(conv4))))
        conv6 = leaky(self.conv6_1(leaky(self.conv6(conv5))))
        refined5, flow6 = self.refine5(conv6, conv5)
        refined4, flow5 = self.refine4(refined5, conv4)
        refined3, flow4 = self.refine3(refined4, conv3)
        refined2, flow3 = self.refine2(refined3, conv2)
        flow = FLOW_FACTOR * self.predict_flow2(refined2)
        moved = None
        if track is not None:
            flow = _shrunk(flow)
            moved = _coarse_track(track, flow)
        residual = None
        context: tuple[Tensor, ...] = ()
        if self.correction is not None:
            residual = difference(current, key, flow)
            seen = [maps for maps in (refined2, residual, moved) if maps is not None]
            context = (torch.cat(seen, 1), refined3, refined4)
        coarse = tuple(FLOW_FACTOR * estimate for estimate in (flow6, flow5, flow4, flow3))
        if track is not None:
            grid = [TRACKED_FINER * side for side in flow.shape[-2:]]
            flow = add_flows(flow_on_grid(flow.float(), *grid), flow_on_grid(track, *grid))
        scale = self.predict_scale(refined2)
        return FlowFields(flow, scale, conv6, context, coarse, moved, residual)

    def correct(self, logits: Tensor, fields: FlowFields) -> Tensor:
        """Warped and scaled logits [N, C, h, w], corrected if this network has a correction."""
        if self.correction is None:
            return logits
        corrected: Tensor = self.correction(logits, fields.context)
        return corrected


def _shrunk(flow: Tensor) -> Tensor:
    """A flow [N, 2, h, w] with each vector shorter by `SHRINKAGE`; 0 where there is less."""
    length: Tensor = flow.float().norm(dim=1, keepdim=True)
    kept = (1.0 - SHRINKAGE / length.clamp(min=SHRINKAGE)).to(flow.dtype)
    return flow * kept


def _coarse_track(track: Tensor, flow: Tensor) -> Tensor:
    """A track on the grid of the fields, in `TRACK_UNIT`s, as precise as these."""
    return (flow_on_grid(track, *flow.shape[-2:]) / TRACK_UNIT).to(flow.dtype)


class Refinement(nn.Module):
    """One step of FlowNetS's refinement: twice as fine, joined with the encoder's features.

    [N, in, h, w] and a skip [N, s, H, W] (H = 2h or 2h - 1) to [N, s + out + 2, H, W], and the
    flow [N, 2, h, w] that is refined.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.predict_flow = nn.Conv2d(channels_in, 2, 3, 1, 1)
        self.deconv = nn.ConvTranspose2d(channels_in, channels_out, 4, 2, 1, bias=False)
        self.upsample_flow = nn.ConvTranspose2d(2, 2, 4, 2, 1, bias=False)

    def forward(self, features: Tensor, skip: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the step; see the class for shapes."""
        height, width = skip.shape[-2:]
        upsampled = leaky(self.deconv(features))[..., :height, :width]
        flow: Tensor = self.predict_flow(features)
        finer = self.upsample_flow(flow)[..., :height, :width]
        return torch.cat((skip, upsampled, finer), 1), flow
