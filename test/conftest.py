"""What every test can ask for: a ROS domain of its own, the shared data, fixed seeds."""

import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

# One thread a process, before torch is imported: tests run beside the processes they start, and
# threads that wait for a busy core cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from helpers.domains import free_domain

ROOT = Path(__file__).resolve().parent.parent

# A job that a shell started in the background ignores Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _fixed_seeds() -> None:
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of golden results and drives; the test is skipped where it is not there."""
    folder = Path(os.environ.get("DVSNET_TEST_DATA", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the shared data, and there is no {folder} (set DVSNET_TEST_DATA)")
    return folder


@pytest.fixture(scope="module")
def ros_domain() -> Iterator[int]:
    """A ROS domain that is this test module's own, on this machine only, set in the environment.

    Processes that the test starts inherit it, and so does rclpy.init() in the test itself.
    """
    with free_domain() as domain, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(domain))
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield domain
