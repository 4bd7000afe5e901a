"""A package that is installed beside this one, as pip would leave it."""

from __future__ import annotations

from pathlib import Path

import pytest


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str, entry_points: str
) -> None:
    """Put a package of one module into a folder of its own, for this process and its children.

    Args:
        folder: where to make it.
        monkeypatch: takes it away again.
        name: of the package and its module.
        source: the module's.
        entry_points: the lines of its `entry_points.txt`.
    """
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")
