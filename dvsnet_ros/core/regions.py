"""Regions: how a frame is split, with overlap, into parts that take a path each.

Source: section 3.1 of the DVSNet paper; `tools/overlap.py` and `tools/image_reader.py` of the
original, whose 2x2 split this generalises.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

OVERLAP_STEP = 8
"""The overlap must be divisible by this, because logits are warped on a grid of 1/8."""


@dataclass(frozen=True)
class Region:
    """One rectangle of a frame, in pixels, and its place in the grid."""

    row: int
    column: int
    y: int
    x: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of this region in an array [H, W, ...]."""
        return slice(self.y, self.y + self.height), slice(self.x, self.x + self.width)

    def scaled(self, vertical: float, horizontal: float) -> Region:
        """The same region in a frame that is larger by these factors, rounded to pixels."""
        top, left = round(self.y * vertical), round(self.x * horizontal)
        bottom = round((self.y + self.height) * vertical)
        right = round((self.x + self.width) * horizontal)
        return Region(self.row, self.column, top, left, bottom - top, right - left)


@dataclass(frozen=True)
class RegionGrid:
    """Splits a frame of `height` x `width` pixels into `rows` x `columns` equal regions.

    Every region is as large as a cell of the grid (rounded up) plus `overlap` pixels, so that all
    can be computed as one batch. The outer ones are flush with the frame's border and the others
    are spread evenly between them. In the original's 2x2 grid, each region thus reaches `overlap`
    pixels into its neighbours.

    Raises:
        ValueError: if grid, overlap and size can't work together; the sentence says what would.
    """

    height: int
    width: int
    rows: int = 2
    columns: int = 2
    overlap: int = 64

    def __post_init__(self) -> None:
        check_overlap(self.overlap)
        for name, cells, size in (
            ("row", self.rows, self.height),
            ("column", self.columns, self.width),
        ):
            if cells < 1:
                raise ValueError(f"the grid has {cells} {name}s; it needs at least 1")
            _check_axis(name, cells, size, self.overlap)

    @property
    def region_height(self) -> int:
        """Height of every region, in pixels."""
        return _region_size(self.rows, self.height, self.overlap)

    @property
    def region_width(self) -> int:
        """Width of every region, in pixels."""
        return _region_size(self.columns, self.width, self.overlap)

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """All regions, row by row from the top left."""
        height, width = self.region_height, self.region_width
        return tuple(
            Region(row, column, y, x, height, width)
            for row, y in enumerate(_starts(self.rows, self.height, height))
            for column, x in enumerate(_starts(self.columns, self.width, width))
        )


@dataclass(frozen=True)
class RegionLayout:
    """How the frames of a drive are split, whatever their size.

    Attributes:
        height, width: processing size in pixels; 0 and 0 are each frame's own.
        rows, columns: of regions.
        overlap: see RegionGrid.

    Raises:
        ValueError: if these can't work together; the sentence says what would.
    """

    height: int = 0
    width: int = 0
    rows: int = 2
    columns: int = 2
    overlap: int = 64

    def __post_init__(self) -> None:
        check_overlap(self.overlap)
        if (self.height == 0) != (self.width == 0) or self.height < 0 or self.width < 0:
            raise ValueError(
                f"the processing size is {self.height}x{self.width} (height x width); give both, "
                "or 0 and 0 for each frame's own size"
            )
        if self.height:
            self.grid(self.height, self.width)

    def grid(self, height: int, width: int) -> RegionGrid:
        """The regions of a frame of this size, in pixels.

        Raises:
            ValueError: if it can't be split so; see RegionGrid.
        """
        size = (self.height, self.width) if self.height else (height, width)
        return RegionGrid(*size, self.rows, self.columns, self.overlap)


def check_overlap(overlap: int) -> None:
    """Check what can be said of an overlap before the frame's size is known.

    Raises:
        ValueError: if it is negative or not divisible by 8; the sentence names the next that are.
    """
    if overlap < 0 or overlap % OVERLAP_STEP:
        below = max(0, overlap // OVERLAP_STEP * OVERLAP_STEP)
        raise ValueError(
            f"the overlap is {overlap}; it must be divisible by {OVERLAP_STEP}, for instance "
            f"{below} or {below + OVERLAP_STEP}"
        )


def _check_axis(name: str, cells: int, size: int, overlap: int) -> None:
    side = "height" if name == "row" else "width"
    smallest = 2 * OVERLAP_STEP
    if -(-size // cells) < smallest:
        raise ValueError(
            f"{cells} {name}s on a {side} of {size} pixels give regions under {smallest} pixels; "
            f"use at most {max(1, size // smallest)} {name}s or a {side} of at least "
            f"{smallest * cells}"
        )
    largest = size - -(-size // cells)
    if cells > 1 and overlap > largest:
        fits = largest // OVERLAP_STEP * OVERLAP_STEP
        raise ValueError(
            f"an overlap of {overlap} makes regions larger than the {side} of {size} pixels that "
            f"{cells} {name}s share; use an overlap of at most {fits}, or a {side} of at least "
            f"{-(-overlap * cells // (cells - 1))}"
        )


def _region_size(cells: int, size: int, overlap: int) -> int:
    return size if cells == 1 else -(-size // cells) + overlap


def _starts(cells: int, size: int, region_size: int) -> list[int]:
    if cells == 1:
        return [0]
    return [round(index * (size - region_size) / (cells - 1)) for index in range(cells)]
