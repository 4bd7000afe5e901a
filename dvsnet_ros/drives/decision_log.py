"""decisions.csv: the path of every region of every frame."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType

COLUMNS = ("frame", "region", "path", "expected_confidence", "target")


class DecisionLog:
    """Writes decisions.csv, a row a region, in a `with` block.

    The file appears under its name when the block ends without an error.

    Args:
        path: the file to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")

    def __enter__(self) -> DecisionLog:
        self._file = self._part.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(COLUMNS)
        return self

    def add(
        self, frame: int, region: int, path: str, expected_confidence: float, target: float
    ) -> None:
        """Add a row.

        Args:
            frame: its index in the drive.
            region: its index in the grid.
            path: `segmentation` or `flow`.
            expected_confidence: 0-100; NaN where there is none.
            target: 0-100, what that was compared with.
        """
        self._writer.writerow((frame, region, path, f"{expected_confidence:.4f}", f"{target:.6g}"))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._file.close()  # which writes what is left, and may find the disk full
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)
