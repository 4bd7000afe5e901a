"""DeepLab-Fast, the original's segmentation network.

Source: section 4.1 of the DVSNet paper; `model/deeplabmodel.py` of the original, which says the
dilations layer by layer: a ResNet-101 (He et al., 2016) at stride 16 with four parallel atrous
heads (DeepLabv2, Chen et al., 2017), reduced to 256 channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as functional
from torch import Tensor, nn

from dvsnet_ros.core.networks.layers import ConvBatchNorm, pad_same

EXPANSION = 4
HEAD_DILATIONS = (6, 12, 18)
STAGE5_DILATIONS = (4, 8, 16)


class Bottleneck(nn.Module):
    """ResNet's bottleneck: 1x1 reduce, 3x3, 1x1 expand, added to the shortcut, ReLU.

    The stride, if any, is that of the first 1x1 convolution. [N, in, H, W] to
    [N, 4 * width, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(self, channels_in: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        channels_out = width * EXPANSION
        self.shortcut: nn.Module = (
            nn.Identity()
            if channels_in == channels_out and stride == 1
            else ConvBatchNorm(channels_in, channels_out, stride=stride, relu=False)
        )
        self.reduce = ConvBatchNorm(channels_in, width, stride=stride)
        self.spatial = ConvBatchNorm(width, width, 3, dilation=dilation)
        self.expand = ConvBatchNorm(width, channels_out, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        """Apply the block; see the class for shapes."""
        residual = self.expand(self.spatial(self.reduce(features)))
        return functional.relu(self.shortcut(features) + residual)


class DeepLabFast(nn.Module):
    """Logits at 1/16 of a region: [N, 3, H, W] to [N, classes, ceil(H / 16), ceil(W / 16)].

    Args:
        num_classes: channels of the logits.
        blocks: bottlenecks in each of the four stages; (3, 4, 23, 3) is ResNet-101.
        width: channels of the stem, 64 in the original; every other width is in proportion.
        head_channels: channels of the atrous heads.
    """

    def __init__(
        self,
        num_classes: int = 19,
        blocks: Sequence[int] = (3, 4, 23, 3),
        width: int = 64,
        head_channels: int = 256,
    ) -> None:
        super().__init__()
        self.stem = ConvBatchNorm(3, width, 7, stride=2)
        self.stage2 = _stage(width, width, 1, [1] * blocks[0])
        self.stage3 = _stage(width * EXPANSION, 2 * width, 2, [1] * blocks[1])
        self.stage4 = _stage(2 * width * EXPANSION, 4 * width, 2, _stage4_dilations(blocks[2]))
        self.stage5 = _stage(4 * width * EXPANSION, 8 * width, 1, _stage5_dilations(blocks[3]))
        features = 8 * width * EXPANSION
        self.heads = nn.ModuleList(
            [
                ConvBatchNorm(features, head_channels, 3, dilation=dilation, bias=True, relu=False)
                for dilation in HEAD_DILATIONS
            ]
            + [ConvBatchNorm(features, head_channels, bias=True, relu=False)]
        )
        self.fuse = ConvBatchNorm(head_channels, head_channels, relu=False)
        self.classify = nn.Conv2d(head_channels, num_classes, 1, bias=False)

    def forward(self, regions: Tensor) -> Tensor:
        """Apply the network; see the class for shapes."""
        features = self.stem(regions)
        features = functional.max_pool2d(pad_same(features, 3, 2, value=float("-inf")), 3, 2)
        features = self.stage5(self.stage4(self.stage3(self.stage2(features))))
        fused: Tensor = self.heads[0](features)
        for head in list(self.heads)[1:]:
            fused = fused + head(features)
        logits: Tensor = self.classify(self.fuse(fused))
        return logits


def _stage(channels_in: int, width: int, stride: int, dilations: Sequence[int]) -> nn.Sequential:
    first = Bottleneck(channels_in, width, stride, dilations[0])
    rest = [Bottleneck(width * EXPANSION, width, 1, dilation) for dilation in dilations[1:]]
    return nn.Sequential(first, *rest)


def _stage4_dilations(blocks: int) -> list[int]:
    """1 for the first block, then 4, 2, 2 again and again."""
    return [1] + [(2, 4, 2)[block % 3] for block in range(1, blocks)]


def _stage5_dilations(blocks: int) -> list[int]:
    return [STAGE5_DILATIONS[min(block, 2)] for block in range(blocks)]
