"""The tests' own helpers: domains are not shared, processes are ended."""

import os
import sys
from pathlib import Path

import pytest

from helpers.domains import free_domain
from helpers.processes import running

STUBBORN = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("child", child.pid, flush=True)
time.sleep(600)
"""


def test_two_runs_never_hold_one_domain() -> None:
    with free_domain() as first, free_domain() as second:
        assert first != second


def test_ros_domain_is_inherited_by_processes(ros_domain: int) -> None:
    with running([sys.executable, "-c", "import os; print(os.environ['ROS_DOMAIN_ID'])"]) as child:
        assert child.wait() == 0
    assert child.output == str(ros_domain)


def test_a_process_and_its_children_end_with_the_block() -> None:
    with running([sys.executable, "-c", STUBBORN]) as process:
        child = int(process.wait_for("child").split()[1])
        assert process.returncode is None
    assert process.returncode is not None
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_waiting_for_what_never_comes_shows_the_output() -> None:
    with (
        running([sys.executable, "-c", "print('good morning')"]) as process,
        pytest.raises(AssertionError, match="good morning"),
    ):
        process.wait_for("good night")


def test_environment_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVSNET_FIRST", "one")
    code = "import os; print(os.environ['DVSNET_FIRST'], os.environ['DVSNET_SECOND'])"
    with running([sys.executable, "-c", code], DVSNET_SECOND="two") as process:
        process.wait()
    assert process.output == "one two"
    assert "DVSNET_SECOND" not in os.environ
