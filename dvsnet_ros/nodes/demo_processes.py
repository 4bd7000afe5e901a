"""The processes of ``dvsnet demo``: started in a world of their own, and ended on any outcome."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import yaml

from dvsnet_ros.nodes.large_images import profile_environment

GRACE: Final = 10.0
"""Seconds between the request to end and the kill."""

LAST_WORDS: Final = 15
"""Lines of a process's log that are shown when it ended."""


class _QuotingDumper(yaml.SafeDumper):
    """Puts words in quotes; without them, ROS takes a drive that is called 1e3 for a number."""


_QuotingDumper.add_representer(
    str, lambda dumper, word: dumper.represent_scalar("tag:yaml.org,2002:str", word, style='"')
)


class ProcessEndedError(Exception):
    """A process that is needed ended; ``str()`` says which, and the end of its log."""


def enter_own_world(domain_id: int) -> None:
    """Keep this process and those it starts to one ROS domain on this machine.

    With the package's Fast DDS profile, images go through shared memory; without it, in pieces
    through UDP, where a lost piece costs seconds.
    """
    os.environ["ROS_DOMAIN_ID"] = str(domain_id)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    if os.environ.get("ROS_DISTRO") == "humble":  # which does not know that one
        os.environ["ROS_LOCALHOST_ONLY"] = "1"
    for elsewhere in ("ROS_DISCOVERY_SERVER", "ROS_STATIC_PEERS"):
        os.environ.pop(elsewhere, None)
    os.environ.update(profile_environment())


class Processes:
    """Node processes of one namespace, in a ``with`` block that ends with them.

    Args:
        namespace: of all of them.
        folder: where their parameters and logs go.
    """

    def __init__(self, namespace: str, folder: Path) -> None:
        self._namespace = namespace
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Processes:
        return self

    def start(self, name: str, module: str, parameters: Mapping[str, Any]) -> None:
        """Start the node of this name, ``python -m module``, with these parameters."""
        file = self._folder / f"{name}.yaml"
        own = {f"{self._namespace}/{name}": {"ros__parameters": dict(parameters)}}
        file.write_text(yaml.dump(own, Dumper=_QuotingDumper), encoding="utf-8")
        ros_arguments = ["-r", f"__ns:={self._namespace}", "--params-file", str(file)]
        with self._log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", module, "--ros-args", *ros_arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is this process's to handle
            )

    def is_done(self, name: str) -> bool:
        """Say whether a process ended well.

        Raises:
            ProcessEndedError: any of the processes ended, and not well; or another one ended.
        """
        for other, process in self._running.items():
            code = process.poll()
            if code is not None and (code != 0 or other != name):
                raise ProcessEndedError(
                    f"the process {other} ended with {_exit(code)}\n{self._last_words()}"
                )
        return self._running[name].poll() == 0

    def _last_words(self) -> str:
        """The ends of all logs."""
        words = []
        for name in self._running:
            lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()
            words += [f"{name}: {line}" for line in lines[-LAST_WORDS:]]
        return "\n".join(words)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._running.values():
            process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(GRACE)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                process.kill()
                process.wait()

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
