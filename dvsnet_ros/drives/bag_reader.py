"""The seam to the library rosbags: what is in a bag, and every error of its as a DriveError.

Messages are read with the definitions of `bag_types`, whatever the bag says of them: those of
images and calibrations have been the same in all of ROS 2, and a bag may define any other type.
"""

from __future__ import annotations

import errno
import struct
import tempfile
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader, ReaderError
from rosbags.serde import SerdeError

from dvsnet_ros.drives.bag_types import typestore
from dvsnet_ros.drives.frame import NANOSECONDS, DriveError

RECOVERY: Final = (
    "if its recording was cut off, `ros2 bag reindex` or `mcap recover` may save what is there"
)
LONGEST_REASON: Final = 160

_STAMP_PLACE: Final = 4
"""Of a header's stamp in a serialized message; the bytes before say how it was serialized."""

_PACKED: Final = b"\x28\xb5\x2f\xfd"
"""How what zstd has packed begins, and no serialized message does."""

NOT_IN_SQLITE3: Final = "#?%"
"""What the path of an SQLite file must not hold: rosbags makes it part of a URI as it is, and would
open another file."""


class Topic(NamedTuple):
    """A topic of a bag: its name, the type of its messages, and how many the bag announces."""

    name: str
    type: str
    messages: int


class Record(NamedTuple):
    """A message as it lies in a bag: received at `time` (ns), of a type, serialized."""

    time: int
    type: str
    data: bytes

    def message(self) -> Any:
        """The message, with the fields of its ROS type.

        Raises:
            DriveError: the bytes are no such message.
        """
        with _no_other_errors(f"the message is no {self.type}"):
            return typestore().deserialize_cdr(self.data, self.type)

    def stamp(self) -> int:
        """The stamp in the header that the message begins with, in nanoseconds.

        Raises:
            DriveError: the bytes end before it.
        """
        if len(self.data) < _STAMP_PLACE + 8:
            raise DriveError(f"the message is no {self.type}: it has {len(self.data)} bytes")
        # The second byte says in which order those of numbers are.
        order = "<" if self.data[1] & 1 else ">"
        seconds, rest = struct.unpack_from(f"{order}iI", self.data, _STAMP_PLACE)
        return int(seconds * NANOSECONDS + rest)


class RawMessage(NamedTuple):
    """A message as it lies in a bag, received at `time` (ns), with all that the bag says of it."""

    connection: Connection
    time: int
    data: bytes


