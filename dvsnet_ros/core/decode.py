"""From logits to labels: per pixel the class and the value of the largest interpolated logit.

The definition (`goldens/README`, computation 9; `inference.py` of the original): resize the logits
to the region's size, bilinearly, then take the maximum over the classes. Written so, it touches
classes x height x width numbers a region. But where all four logits around a pixel have the same
largest class, so has every pixel between them, since bilinear interpolation is a convex
combination. So only the cells (the squares between neighbouring logits) whose corners disagree, a
tenth or so of a usual mask, are interpolated for every class; in the others one class is enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from dvsnet_ros.core.networks.resize import resize_bilinear


@dataclass(frozen=True)
class Labels:
    """Per pixel of a region, what its logits say.

    Attributes:
        classes: [H, W] uint8, the class of the largest logit, the first one on ties.
        values: [H, W] float32, that logit.
    """

    classes: Tensor
    values: Tensor


@dataclass(frozen=True)
class _Axis:
    """How `size` pixels lie in the cells between neighbouring logits along one axis.

    Attributes:
        weights: [cells, K], how far each pixel of a cell is from its first logit, 0-1; cells with
            fewer than K pixels repeat their last, and of cells without any nothing is used.
        pixels: [size], where a pixel is among the cells * K.
    """

    weights: Tensor
    pixels: Tensor


@lru_cache(maxsize=64)
def _axis(logits: int, size: int, device: torch.device) -> _Axis:
    positions = torch.arange(size, dtype=torch.float64) * logits / size
    cells = positions.long()
    firsts = torch.searchsorted(cells, torch.arange(logits))
    counts = torch.bincount(cells, minlength=logits)
    most = int(counts.max())
    within = torch.minimum(torch.arange(most), counts.unsqueeze(1) - 1)
    members = firsts.unsqueeze(1) + within
    weights = positions[members] - torch.arange(logits).unsqueeze(1)
    pixels = cells * most + torch.arange(size) - firsts[cells]
    return _Axis(weights.to(device, torch.float32), pixels.to(device))


def decode(logits: Tensor, height: int, width: int) -> Labels:
    """Labels [height, width] of one region from its logits [C, h, w], float32."""
    rows = _axis(logits.shape[1], height, logits.device)
    columns = _axis(logits.shape[2], width, logits.device)
    logits = logits.contiguous()  # with a class's beside each other in memory, the maximum is fast
    best, largest = logits.max(0)
    classes, values = _decode_uniform(largest, best, rows, columns)
    y, x = (_corners(largest) != largest).any(0).nonzero(as_tuple=True)
    if len(y):
        mixed = _interpolate(
            _corners_at(logits, y, x),
            rows.weights[y].unsqueeze(2),
            columns.weights[x].unsqueeze(1),
        )
        values.permute(0, 2, 1, 3)[y, x], winner = mixed.max(0)
        classes.permute(0, 2, 1, 3)[y, x] = winner.to(torch.uint8)
    return Labels(_to_pixels(classes, rows, columns), _to_pixels(values, rows, columns))


def _corners(grid: Tensor) -> Tensor:
    """[4, h, w] of a grid [h, w]: each point, its right, its lower, its lower right.

    Beyond the border stands the border, as the resize clamps there.
    """
    right = _next(grid, -1)
    return torch.stack((grid, right, _next(grid, -2), _next(right, -2)))


def _next(grid: Tensor, dim: int) -> Tensor:
    size = grid.shape[dim]
    return torch.cat((grid.narrow(dim, 1, size - 1), grid.narrow(dim, size - 1, 1)), dim)


def _corners_at(logits: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """The same of M points of logits [C, h, w], [4, C, M]."""
    below = (y + 1).clamp(max=logits.shape[1] - 1)
    right = (x + 1).clamp(max=logits.shape[2] - 1)
    return torch.stack([logits[:, down, across] for down in (y, below) for across in (x, right)])


def _interpolate(corners: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Corners [4, C, M] of M cells to pixels [C, M, K, L]; weights [M, K, 1] and [M, 1, L]."""
    top_left, top_right, bottom_left, bottom_right = corners[..., None, None]
    top = torch.lerp(top_left, top_right, right)
    return torch.lerp(top, torch.lerp(bottom_left, bottom_right, right), down)


def _decode_uniform(
    largest: Tensor, best: Tensor, rows: _Axis, columns: _Axis
) -> tuple[Tensor, Tensor]:
    """Classes and values [h, K, w, L], as if one class [h, w] were the largest all over a cell.

    Then its logits at the cell's corners are the best [h, w] there.
    """
    top_left, top_right, bottom_left, bottom_right = _corners(best)[..., None]
    top = torch.lerp(top_left, top_right, columns.weights).unsqueeze(1)
    bottom = torch.lerp(bottom_left, bottom_right, columns.weights).unsqueeze(1)
    values = torch.lerp(top, bottom, rows.weights[:, :, None, None])
    return largest.to(torch.uint8)[:, None, :, None].expand(values.shape).contiguous(), values


def _to_pixels(cells: Tensor, rows: _Axis, columns: _Axis) -> Tensor:
    """Pixels [H, W] of cells [h, K, w, L]."""
    height, most_rows, width, most_columns = cells.shape
    pixels = cells.reshape(height * most_rows, width * most_columns)
    # Either takes a fraction of the time that an index in brackets does.
    if len(rows.pixels) != pixels.shape[0]:
        pixels = pixels.index_select(0, rows.pixels)
    if len(columns.pixels) != pixels.shape[1]:
        pixels = pixels.gather(1, columns.pixels.expand(len(pixels), -1))
    return pixels


def confidence_of(logits: Tensor, labels: Labels) -> Tensor:
    """Softmax [H, W] (0-1) of the winning class among the interpolated logits of [C, h, w]."""
    height, width = labels.classes.shape
    interpolated = resize_bilinear(logits.unsqueeze(0), height, width).squeeze(0)
    return (interpolated - labels.values).exp_().sum(0).reciprocal_()
