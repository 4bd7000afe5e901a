"""Freed memory is used again, in the main thread and in others."""

import resource
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of Linux's glibc")

PAGES_OF_TEN_BLOCKS = """
import resource, sys, threading
import numpy as np
from dvsnet_ros.core.memory import keep_freed_memory

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    np.ones(10_000_000)
    before = pages()
    for _ in range(10):
        np.ones(10_000_000)
    print(pages() - before)

if "keep" in sys.argv and not keep_freed_memory():
    sys.exit(77)
if "thread" in sys.argv:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
else:
    work()
"""


def pages_of_ten_blocks(*arguments: str) -> int:
    """How many pages a process is given for ten blocks of 80 MB, one after the other."""
    process = subprocess.run(
        [sys.executable, "-c", PAGES_OF_TEN_BLOCKS, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode == 77:
        pytest.skip("this C library can't be told to keep memory")
    assert process.returncode == 0, process.stderr
    return int(process.stdout)


@pytest.mark.parametrize("place", ["main", "thread"])
def test_memory_that_was_freed_is_used_again(place: str) -> None:
    assert pages_of_ten_blocks("keep", place) * 50 < pages_of_ten_blocks(place)


GIVEN_BACK = """
import sys
import numpy as np
from dvsnet_ros.core.device import give_back_memory
from dvsnet_ros.core.memory import keep_freed_memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

if not keep_freed_memory():
    sys.exit(77)
block = np.ones(25_000_000)
with_block = resident()
del block
kept = resident()
give_back_memory()
print(with_block, kept, resident())
"""


def test_memory_is_given_back_when_asked_for() -> None:
    process = subprocess.run(
        [sys.executable, "-c", GIVEN_BACK], capture_output=True, text=True, check=False
    )
    if process.returncode == 77:
        pytest.skip("this C library can't be told to keep memory")
    assert process.returncode == 0, process.stderr
    with_block, kept, given_back = map(int, process.stdout.split())
    block = 25_000_000 * 8 // resource.getpagesize()
    assert kept > with_block - block // 10
    assert given_back < with_block - block * 9 // 10
