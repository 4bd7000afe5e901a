"""Segmentations on disk: all that the video segmenter says of a stretch of a drive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation

_DECISION = np.dtype(
    [
        ("path", np.uint8),
        ("expected_confidence", np.float64),
        ("target", np.float64),
        ("key_stamp", np.int64),
        ("key_age", np.int64),
    ]
)


class Stamped(NamedTuple):
    """A frame's segmentation and stamp, in nanoseconds."""

    stamp: int
    segmentation: Segmentation


def save_segmentations(path: Path, stretch: Sequence[Stamped]) -> None:
    """Write segmentations at the processing size, as they come from the video segmenter.

    Raises:
        OSError: the file can't be written.
    """
    arrays: dict[str, NDArray[Any]] = {"stamps": np.array([each.stamp for each in stretch])}
    for index, (_, segmentation) in enumerate(stretch):
        grid = segmentation.grid
        arrays[f"mask{index}"] = segmentation.mask
        arrays[f"grid{index}"] = np.array(
            [grid.height, grid.width, grid.rows, grid.columns, grid.overlap]
        )
        arrays[f"decisions{index}"] = np.array(
            [
                tuple(getattr(decision, name) for name in _DECISION.names or ())
                for decision in segmentation.decisions
            ],
            _DECISION,
        )
        if segmentation.confidence is not None:
            arrays[f"confidence{index}"] = segmentation.confidence
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # not allow_pickle


def load_segmentations(path: Path) -> Iterator[Stamped]:
    """Read what `save_segmentations` wrote, one by one, without timings and reset reasons.

    Raises:
        OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error: the
            file is missing or damaged.
    """
    with np.load(path) as file:
        for index, stamp in enumerate(file["stamps"].tolist()):
            grid = RegionGrid(*file[f"grid{index}"].tolist())
            decisions = tuple(
                RegionDecision(region, RegionPath(path), *rest)
                for region, (path, *rest) in zip(
                    grid.regions, file[f"decisions{index}"].tolist(), strict=True
                )
            )
            confidence = file.get(f"confidence{index}")
            yield Stamped(
                stamp,
                Segmentation(file[f"mask{index}"], confidence, decisions, grid, {}, None),
            )
