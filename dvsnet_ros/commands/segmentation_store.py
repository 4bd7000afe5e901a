"""The segmentations of a drive on disk, until all are there: so that a long run can be resumed."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError

from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.segmentation_file import Stamped, load_segmentations, save_segmentations
from dvsnet_ros.core.segmenter_state import SegmenterState, load_state, save_state
from dvsnet_ros.core.sentences import one_line
from dvsnet_ros.drives.whole import explained
from dvsnet_ros.training.state import check_settings, replace_text

MOST_FRAMES: Final = 32
MOST_BYTES: Final = 2**25
"""Limits of what waits in memory to be saved."""

PROGRESS: Final = "progress.json"

DAMAGED: Final = (
    OSError, ValueError, LookupError, TypeError, RuntimeError, EOFError, SafetensorError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What reading files raises that are cut short, or changed."""


class StoreError(ValueError):
    """A store that can't be used; the message says why, and what to do."""


class SegmentationStore:
    """Segmentations in stretches, each a file, and the video segmenter's state after the last one.

    Memory does not grow with the drive. `progress.json` says how many stretches are whole; it is
    replaced in one go, so that a kill at any moment costs only what was not yet saved.

    Args:
        folder: where, to be made.
        settings: everything that decides what the segmentations are (JSON values).
        resume: whether to go on with what the folder holds; a folder that holds nothing is begun.

    Attributes:
        frames: how many are saved.
        skipped: places, among the frames that can be read, of those that can't be segmented.
        finished: whether those are all.
        state: of the video segmenter after them; None where there are none.

    Raises:
        StoreError: the folder holds segmentations already, and `resume` is false; or what it holds
            is damaged.
        ValueError: it holds segmentations of other settings.
        OSError: the folder can't be written to; other methods raise it too.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], *, resume: bool) -> None:
        self.folder = folder
        self._settings = settings
        self.frames, self.finished, self._stretches = 0, False, 0
        self.skipped: list[int] = []
        self.state: SegmenterState | None = None
        self._waiting: list[Stamped] = []
        if is_store(folder):
            if not resume:
                raise StoreError(
                    f"'{folder}' holds an interrupted run; --resume goes on with it, or remove it"
                )
            self._open()
        elif folder.exists():
            raise StoreError(f"'{folder}' is in the way of what is to be written there; remove it")
        else:
            with explained(folder):
                folder.mkdir()
                self._write_progress()

    def _open(self) -> None:
        with _undamaged(self.folder):
            progress = json.loads((self.folder / PROGRESS).read_text(encoding="utf-8"))
            settings = progress["settings"]
            self.frames, self.finished = progress["frames"], progress["finished"]
            self._stretches, self.skipped = progress["stretches"], progress["skipped"]
            if self._stretches:
                self.state = load_state(self._state_file())
        check_settings(f"'{self.folder}' holds a run", settings, self._settings, "remove it")

    @property
    def place(self) -> int:
        """Of the next frame, among those that can be read."""
        return self.frames + len(self._waiting) + len(self.skipped)

    @property
    def is_full(self) -> bool:
        """Whether it is time to save."""
        size = sum(each.segmentation.mask.nbytes for each in self._waiting)
        return len(self._waiting) >= MOST_FRAMES or size >= MOST_BYTES

    def add(self, stamp: int, segmentation: Segmentation) -> None:
        """Add the next frame's, at the processing size; it waits to be saved."""
        self._waiting.append(Stamped(stamp, segmentation))

    def skip(self) -> None:
        """Note that the next frame can't be segmented; saved with the next one that can."""
        self.skipped.append(self.place)

    def save(self, state: SegmenterState, *, finished: bool = False) -> None:
        """Save what waits, and the video segmenter's state after it."""
        if not (self._waiting or finished):  # the state saved last is not that of frames skipped
            return
        with explained(self.folder):
            before = self._state_file()
            if self._waiting:
                save_segmentations(self._stretch_file(self._stretches), self._waiting)
                self._stretches += 1
                save_state(self._state_file(), state)
            self.frames += len(self._waiting)
            self._waiting = []
            self.finished = finished
            self._write_progress()
            if before != self._state_file():
                before.unlink(missing_ok=True)

    def _write_progress(self) -> None:
        progress = {
            "settings": self._settings,
            "frames": self.frames,
            "skipped": self.skipped,
            "stretches": self._stretches,
            "finished": self.finished,
        }
        replace_text(self.folder / PROGRESS, json.dumps(progress))

    def __iter__(self) -> Iterator[Stamped]:
        """What is saved, frame by frame."""
        for number in range(self._stretches):
            with _undamaged(self.folder):
                yield from load_segmentations(self._stretch_file(number))

    def scratch(self) -> Path:
        """An empty folder in the store, for what is made of it."""
        folder = self.folder / "scratch"
        with explained(self.folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        return folder

    def close(self) -> None:
        """Keep what is saved; where nothing is, leave nothing."""
        if not self.frames:
            self.remove()

    def remove(self) -> None:
        """Remove it from the disk."""
        shutil.rmtree(self.folder)

    def _stretch_file(self, number: int) -> Path:
        return self.folder / f"stretch{number:06}.npz"

    def _state_file(self) -> Path:
        return self.folder / f"state{self._stretches:06}.safetensors"


@contextmanager
def _undamaged(folder: Path) -> Iterator[None]:
    """Turn what is raised on reading damaged files into a StoreError."""
    try:
        yield
    except DAMAGED as error:
        raise StoreError(
            f"what '{folder}' holds of an interrupted run is damaged ({one_line(error)}); remove it"
        ) from error


def is_store(folder: Path) -> bool:
    """Whether a folder holds something that can be gone on with."""
    return (folder / PROGRESS).is_file()
