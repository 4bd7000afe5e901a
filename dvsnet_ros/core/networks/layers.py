"""Layers that compute as TensorFlow's do, and what is done to the layers of a network."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

LEAK = 0.1
"""Slope of the original's leaky ReLU below 0."""


def leaky(features: Tensor) -> Tensor:
    """Leaky ReLU, as in the original's flow and decision network."""
    return functional.leaky_relu(features, LEAK)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding (before, after) of TensorFlow's `SAME`: the odd pixel goes after."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(images: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad [N, C, H, W] for a convolution or pooling with TensorFlow's `SAME` padding."""
    top, bottom = same_padding(images.shape[-2], kernel, stride)
    left, right = same_padding(images.shape[-1], kernel, stride)
    if not (top or bottom or left or right):
        return images
    return functional.pad(images, (left, right, top, bottom), value=value)


class ConvBatchNorm(nn.Module):
    """Convolution with TensorFlow's `SAME` padding, then batch norm, then ReLU if asked for.

    [N, in, H, W] to [N, out, ceil(H / stride), ceil(W / stride)].
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        dilation: int = 1,
        bias: bool = False,
        relu: bool = True,
    ) -> None:
        super().__init__()
        if stride > 1 and dilation > 1:
            raise ValueError("a convolution has a stride or a dilation, not both")
        self.conv = nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride,
            padding=0 if stride > 1 else dilation * (kernel // 2),
            dilation=dilation,
            bias=bias,
        )
        self.norm: nn.Module = nn.BatchNorm2d(channels_out, eps=1e-3)
        self.relu = relu

    def forward(self, images: Tensor) -> Tensor:
        """Apply the layer; see the class for shapes."""
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        if stride > 1:  # at stride 1 the padding is symmetric, and the convolution does it
            images = pad_same(images, kernel, stride)
        features: Tensor = self.norm(self.conv(images))
        return functional.relu(features) if self.relu else features

    def fold(self) -> None:
        """Fold the batch norm into the convolution, for inference: the same numbers, less work."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv.eval(), self.norm.eval())
            self.norm = nn.Identity()


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Fold every batch norm of a network into its convolution, in place."""
    for module in network.modules():
        if isinstance(module, ConvBatchNorm):
            module.fold()
    return network


def lay_out(network: nn.Module, memory_format: torch.memory_format) -> None:
    """Put a network's convolutions in this order in memory, such as `torch.channels_last`."""
    network.to(memory_format=memory_format)  # type: ignore[call-overload]  # torch's types lack it
