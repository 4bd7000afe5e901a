"""A small labelled drive, and a report of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dvsnet_ros.commands.report import run
from dvsnet_ros.core.checkpoint import save_checkpoint, untrained_checkpoint
from helpers.drives import drifting_frames

SETTINGS = [
    "--overlap", "16", "--device", "cpu", "--precision", "float32",
    "--targets", "0", "87.36", "87.4", "87.44", "100", "--intervals", "1", "2", "4",
    "--shown", "3",
]  # fmt: skip


def write_drive(folder: Path, count: int = 8) -> Path:
    """A drive `town` with labels, and a checkpoint `tiny.safetensors`; returns the folder."""
    save_checkpoint(folder / "tiny.safetensors", untrained_checkpoint())
    random = np.random.default_rng(0)
    for name in ("town", "town_labels"):
        (folder / name).mkdir()
    for index, image in enumerate(drifting_frames(count)):
        labels = random.integers(0, 12, image.shape[:2], np.uint8)
        cv2.imwrite(str(folder / "town" / f"{index}.png"), image)
        cv2.imwrite(str(folder / "town_labels" / f"{index}.png"), labels)
    return folder


def make_report(folder: Path, out: Path, *more: str) -> Path:
    """The report of that drive; `more` flags."""
    checkpoint = ["--restore-from", str(folder / "tiny.safetensors")]
    assert run([str(folder / "town"), str(out), *checkpoint, *SETTINGS, *more]) == 0
    return out
