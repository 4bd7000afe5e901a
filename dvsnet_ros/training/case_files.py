"""Testcases on disk: `X.npy` and `Y.npy`, as the original's `gentestcase.py` writes them.

`X.npy` holds what the decision network reads, float32 [N, 4, 8, channels]; `Y.npy` the scores,
float64 [N], 0-100.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dvsnet_ros.core.networks.decision import FEATURE_SIZE
from dvsnet_ros.training.data import DataError
from dvsnet_ros.training.state import check_settings, read_record, replace_text

FEATURES_FILE = "X.npy"
SCORES_FILE = "Y.npy"

_HEADER_BYTES = 128


class JoinedFeatures:
    """The features of several folders as one array [N, 4, 8, channels], left on disk until used.

    Raises:
        DataError: if they differ in channels.
    """

    def __init__(self, parts: Sequence[NDArray[np.floating[Any]]]) -> None:
        channels = sorted({part.shape[3] for part in parts})
        if len(channels) > 1:
            raise DataError(
                f"the testcases have {' and '.join(map(str, channels))} channels; make all with "
                "one flow network"
            )
        self._parts = parts
        self._starts = np.cumsum([0, *map(len, parts)])
        self.shape = (int(self._starts[-1]), *parts[0].shape[1:])

    def __getitem__(self, chosen: NDArray[np.int64] | slice) -> NDArray[np.float32]:
        """Some rows, in order."""
        rows = np.arange(self.shape[0])[chosen]
        features = np.empty((len(rows), *self.shape[1:]), np.float32)
        holders = np.searchsorted(self._starts, rows, side="right") - 1
        for holder in np.unique(holders):
            here = holders == holder
            features[here] = self._parts[holder][rows[here] - self._starts[holder]]
        return features


def load_cases(folders: Sequence[Path]) -> tuple[JoinedFeatures, NDArray[np.float64]]:
    """Features [N, 4, 8, channels] and scores [N] of all these folders.

    Raises:
        DataError: if a folder has none, or what it has are no testcases of the same kind.
    """
    loaded = [_load_folder(folder) for folder in folders]
    features = JoinedFeatures([part for part, _ in loaded])
    return features, np.concatenate([scores for _, scores in loaded])


def _load_folder(folder: Path) -> tuple[NDArray[np.floating[Any]], NDArray[np.float64]]:
    features = _load(folder / FEATURES_FILE, mmap_mode="r")
    scores = _load(folder / SCORES_FILE, mmap_mode=None)
    if features.ndim != 4 or features.shape[1:3] != FEATURE_SIZE or features.dtype.kind != "f":
        raise DataError(
            f"'{folder / FEATURES_FILE}' holds {features.dtype} {list(features.shape)}; testcases "
            f"are floats [N, {FEATURE_SIZE[0]}, {FEATURE_SIZE[1]}, channels]"
        )
    if scores.shape != features.shape[:1]:
        raise DataError(
            f"'{folder}' holds {len(features)} features and scores of shape "
            f"{list(scores.shape)}; they belong to different runs of gentestcase"
        )
    if not len(scores):
        raise DataError(f"'{folder}' holds no testcases; lower --clip, or take more frames")
    return features, np.asarray(scores, np.float64)


def _load(path: Path, mmap_mode: Any) -> NDArray[Any]:
    if not path.is_file():
        raise DataError(f"there is no '{path}'; dvsnet gentestcase makes testcases")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode=mmap_mode)
    except (ValueError, OSError, EOFError) as error:
        raise DataError(f"'{path}' can't be read as an array of numpy: {error}") from error
    return array


class CaseWriter:
    """Writes testcases, in a `with` block, and goes on where an earlier run stopped.

    Until `finish`, the cases lie in `X.npy.part` and `Y.npy.part`, and `testcases.json` says how
    many of them are whole. Memory does not grow with them.

    Args:
        folder: where; made if it is not there.
        channels: of the features.
        settings: everything that decides what the cases are (JSON values).
        resume: whether to go on with what the folder holds; a folder that holds nothing is begun.

    Attributes:
        steps: pairs of frames that are done.
        cases: testcases that they gave.
        finished: whether all was done before.

    Raises:
        ValueError: if the folder holds testcases already, and `resume` is false, or they are of
            other settings or fewer than were saved.
    """

    def __init__(
        self, folder: Path, channels: int, settings: dict[str, Any], *, resume: bool
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._progress = folder / "testcases.json"
        self._settings = settings
        self._features = _Array(folder / FEATURES_FILE, (*FEATURE_SIZE, channels), np.float32)
        self._scores = _Array(folder / SCORES_FILE, (), np.float64)
        if not resume and (self._progress.exists() or self._features.path.exists()):
            raise DataError(
                f"'{folder}' holds testcases; --resume goes on with them, or choose another folder"
            )
        self.steps, self.cases, self.finished = self._stand()
        if not self.finished:
            for array in (self._features, self._scores):
                array.require(self.cases)
            for array in (self._features, self._scores):
                array.open(self.cases)

    def _stand(self) -> tuple[int, int, bool]:
        if not self._progress.exists():
            return 0, 0, False
        progress = read_record(self._progress)
        what = f"'{self._progress.parent}' holds testcases"
        check_settings(what, progress["settings"], self._settings)
        return int(progress["steps"]), int(progress["cases"]), bool(progress["finished"])

    def __enter__(self) -> CaseWriter:
        return self

    def add(self, features: NDArray[np.float32], scores: NDArray[np.float64]) -> None:
        """Add the testcases [N, 4, 8, channels] and [N] of one more step."""
        self._features.append(features)
        self._scores.append(scores)
        self.steps += 1
        self.cases += len(scores)

    def save(self) -> None:
        """Make sure that a later run need not do again what was added so far."""
        for array in (self._features, self._scores):
            array.flush()
        self._write_progress(finished=False)

    def finish(self) -> None:
        """Make `X.npy` and `Y.npy` of what was added."""
        for array in (self._features, self._scores):
            array.finish(self.cases)
        self._write_progress(finished=True)

    def _write_progress(self, *, finished: bool) -> None:
        progress = {
            "settings": self._settings,
            "steps": self.steps,
            "cases": self.cases,
            "finished": finished,
        }
        replace_text(self._progress, json.dumps(progress))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for array in (self._features, self._scores):
            array.close()


class _Array:
    """A .npy file that grows: room is left for its header, which is written last."""

    def __init__(self, path: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._shape = shape
        self._dtype = np.dtype(dtype)
        self._file: BinaryIO | None = None

    def require(self, rows: int) -> None:
        """Check that this many rows are there, of which a power cut may cost some.

        Raises:
            DataError: if they are not.
        """
        file = next((file for file in (self.part, self.path) if file.exists()), None)
        if rows and (file is None or file.stat().st_size < self._size(rows)):
            raise DataError(
                f"'{file or self.part}' holds fewer than the {rows} testcases that were saved; "
                "choose another folder, or remove all that is in this one to begin anew"
            )

    def open(self, rows: int) -> None:
        """Open for adding after this many rows; what lies behind them is dropped."""
        if rows and not self.part.exists():
            self.path.replace(self.part)  # an earlier run was stopped while it finished
        self._file = self.part.open("r+b" if rows else "w+b")
        self._file.truncate(self._size(rows))
        self._file.seek(0, os.SEEK_END)

    def _size(self, rows: int) -> int:
        """Bytes of a file of this many rows."""
        return _HEADER_BYTES + rows * self._dtype.itemsize * int(np.prod(self._shape))

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows [n, *shape]."""
        assert self._file is not None
        self._file.write(np.ascontiguousarray(rows, self._dtype).tobytes())

    def flush(self) -> None:
        """Hand over to the system what was added."""
        assert self._file is not None
        self._file.flush()

    def finish(self, rows: int) -> None:
        """Write the header, for this many rows, and give the file its name."""
        assert self._file is not None
        self._file.seek(0)
        self._file.write(_header((rows, *self._shape), self._dtype))
        self.close()
        self.part.replace(self.path)

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """A header of the .npy format 1.0, always of the same length."""
    described = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    start = np.lib.format.magic(1, 0) + (_HEADER_BYTES - 10).to_bytes(2, "little")
    return start + repr(described).encode().ljust(_HEADER_BYTES - 11) + b"\n"
