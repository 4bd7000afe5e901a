"""What the tests of the node share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.peer import Peer, tiny_checkpoint
from helpers.processes import Process


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights."""
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def peer(node: Process) -> Iterator[Peer]:
    """A peer that images and answers flow to and from; `node` is the test module's own."""
    peer = Peer()
    peer.connect()
    yield peer
    peer.close()
