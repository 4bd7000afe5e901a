"""Where frames go: a rosbag2 bag."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinitionFormat,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer

from dvsnet_ros.drives.bag_reader import check_sqlite3
from dvsnet_ros.drives.bag_types import typestore
from dvsnet_ros.drives.whole import appears_whole, explained

STORAGES: Final = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}

METADATA_VERSION: Final = 8
"""Of metadata.yaml: the last one that ROS 2 Humble reads too."""

_NO_TIME: Final = QosTime(0, 0)
LATCHED: Final = Qos(
    QosHistory.KEEP_LAST,
    1,
    QosReliability.RELIABLE,
    QosDurability.TRANSIENT_LOCAL,
    _NO_TIME,
    _NO_TIME,
    QosLiveliness.SYSTEM_DEFAULT,
    _NO_TIME,
    avoid_ros_namespace_conventions=False,
)
"""QoS of a topic whose last message is for late subscribers too."""

NO_HASH: Final = f"RIHS01_{0:064}"
"""Of types that are not known."""


class BagWriter:
    """Writes messages to a bag, in a `with` block; memory does not grow with their number.

    The same messages give the same bytes: nothing in a bag tells when it was written.

    Args:
        folder: the bag's folder, to be made.
        storage: `mcap` or `sqlite3`.
        out: what errors call the bag, the folder by default.

    Raises:
        DriveError: no bag of this storage can lie there.
        OSError: the bag can't be written; all methods raise it.
    """

    def __init__(self, folder: Path, storage: str = "mcap", out: Path | None = None) -> None:
        _check_path(folder, storage)
        self._out = out or folder
        self._writer = Writer(folder, version=METADATA_VERSION, storage_plugin=STORAGES[storage])
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        with explained(self._out):
            self._writer.open()
        return self

    def write(self, topic: str, message: Any, stamp: int, *, latched: bool = False) -> None:
        """Add a message of `bag_types`, received at this stamp, in nanoseconds."""
        store, type_name = typestore(), message.__msgtype__
        with explained(self._out):
            if topic not in self._connections:
                self._connections[topic] = self._writer.add_connection(
                    topic,
                    type_name,
                    typestore=store,
                    offered_qos_profiles=[LATCHED] if latched else [],
                )
            data = store.serialize_cdr(message, type_name)
            self._writer.write(self._connections[topic], stamp, data)

    def copy(self, connection: Connection, stamp: int, data: bytes) -> None:
        """Add a message of another bag as it is, received at this stamp, in nanoseconds."""
        with explained(self._out):
            self._writer.write(self._copied(connection), stamp, data)

    def _copied(self, connection: Connection) -> Connection:
        """The connection here of the same topic, type and QoS."""
        extension = connection.ext
        assert isinstance(extension, ConnectionExtRosbag2)
        for own in self._writer.connections:
            if (own.topic, own.msgtype, own.ext) == (
                connection.topic,
                connection.msgtype,
                extension,
            ):
                return own
        definition, digest = _definition(connection)
        return self._writer.add_connection(
            connection.topic,
            connection.msgtype,
            msgdef=definition,
            rihs01=digest,
            serialization_format=extension.serialization_format,
            offered_qos_profiles=extension.offered_qos_profiles,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with explained(self._out):
            self._writer.__exit__(kind, error, trace)


def _definition(connection: Connection) -> tuple[str, str]:
    """A type's definition and hash: what its bag says, or ROS 2 Jazzy; empty where neither does."""
    store, name = typestore(), connection.msgtype
    is_known = name in store.fielddefs
    definition, digest = connection.msgdef.data, connection.digest
    if connection.msgdef.format is MessageDefinitionFormat.NONE:
        definition = store.generate_msgdef(name, ros_version=2)[0] if is_known else ""
    if not digest:
        digest = store.hash_rihs01(name) if is_known else NO_HASH
    return definition, digest


@contextmanager
def new_bag(out: Path, storage: str = "mcap", beside: Path | None = None) -> Iterator[BagWriter]:
    """A bag that appears under its name when the block ends without an error.

    Args:
        out: the bag's folder; or, if its suffix is `.mcap`, the one file of a bag without
            metadata.yaml.
        storage: `mcap` or `sqlite3`; a `.mcap` is `mcap`.
        beside: the folder to write in until it is whole, see `appears_whole`.

    Raises:
        DriveError: no bag of this storage can have this name.
        OSError: the bag can't be written, or something has its name already.
    """
    with appears_whole(out, beside) as path:
        folder = path.with_suffix("") if is_single_file(out) else path
        with BagWriter(folder, storage, out) as bag:
            yield bag
        if is_single_file(out):
            (folder / f"{folder.name}.mcap").rename(path)


def check_bag(out: Path, storage: str) -> None:
    """Check that a bag can have this name and this storage; raises ValueError."""
    if out.suffix and not is_bag(out):
        raise ValueError(f"'{out}' is no name for a bag; give OUT.bag, a folder, or OUT.mcap")
    if is_single_file(out) and storage != "mcap":
        raise ValueError(f"'{out}' is an mcap file by its name; give OUT.bag for {storage}")
    _check_path(out, storage)


def _check_path(path: Path, storage: str) -> None:
    if storage == "sqlite3":
        check_sqlite3(path, "give another name, or mcap as its storage")


def is_bag(out: Path) -> bool:
    """Whether the name says that this is a bag."""
    return out.suffix.lower() == ".bag" or is_single_file(out)


def is_single_file(out: Path) -> bool:
    """Whether a bag of this name is one file instead of a folder.

    Not in capitals: rosbags tells by the suffix, as it is, how to read a file.
    """
    return out.suffix == ".mcap"
