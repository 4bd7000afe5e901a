"""The correction: what the flow network sees of the current frame, against what was warped.

Not in the paper, whose flow path can only move and scale the key frame's logits: what was not in
the key frame, or is larger by now, stays wrong until the region is segmented again. After Accel
(Jain et al., 2019), which corrects warped scores by those of a second network on the current frame;
here the second network is the flow network itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import leaky
from dvsnet_ros.core.networks.resize import magnify, resize_bilinear
from dvsnet_ros.core.networks.warp import warp

FINER = 2
"""Logits to one pixel of the fields, along each side."""
LOGIT_UNIT = 8.0
"""Logits are divided by this, to be about as large as the features beside them."""
IMAGE_STRIDE = 4
"""Pixels of the flow network's input to one of its fields."""


class Correction(nn.Module):
    """Adds to warped and scaled logits what the flow network's features say of the current frame.

    It works on the grid of the fields, where `FINER` x `FINER` logits are one pixel's channels.

    Args:
        num_classes: channels of the logits.
        context_channels: channels of what the flow network sees: on the grid of the fields, on one
            half as fine, and so on.
        channels: of its own layers.
    """

    def __init__(self, num_classes: int, context_channels: Sequence[int], channels: int) -> None:
        super().__init__()
        logits = num_classes * FINER**2
        finest, *coarser = context_channels
        self.join = nn.Conv2d(logits + finest, channels, 1)
        self.join_coarser = nn.ModuleList(nn.Conv2d(c, channels, 1, bias=False) for c in coarser)
        self.near = nn.Conv2d(channels, channels, 3, 1, 1)
        self.far = nn.Conv2d(channels, channels, 3, 1, 2, dilation=2)
        self.predict = nn.Conv2d(channels, logits, 1)

    def forward(self, logits: Tensor, context: Sequence[Tensor]) -> Tensor:
        """Corrected logits [N, C, h, w] of warped and scaled ones and the context, finest first."""
        finest, *coarser = context
        rows, columns = finest.shape[-2:]
        unfolded = resize_bilinear(logits, FINER * rows, FINER * columns)
        unfolded = functional.pixel_unshuffle(unfolded / LOGIT_UNIT, FINER).to(finest.dtype)
        features = self.join(torch.cat((unfolded, finest), 1))
        for level, (join, seen) in enumerate(zip(self.join_coarser, coarser, strict=True), 1):
            features = features + magnify(join(seen), 2**level)[..., :rows, :columns]
        features = leaky(features)
        features = leaky(features + self.near(features))
        features = leaky(features + self.far(features))
        residual = functional.pixel_shuffle(self.predict(features).to(logits.dtype), FINER)
        return logits + resize_bilinear(LOGIT_UNIT * residual, *logits.shape[-2:])


def difference(current: Tensor, key: Tensor, flow: Tensor) -> Tensor:
    """Where the flow is wrong: [N, 3, h, w] of images [N, 3, H, W] (0-1) and a flow [N, 2, h, w].

    The current image less the warped key image, both averaged over what a pixel of the flow covers.
    Teaches the flow nothing.
    """
    current, key = (
        functional.avg_pool2d(image, IMAGE_STRIDE, ceil_mode=True).float()
        for image in (current, key)
    )
    return (current - warp(key, flow.detach().float())).to(flow.dtype)
