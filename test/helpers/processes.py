"""Processes that a test starts: their output can be waited for, and they are always ended."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

GRACE = 10.0  # seconds between the request to end and the kill


class Process:
    """A started process; its output, errors included, is read line by line as it comes."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """Starts the command, with environment added to this process's own."""
        self.command = [str(part) for part in command]
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def output(self) -> str:
        """Everything written so far."""
        with self._changed:
            return "\n".join(self._lines)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """What the process returned; None while it runs."""
        return self._process.poll()

    def wait_for(self, text: str, timeout: float = 30.0, *, after: int = 0) -> str:
        """The first line from line number `after` on that contains text, waited for.

        Raises AssertionError, with all the output, when the process ends or time runs out first.
        """

        def found() -> str | None:
            return next((line for line in self._lines[after:] if text in line), None)

        with self._changed:
            self._changed.wait_for(lambda: found() is not None or self._ended, timeout)
            line = found()
        if line is None:
            why = "ended" if self._ended else f"ran {timeout:g} s"
            raise AssertionError(f"{self.command} {why} without saying {text!r}:\n{self.output}")
        return line

    def line_count(self) -> int:
        """How many lines were written so far: a place for wait_for to go on from."""
        with self._changed:
            return len(self._lines)

    def wait(self, timeout: float = 60.0) -> int:
        """Waits until the process ends by itself; returns what it returned."""
        code = self._process.wait(timeout)
        self._reader.join(timeout)
        return code

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Lets the process stand still while the block lasts."""
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the process, and to nothing that it started."""
        os.kill(self._process.pid, number)

    def interrupt(self) -> None:
        """Asks the process, and what it started, to end, as Ctrl-C does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def stop(self) -> int:
        """Ends the process and what it started: asks, and after GRACE seconds kills."""
        if self._process.poll() is None:
            self.interrupt()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self.wait(GRACE)


@contextmanager
def running(command: Sequence[str], **environment: str) -> Iterator[Process]:
    """Runs a command while the block lasts; ended at its end, however the block ends.

    environment: variables added to this process's own.
    """
    process = Process(command, environment)
    try:
        yield process
    finally:
        process.stop()
