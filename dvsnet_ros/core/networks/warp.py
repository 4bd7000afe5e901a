"""Spatial warping: key logits follow the flow to the current frame.

Source: section 3.2 of the DVSNet paper, after Deep Feature Flow; `tools/flow_utils.py:warp` of the
original.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from dvsnet_ros.core.networks.resize import resize_bilinear


def warp(key: Tensor, flow: Tensor, mode: str = "bilinear") -> Tensor:
    """Warp [N, C, h, w] backwards by a flow [N, 2, H, W] (x, y) in its pixels.

    Pixel p of the result [N, C, H, W] is the key at p + flow(p), the coordinates clamped to the
    border. Grids of different sizes show the same region; in the original they are one.

    Args:
        key: what is warped.
        flow: where each pixel lies in it.
        mode: `bilinear`, as in the original, or `bicubic`, which blurs less.
    """
    rows, columns = key.shape[-2:]
    height, width = flow.shape[-2:]
    across = torch.arange(width, dtype=flow.dtype, device=flow.device)
    down = torch.arange(height, dtype=flow.dtype, device=flow.device).unsqueeze(1)
    x = (flow[:, 0] + across) * (columns / width * 2.0 / max(columns - 1, 1)) - 1.0
    y = (flow[:, 1] + down) * (rows / height * 2.0 / max(rows - 1, 1)) - 1.0
    return functional.grid_sample(
        key,
        torch.stack((x, y), 3),
        mode=mode,
        padding_mode="border",
        align_corners=True,
    )


def flow_on_grid(flow: Tensor, rows: int, columns: int) -> Tensor:
    """The same flow [N, 2, h, w] on another grid and in its pixels: [N, 2, rows, columns]."""
    height, width = flow.shape[-2:]
    resized = resize_bilinear(flow, rows, columns)
    return torch.stack((resized[:, 0] * (columns / width), resized[:, 1] * (rows / height)), 1)


def add_flows(flow: Tensor, further: Tensor) -> Tensor:
    """The flow by which one goes with `flow` and from there with `further`, each [N, 2, h, w]."""
    return flow + warp(further, flow)
