"""Where segmentations go: a folder of PNGs and a decisions.csv."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.drives.decision_log import DecisionLog
from dvsnet_ros.drives.whole import explained

_NAME: Final = re.compile(r"(ids|mask)\d{6,}\.png|(decisions)\.csv")


class MaskFolder:
    """Writes segmentations to a folder, in a `with` block, under their frames' numbers.

    Each mask is there when it is whole, decisions.csv when the block ends without an error.

    Args:
        folder: must be there.
        ids: whether to write class ids, as `ids000000.png` and so on, one byte a pixel.
        colors: if given, masks in these colours too, as `mask000000.png` and so on.
        out: what errors call the folder, by default as it is called.

    Raises:
        OSError: the folder can't be written to; all methods raise it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        ids: bool = True,
        colors: LabelSet | None = None,
        out: Path | None = None,
    ) -> None:
        self._folder = folder
        self._ids = ids
        self._colors = colors
        self._out = out or folder
        self._log = DecisionLog(folder / "decisions.csv")

    def __enter__(self) -> MaskFolder:
        with explained(self._out):
            self._log.__enter__()
        return self

    def write(self, index: int, segmentation: Segmentation) -> None:
        """Add the segmentation of the drive's frame of this index, at the size that it has."""
        with explained(self._out):
            if self._colors is not None:
                colored = self._colors.colorize(segmentation.mask)
                _write_png(self._folder / f"mask{index:06}.png", colored)
            if self._ids:
                _write_png(self._folder / f"ids{index:06}.png", segmentation.mask)
            for region, decision in enumerate(segmentation.decisions):
                score, target = decision.expected_confidence, decision.target
                self._log.add(index, region, decision.path.label, score, target)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with explained(self._out):
            self._log.__exit__(kind, error, trace)


def kinds_in(folder: Path) -> set[str]:
    """Of the files in a folder that are called as a MaskFolder's: `ids`, `mask`, `decisions`.

    Raises:
        OSError: the folder can't be read.
    """
    matches = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return {match[1] or match[2] for match in matches if match}


def _write_png(path: Path, image: NDArray[np.uint8]) -> None:
    # Not cv2.imwrite, which does not say why it failed.
    _, data = cv2.imencode(".png", image)
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data.tobytes())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
