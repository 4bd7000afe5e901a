"""Spatial warping: key logits follow the flow to the current frame.

Source: section 3.2 of the DVSNet paper, after Deep Feature Flow; `tools/flow_utils.py:warp` of the
original.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor


def warp(key_logits: Tensor, flow: Tensor) -> Tensor:
    """Warp [N, C, h, w] backwards by a flow [N, 2, h, w] (x, y) in pixels, bilinearly.

    Pixel p of the result is the key logits at p + flow(p), the coordinates clamped to the border.
    """
    height, width = flow.shape[-2:]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device)
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device).unsqueeze(1)
    x = (flow[:, 0] + columns) * (2.0 / max(width - 1, 1)) - 1.0
    y = (flow[:, 1] + rows) * (2.0 / max(height - 1, 1)) - 1.0
    return functional.grid_sample(
        key_logits,
        torch.stack((x, y), 3),
        mode="bilinear",
        padding_mode="border",
        align_corners=True,
    )
