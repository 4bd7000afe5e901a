"""Bags, read back by rosbags and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from rosbags.rosbag2 import Reader

from dvsnet_ros.drives.bag_types import typestore


class Received(NamedTuple):
    """A message of a bag.

    Attributes:
        topic: where it was received.
        stamp: when, in nanoseconds.
        data: as it is in the bag, CDR.
        message: decoded.
    """

    topic: str
    stamp: int
    data: bytes
    message: Any


def read_bag(path: Path) -> list[Received]:
    """All messages of a bag, in order."""
    with Reader(path) as reader:
        return [
            Received(
                connection.topic,
                stamp,
                bytes(data),
                typestore().deserialize_cdr(data, connection.msgtype),
            )
            for connection, stamp, data in reader.messages()
        ]


def topics(path: Path) -> dict[str, tuple[str, int]]:
    """Type and number of messages of each topic."""
    with Reader(path) as reader:
        return {each.topic: (each.msgtype, each.msgcount) for each in reader.connections}


def header_stamp(message: Any) -> int:
    """The stamp in a message's header, in nanoseconds."""
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Name and content of each file of a folder, or of a file."""
    if folder.is_file():
        return {folder.name: folder.read_bytes()}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