class Bag:
    """A bag that is open, see `opened`."""

    def __init__(self, path: Path, reader: Any) -> None:
        self._path = path
        self._reader = reader

    def topics(self) -> list[Topic]:
        """The bag's topics, by name; one with messages of two types is there twice.

        Raises:
            DriveError: what the bag says of them makes no sense.
        """
        counts: dict[tuple[str, str], int] = {}
        with _reading(self._path):
            for connection in self._reader.connections:
                key = str(connection.topic), str(connection.msgtype)
                counts[key] = counts.get(key, 0) + connection.msgcount
            topics = [Topic(*key, count) for key, count in sorted(counts.items())]
            size = _bytes_of(self._path)
        for topic in topics:
            if not (isinstance(topic.messages, int) and 0 <= topic.messages <= size):
                raise DriveError(
                    f"the bag {self._path} can't be read: it announces {topic.messages!r} messages "
                    f"on {topic.name}, and has {size} bytes"
                )
        return topics

    def records(
        self, topic: str, types: Collection[str], start: int | None = None, stop: int | None = None
    ) -> Iterator[Record]:
        """A topic's messages of these types, received from `start` to before `stop` (ns), in order.

        Raises:
            DriveError: the bag is broken here.
        """
        for message in self.messages(topic, types, start, stop):
            yield Record(message.time, message.connection.msgtype, message.data)

    def messages(
        self, topic: str, types: Collection[str], start: int | None = None, stop: int | None = None
    ) -> Iterator[RawMessage]:
        """The same, with all that the bag says of each; see `records`."""
        connections = [
            connection
            for connection in self._reader.connections
            if connection.topic == topic and connection.msgtype in types
        ]
        if not connections:  # for which rosbags would give every topic's messages
            return
        yield from self._messages(connections, start, stop)

    def everything(self) -> Iterator[RawMessage]:
        """The messages of all topics, in order.

        Raises:
            DriveError: the bag is broken here.
        """
        return self._messages([], None, None)

    def _messages(
        self, connections: list[Connection], start: int | None, stop: int | None
    ) -> Iterator[RawMessage]:
        """The messages of these connections, of all where none is given."""
        messages = self._reader.messages(connections, start, stop)
        while True:
            with _reading(self._path):
                found = next(messages, None)
                if found is None:
                    return
                message = RawMessage(found[0], int(found[1]), bytes(found[2]))
            if message.data.startswith(_PACKED):
                raise DriveError(
                    f"the messages of {self._path} are packed one by one, as only the bag's "
                    "metadata.yaml says; give the folder that holds both"
                )
            yield message

    def span(self, topic: str, types: Collection[str]) -> tuple[int, int] | None:
        """When a topic's first and last message were received (ns); None where it has none.

        Raises:
            DriveError: the bag is broken.
        """
        first = next(self.records(topic, types), None)
        if first is None:
            return None
        with _reading(self._path):
            end = max(first.time + 1, int(self._reader.end_time))
        # rosbags reads forwards only, so the end is looked for in ever longer stretches before it.
        window = NANOSECONDS
        while True:
            start = max(first.time, end - window)
            last = max((record.time for record in self.records(topic, types, start)), default=None)
            if last is not None or start == first.time:
                return first.time, first.time if last is None else last
            window *= 4


@contextmanager
def opened(path: Path) -> Iterator[Bag]:
    """Open a bag: a folder with a metadata.yaml, an .mcap or a .db3 file.

    Raises:
        DriveError: it can't be read.
    """
    for file in path.glob("*.db3") if path.is_dir() else (path,):
        if file.suffix == ".db3":
            check_sqlite3(file, "rename what is called so")
    with _reading(path):
        reader = Reader(path)
        reader.open()
    try:
        yield Bag(path, reader)
    finally:
        with _reading(path):
            reader.close()


def check_sqlite3(path: Path, advice: str) -> None:
    """Check that a bag of sqlite3 can lie at this path.

    Raises:
        DriveError: it can't; the sentence ends with the advice.
    """
    path = path.absolute()
    sign = next((sign for sign in str(path) if sign in NOT_IN_SQLITE3), None)
    if sign is not None:
        raise DriveError(f"a bag of sqlite3 can't have a '{sign}' in its path, as {path}; {advice}")


def _bytes_of(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in files)


def _reading(path: Path) -> AbstractContextManager[None]:
    return _no_other_errors(f"the bag {path} can't be read", f"; {RECOVERY}")


@contextmanager
def _no_other_errors(what: str, advice: str = "") -> Iterator[None]:
    """Turn what rosbags raises into a DriveError that begins with `what`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):  # a packed bag is unpacked
            reason += f" in {tempfile.gettempdir()}, where it is unpacked; TMPDIR can name another"
        raise DriveError(f"{what}: {reason}") from error
    # On broken bags rosbags raises, beside its own errors, whatever it stumbles over: 20,000
    # mutated ones gave UnicodeDecodeError, MemoryError, EOFError, OverflowError,
    # RuntimeError, KeyError, TypeError, struct.error, and errors of zstd and SQLite.
    except Exception as error:
        raise DriveError(f"{what}: {_reason(error)}{advice}") from error


def _reason(error: Exception) -> str:
    if not isinstance(error, (ReaderError, SerdeError)):
        return f"it is damaged ({type(error).__name__})"
    words = " ".join(str(error).split()).rstrip(".")
    return words if len(words) <= LONGEST_REASON else f"{words[:LONGEST_REASON]}…"
