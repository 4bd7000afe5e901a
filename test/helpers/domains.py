"""ROS domains for tests, so that test runs on one machine do not hear each other."""

import fcntl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Clear of the domains that people use by habit; past 101 the ports run into the system's own.
DOMAINS = range(1, 40)


@contextmanager
def free_domain() -> Iterator[int]:
    """Yields a domain that no other test run on this machine holds, and holds it until the end."""
    for domain in DOMAINS:
        path = Path(tempfile.gettempdir()) / f"dvsnet_ros_test_domain_{domain}.lock"
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield domain
            return
    raise RuntimeError(f"all ROS domains from {DOMAINS[0]} to {DOMAINS[-1]} are held by test runs")
