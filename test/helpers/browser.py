"""A real browser for tests: headless Chromium, driven through ChromeDriver's WebDriver protocol.

Both come from the system (Debian, Ubuntu: apt install chromium chromium-driver); what talks to them
is Python's own HTTP client.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers.processes import running

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
TIMEOUT = 120.0


def missing_programs() -> str | None:
    """What a browser needs and this machine lacks, None where it has all."""
    if not any(map(shutil.which, CHROMIUM)):
        return "chromium"
    return None if shutil.which("chromedriver") else "chromedriver (chromium-driver)"


class Browser:
    """One window."""

    def __init__(self, server: str) -> None:
        binary = next(filter(None, map(shutil.which, CHROMIUM)))
        options = {"binary": binary, "args": ARGUMENTS}
        capabilities = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }
        self._session = f"{server}/session"
        answer = self._ask("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self._session += f"/{answer['sessionId']}"

    def close(self) -> None:
        self._ask("DELETE", "")

    def open(self, page: Path) -> None:
        self._ask("POST", "/url", {"url": page.absolute().as_uri()})

    def size(self, width: int, height: int) -> None:
        """Makes the page this large, as a phone of this width would."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a JavaScript function's body returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": arguments})

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def click(self, selector: str) -> None:
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        self._ask("POST", f"/element/{next(iter(found.values()))}/click", {})

    def move(self, x: float, y: float) -> None:
        """Moves the mouse to a place of the window."""
        self.command("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key)

    def log(self, kind: str) -> list[dict[str, Any]]:
        """Entries since the last call, of `browser` (the console) or `performance`."""
        entries: list[dict[str, Any]] = self._ask("POST", "/se/log", {"type": kind})
        return entries

    def requests(self) -> list[str]:
        """Addresses of all that was asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [request["request"]["url"] for request in sent]

    def screenshot(self, path: Path) -> None:
        """The whole page."""
        answer = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._session + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            return json.load(answer)["value"]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser while the block lasts; both programs end with it."""
    with tempfile.TemporaryDirectory() as home:  # where Chromium leaves what it likes to keep
        environment = {"HOME": home, "TMPDIR": home, "PATH": os.environ["PATH"]}
        with running(["chromedriver", "--port=0"], **environment) as driver:
            line = driver.wait_for("started successfully on port", TIMEOUT)
            port = re.search(r"port (\d+)", line)
            assert port
            window = Browser(f"http://127.0.0.1:{port[1]}")
            try:
                yield window
            finally:
                window.close()
