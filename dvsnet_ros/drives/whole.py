"""Outputs that appear under their name when they are whole, or not at all."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def check_new(out: Path) -> None:
    """Check that something new can be made under this name.

    Raises:
        OSError: something has the name already, or there is no folder to put it in.
    """
    if os.path.lexists(out):  # a link to nothing, too
        raise FileExistsError(f"'{out}' is there already; choose another name, or remove it")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"there is no folder '{out.parent}' to put '{out.name}' in")


def check_folder(out: Path) -> None:
    """Check that there is a folder of this name to write to, or that it can be made.

    Raises:
        OSError: a file or a link to nothing is in the way, or nobody may write there.
    """
    there = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not there.exists():
        raise FileNotFoundError(f"'{there}' is a link to what is not there; give a folder")
    if not there.is_dir():
        raise NotADirectoryError(f"'{there}' is a file; give a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"no permission to write to the folder '{there}'")


@contextmanager
def appears_whole(out: Path, beside: Path | None = None) -> Iterator[Path]:
    """Yield a path of the same name to write to, and move it to `out` when the block ends.

    If the block ends with an error, nothing is left behind.

    Args:
        out: the file or folder to make.
        beside: the folder to write in, which must be on the same disk; by default out's own.

    Raises:
        OSError: it can't be written; the sentence says why.
    """
    check_new(out)
    with explained(out):
        folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=beside or out.parent))
    try:
        yield folder / out.name
        with explained(out):
            (folder / out.name).rename(out)
    finally:
        shutil.rmtree(folder)


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn errors of writing into an OSError whose text is a sentence about `out`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"'{out}' can't be written: {reason}") from error
    except sqlite3.Error as error:
        raise OSError(f"'{out}' can't be written: {error}") from error
