"""The compact segmentation network: a residual encoder at 1/8, a coarser context branch, a finer
one for what is thin.

Our own design, after what the published small networks share (ERFNet, Romera et al., 2018; DABNet,
Li et al., 2019; FDDWNet, Liu et al., 2020): reduce early, keep most of the depth at 1/8, and see
the whole scene with few dilated layers. Its convolutions are dense 3x3: processors run those at
several times the arithmetic rate of factorised or depthwise ones. What the encoder says is then
corrected at 1/4, from the stem's features: a pole of three pixels is lost between logits that are
eight pixels apart.
"""

from __future__ import annotations

from typing import Final

import torch.nn.functional as functional
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import ConvBatchNorm
from dvsnet_ros.core.networks.resize import magnify, resize_bilinear

ENCODER_STRIDE = 8


class CompactSegmenter(nn.Module):
    """Segments regions of any size, logits at 1/4.

    A region of 480x360 pixels costs 7.3 GMAC at the default width; 3.9 M parameters.

    Args:
        num_classes: channels of the logits.
        width: channels of the first layer; every other width is in proportion. A multiple of 4.
        dropout: share of feature channels silenced before the classifier, in training only.

    Raises:
        ValueError: if `width` is not a positive multiple of 4, or `dropout` outside 0 to 1.
    """

    CLASS_LAYERS: Final = ("classify", "correct")
    """Layers whose sizes follow from the number of classes."""

    def __init__(self, num_classes: int = 11, width: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        if width < 4 or width % 4:
            raise ValueError(f"width {width} does not work; take a multiple of 4, e.g. 32")
        self.num_classes = num_classes
        fine, detail, context = width * 3 // 2, width * 4, width * 6
        self.stem = nn.Sequential(
            CenteredConv(3, width, stride=2),
            CenteredConv(width, fine, stride=2),
            Residual(fine),
            Residual(fine),
        )
        self.detail = nn.Sequential(
            CenteredConv(fine, detail, stride=2),
            Residual(detail),
            Residual(detail),
            Residual(detail, dilation=2),
            Residual(detail, dilation=2),
        )
        self.context = nn.Sequential(
            CenteredConv(detail, context, stride=2),
            Residual(context, dilation=2),
            Residual(context, dilation=4),
            Residual(context, dilation=2),
        )
        self.project = CenteredConv(context, detail, kernel=1, relu=False)
        self.refine = Residual(detail)
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(detail, num_classes, 1)
        self.descend = CenteredConv(detail, fine, kernel=1, relu=False)
        self.lateral = CenteredConv(fine, fine, kernel=1, relu=False)
        self.sharpen = Residual(fine)
        self.correct = nn.Conv2d(fine, num_classes, 1)
        self._initialise()

    def forward(self, regions: Tensor) -> Tensor:
        """Logits [N, classes, h, w] of normalised regions [N, 3, H, W], h = 2 ceil(H / 8), w alike.

        Logit (y, x) speaks of the region's pixel (y * H / h, x * W / w), where the bilinear resize
        that follows expects it: sides that 8 does not divide are first stretched to the next
        multiple.
        """
        height, width = (-(-s // ENCODER_STRIDE) * ENCODER_STRIDE for s in regions.shape[-2:])
        if regions.shape[-2:] != (height, width):
            regions = resize_bilinear(regions, height, width)
        stem = self.stem(regions)
        detail = self.detail(stem)
        # An odd grid leaves the last row of what is twice as fine out.
        context = magnify(self.project(self.context(detail)), 2)
        context = context[..., : detail.shape[-2], : detail.shape[-1]]
        features = self.refine(functional.relu(detail + context))
        descended = magnify(self.descend(features), 2)
        fine = self.sharpen(functional.relu(self.lateral(stem) + descended))
        logits: Tensor = magnify(self.classify(self.dropout(features)), 2) + self.correct(fine)
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, Residual):
                # a block starts near identity
                nn.init.constant_(module.last.norm.get_parameter("weight"), 0.1)
        for last in (self.classify, self.correct):
            nn.init.normal_(last.weight, std=0.01)
            nn.init.zeros_(last.get_parameter("bias"))


class CenteredConv(ConvBatchNorm):
    """Convolution with symmetric padding, batch norm, ReLU if asked for.

    At stride 2 output (y, x) is centred on input (2y, 2x) at every size, odd or even, which is
    where the bilinear resize of the original expects it; `SAME` padding moves with the size.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        dilation: int = 1,
        relu: bool = True,
    ) -> None:
        super().__init__(
            channels_in, channels_out, kernel, stride=stride, dilation=dilation, relu=relu
        )
        margin = dilation * (kernel // 2)
        self.conv.padding = (margin, margin)

    def forward(self, images: Tensor) -> Tensor:
        """[N, in, H, W] to [N, out, ceil(H / stride), ceil(W / stride)]."""
        features: Tensor = self.norm(self.conv(images))
        return functional.relu(features) if self.relu else features


class Residual(nn.Module):
    """Two 3x3 convolutions, the second dilated, added to what came in: [N, C, H, W] to the same."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = CenteredConv(channels, channels)
        self.last = CenteredConv(channels, channels, dilation=dilation, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        """Apply the block; see the class for shapes."""
        return functional.relu(features + self.last(self.first(features)))
