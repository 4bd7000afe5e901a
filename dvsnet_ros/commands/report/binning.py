"""Long drives, short series: what a chart can't show is averaged before it is drawn."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

MOST_BINS = 480


def bin_edges(count: int) -> NDArray[np.intp]:
    """Where to cut a series of `count` values into at most MOST_BINS parts, [bins + 1]."""
    bins = min(count, MOST_BINS)
    edges: NDArray[np.intp] = np.arange(bins + 1) * count // bins
    return edges


def binned(values: NDArray[np.float64], edges: NDArray[np.intp]) -> NDArray[np.float64]:
    """Mean of each part of a series [F] or [F, K], without what is NaN; NaN where all is."""
    parts = np.split(values, edges[1:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a part that is all NaN
        return np.array([np.nanmean(part, axis=0) for part in parts])
