"""The commands that the README and the docs show: each is known, and the longest recipe runs."""

import importlib
import re
import shlex
from pathlib import Path

import pytest

from dvsnet_ros.commands.flags import dashed
from dvsnet_ros.commands.main import COMMANDS, main
from dvsnet_ros.core.checkpoint import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


def shown_commands(text: str) -> list[list[str]]:
    """The words of each indented line that starts with `dvsnet `, its continuations joined."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(r"^ {4}(dvsnet .+)$", joined, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_know_what_is_shown(page: Path) -> None:
    modules = {command.name: command.module for command in COMMANDS}
    for _, name, *arguments in shown_commands(page.read_text(encoding="utf-8")):
        if name in modules:
            parser = importlib.import_module(modules[name]).parser()
            parser.parse_args(dashed(arguments))
        else:
            assert name in ("COMMAND", "--help"), f"{page.name} shows dvsnet {name}"


@pytest.mark.timeout(300)
def test_a_dvsnet_for_your_own_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's own lines, with fewer steps, on three small recordings."""
    readme = PAGES[0].read_text(encoding="utf-8")
    recipe = readme[readme.index("**Make a DVSNet for your own camera.**") :]
    commands = shown_commands(recipe[: recipe.index("is the node's new `checkpoint`")])
    assert [words[1] for words in commands] == [
        "train-flow", "gentestcase", "gentestcase", "train", "report",
    ]  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("monday.bag", "tuesday.bag", "wednesday.bag")):
        source = f"synthetic:width=160,height=128,duration=0.4,seed={seed}"
        assert main(["record", source, name]) == 0
    for _, name, *arguments in commands:
        arguments = [{"4000": "2"}.get(word, word) for word in arguments]
        extra = {"train": ["--epochs", "2"], "train-flow": ["--batch-size", "2"]}.get(name, [])
        assert main([name, *arguments, *extra]) == 0, name
    load_checkpoint("decision/dvsnet.safetensors").require(["segmentation", "flow", "decision"])
    assert "</html>" in Path("report.html").read_text(encoding="utf-8")
