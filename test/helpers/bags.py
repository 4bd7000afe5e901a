"""Bags for tests, written with rosbags: tiny images on topics."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

STORE = get_typestore(Stores.LATEST)
SECOND = 1_000_000_000
MCAP, SQLITE = StoragePlugin.MCAP, StoragePlugin.SQLITE3
IMAGE = "/camera/image_raw"
INFO = "/camera/camera_info"


def message(name: str, *fields: Any) -> Any:
    """A message of a type such as ``std_msgs/String``."""
    return STORE.types[name.replace("/", "/msg/")](*fields)


def header(stamp: int, frame_id: str = "front") -> Any:
    time = message("builtin_interfaces/Time", *divmod(stamp, SECOND))
    return message("std_msgs/Header", time, frame_id)


def raw(pixels: NDArray[np.uint8], stamp: int, encoding: str = "bgr8") -> Any:
    """An Image of uint8 [H, W, ...]."""
    height, width = pixels.shape[:2]
    step, data = pixels.nbytes // height, pixels.ravel()
    return message("sensor_msgs/Image", header(stamp), height, width, encoding, 0, step, data)


def compressed(pixels: NDArray[np.uint8], stamp: int, suffix: str = ".png") -> Any:
    """A CompressedImage of uint8 [H, W, 3]."""
    data = cv2.imencode(suffix, pixels)[1].ravel()
    return message("sensor_msgs/CompressedImage", header(stamp), suffix[1:], data)


def camera_info(stamp: int, width: int = 8, height: int = 6) -> Any:
    numbers = (np.arange(count, dtype=np.float64) for count in (5, 9, 9, 12))
    region = message("sensor_msgs/RegionOfInterest", 0, 0, 0, 0, False)
    return message(
        "sensor_msgs/CameraInfo", header(stamp), height, width, "plumb_bob", *numbers, 0, 0, region
    )


def text(words: str) -> Any:
    return message("std_msgs/String", words)


def level(value: int, size: tuple[int, int] = (6, 8)) -> NDArray[np.uint8]:
    """A picture of one grey, by which a frame is known."""
    return np.full((*size, 3), value, np.uint8)


def write_bag(
    path: Path,
    messages: Iterable[tuple[str, int, Any]],
    storage: StoragePlugin = MCAP,
    serialized: str = "sensor_msgs/msg/Image",
) -> Path:
    """Write (topic, time of reception in ns, message) to a bag.

    A message that is bytes is written as it is, as one of the type `serialized`.
    """
    with Writer(path, version=9, storage_plugin=storage) as writer:
        topics: dict[str, Any] = {}
        for topic, time, sent in messages:
            name = serialized if isinstance(sent, bytes) else sent.__msgtype__
            if topic not in topics:
                topics[topic] = writer.add_connection(topic, name, typestore=STORE)
            data = sent if isinstance(sent, bytes) else STORE.serialize_cdr(sent, name)
            writer.write(topics[topic], time, data)
    return path


def greys(count: int, topic: str = IMAGE, start: int = 7 * SECOND) -> list[tuple[str, int, Any]]:
    """Frames at 10 Hz, each a little brighter; received 3 ms after their stamps."""
    stamps = [start + index * SECOND // 10 for index in range(count)]
    return [
        (topic, stamp + 3_000_000, raw(level(10 * index % 256), stamp))
        for index, stamp in enumerate(stamps)
    ]


def storage_file(bag: Path) -> Path:
    """The file in a bag's folder that holds the messages."""
    return next(file for file in bag.iterdir() if file.suffix in (".mcap", ".db3"))
