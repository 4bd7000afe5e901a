"""What the tests of the node share."""

from pathlib import Path

import pytest

from helpers.peer import tiny_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights."""
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint"))
