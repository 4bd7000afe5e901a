"""The compact segmentation network: a residual encoder at 1/8 with a coarser context branch.

Our own design, after what the published small networks share (ERFNet, Romera et al., 2018; DABNet,
Li et al., 2019; FDDWNet, Liu et al., 2020): reduce early, keep most of the depth at 1/8, and see
the whole scene with few dilated layers. Its convolutions are dense 3x3: processors run those at
several times the arithmetic rate of factorised or depthwise ones.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import ConvBatchNorm
from dvsnet_ros.core.networks.resize import resize_bilinear

STRIDE = 8


class CompactSegmenter(nn.Module):
    """Segments regions of any size, logits at 1/8.

    A region of 480x360 pixels costs 6.8 GMAC at the default width; 3.9 M parameters.

    Args:
        num_classes: channels of the logits.
        width: channels of the first layer; every other width is in proportion. A multiple of 4.
        dropout: share of feature channels silenced before the classifier, in training only.

    Raises:
        ValueError: if `width` is not a positive multiple of 4, or `dropout` outside 0 to 1.
    """

    def __init__(self, num_classes: int = 11, width: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        if width < 4 or width % 4:
            raise ValueError(f"width {width} does not work; take a multiple of 4, e.g. 32")
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
        self._initialise()

    def forward(self, regions: Tensor) -> Tensor:
        """Logits [N, classes, h = ceil(H / 8), w = ceil(W / 8)] of normalised regions [N, 3, H, W].

        Logit (y, x) speaks of the region's pixel (y * H / h, x * W / w), where the bilinear resize
        that follows expects it: sides that 8 does not divide are first stretched to the next
        multiple.
        """
        height, width = (-(-size // STRIDE) * STRIDE for size in regions.shape[-2:])
        if regions.shape[-2:] != (height, width):
            regions = resize_bilinear(regions, height, width)
        detail = self.detail(self.stem(regions))
        context = self.project(self.context(detail))
        rows, columns = context.shape[-2:]
        # Twice as fine, exactly; an odd grid leaves the last row out.
        context = resize_bilinear(context, 2 * rows, 2 * columns)
        context = context[..., : detail.shape[-2], : detail.shape[-1]]
        features = self.refine(functional.relu(detail + context))
        logits: Tensor = self.classify(self.dropout(features))
        return logits

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            elif isinstance(module, Residual):
                # a block starts near identity
                nn.init.constant_(module.last.norm.get_parameter("weight"), 0.1)
        nn.init.normal_(self.classify.weight, std=0.01)
        nn.init.zeros_(self.classify.get_parameter("bias"))


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
