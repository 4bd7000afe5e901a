"""The page: one HTML file that holds all it needs."""

from __future__ import annotations

import html
import json
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from dvsnet_ros.drives.whole import explained

SCRIPTS = ("charts.js", "figures.js", "timeline.js", "page.js")


def write_page(path: Path, data: dict[str, Any]) -> None:
    """Write the page; it appears under its name when it is whole.

    Raises:
        OSError: if it can't be written.
    """
    part = path.with_name(f".{path.name}.part")
    with explained(path):
        try:
            part.write_text(render(data), encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def render(data: dict[str, Any]) -> str:
    """The page's HTML."""
    # Inside a script element, only "</" and "<!--" mean anything to HTML.
    values = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return Template(_read("page.html")).substitute(
        title=html.escape(data["title"]),
        style=_read("page.css"),
        data=values,
        script="\n".join(_read(name) for name in SCRIPTS),
    )


def _read(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
