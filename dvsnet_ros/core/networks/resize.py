"""TensorFlow 1's bilinear resize, the one resize of the original."""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor


def resize_bilinear(images: Tensor, height: int, width: int) -> Tensor:
    """Resize [N, C, h, w] to [N, C, height, width] as `tf.image.resize_bilinear` of TensorFlow 1.

    Its source coordinate is `destination * in / out` (no half-pixel centres), the neighbour clamped
    at the border. That is torch's `align_corners=True` on an image, and to a size, one larger: the
    scale becomes (in + 1 - 1) / (out + 1 - 1), and the added last row and column repeat the border.
    """
    rows, columns = images.shape[-2:]
    if rows % height == 0 and columns % width == 0:  # every n-th pixel, nothing to interpolate
        return images[..., :: rows // height, :: columns // width]
    padded = functional.pad(images, (0, 1, 0, 1), mode="replicate")
    resized = functional.interpolate(
        padded, (height + 1, width + 1), mode="bilinear", align_corners=True
    )
    return resized[..., :height, :width]


def magnify(features: Tensor, times: float) -> Tensor:
    """Features [N, C, h, w] on a grid that is so many times as fine, to the nearest whole row."""
    rows, columns = features.shape[-2:]
    return resize_bilinear(features, round(times * rows), round(times * columns))
