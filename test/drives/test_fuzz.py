"""Garbage in bags and images ends in a DriveError or in fewer frames, never in anything else.

``DVSNET_FUZZ`` asks for another number of mutations of each kind than the few that always run.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin

from dvsnet_ros.drives import DriveError, drive
from helpers.bags import (
    IMAGE,
    INFO,
    MCAP,
    SECOND,
    SQLITE,
    camera_info,
    compressed,
    greys,
    level,
    storage_file,
    write_bag,
)

MUTATIONS = int(os.environ.get("DVSNET_FUZZ", "250"))
EXTREMES = (b"\0", b"\x7f", b"\x80", b"\xff")
COMPRESSED = f"{IMAGE}/compressed"


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The data with one to four places changed, cut, put in, taken out or copied elsewhere."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(changed) + 1)
        length = dice.choice((1, 1, 2, 4, 8, 40))
        new = dice.choice(
            (
                dice.randbytes(length),
                dice.choice(EXTREMES) * length,
                bytes(changed[(other := dice.randrange(len(changed) + 1)) : other + length]),
            )
        )
        kind = dice.random()
        if kind < 0.6:
            changed[place : place + length] = new
        elif kind < 0.75:
            changed[place:place] = new
        elif kind < 0.9:
            del changed[place : place + length]
        else:
            del changed[place:]
    return bytes(changed)


def outcome(source: str | Path) -> str:
    """What becomes of a drive: read, read in part, or refused in one line."""
    try:
        opened = drive(source)
        count = len(list(opened))
        opened[len(opened) - 1]
    except DriveError as error:
        sentence = str(error)
    else:
        return "read" if count == len(opened) else "read in part"
    assert sentence
    assert "\n" not in sentence
    return "refused"


def outcomes(file: Path, sources: list[str | Path], seed: int) -> Counter[str]:
    """What becomes of the sources while a file of theirs is mutated."""
    dice = random.Random(seed)
    whole = file.read_bytes()
    found: Counter[str] = Counter()
    for number in range(MUTATIONS):
        file.write_bytes(mutated(whole, dice))
        found[outcome(sources[number % len(sources)])] += 1
    file.write_bytes(whole)
    return found


@pytest.fixture(params=[MCAP, SQLITE])
def bag(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    images = [compressed(level(9), index, suffix) for index, suffix in enumerate((".png", ".jpg"))]
    sent = [(COMPRESSED, 7 * SECOND, image) for image in images]
    storage: StoragePlugin = request.param
    return write_bag(tmp_path / "town", [(INFO, 0, camera_info(0)), *sent, *greys(3)], storage)


def test_the_storage_of_bags(bag: Path) -> None:
    file = storage_file(bag)
    sources = [f"{place}?topic={topic}" for place in (bag, file) for topic in (IMAGE, COMPRESSED)]
    found = outcomes(file, list(sources), seed=1)
    assert found["refused"] > MUTATIONS / 5
    assert found["read"] > MUTATIONS / 50


def test_the_metadata_of_bags(bag: Path) -> None:
    found = outcomes(bag / "metadata.yaml", [f"{bag}?topic={IMAGE}"], seed=2)
    assert found["refused"] > MUTATIONS / 5
    assert found["read"] > MUTATIONS / 50


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_images(tmp_path: Path, suffix: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    for name in ("0", "1"):
        cv2.imwrite(str(tmp_path / f"{name}{suffix}"), picture)
    found = outcomes(tmp_path / f"1{suffix}", [tmp_path], seed=3)
    assert found["refused"] + found["read in part"] > MUTATIONS / 20


def test_stamps_and_calibrations_of_kitti(tmp_path: Path) -> None:
    camera = tmp_path / "2011_09_26_drive_0001_sync" / "image_02"
    (camera / "data").mkdir(parents=True)
    cv2.imwrite(str(camera / "data" / "0.png"), level(3))
    stamps, calibration = camera / "timestamps.txt", tmp_path / "calib_cam_to_cam.txt"
    stamps.write_text("2011-09-26 13:02:25.964389445\n")
    calibration.write_text("S_rect_02: 8 6\nP_rect_02: 1 0 4 0 0 1 3 0 0 0 1 0\n")
    assert outcomes(stamps, [camera], seed=4)["refused"] > MUTATIONS / 5
    assert outcomes(calibration, [camera], seed=5)["read"] == MUTATIONS


def test_lists(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), level(3))
    file = tmp_path / "drive.txt"
    cv2.imwrite(str(tmp_path / "b.png"), level(3)[..., 0])
    file.write_text("a.png\n/a.png b.png\n" * 3)
    assert outcomes(file, [file], seed=6)["refused"] > MUTATIONS / 20


def test_videos(tmp_path: Path) -> None:
    file = tmp_path / "ride.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (32, 24))
    for index in range(3):
        writer.write(level(40 * index, (24, 32)))
    writer.release()
    assert sum(outcomes(file, [file], seed=7).values()) == MUTATIONS
