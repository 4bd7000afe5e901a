import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from dvsnet_ros.commands import gentestcase, train, train_flow, train_segmenter
from dvsnet_ros.commands.flags import dashed


@pytest.fixture
def recipe(repository: Path) -> ModuleType:
    """scripts/make_weights.py as a module."""
    file = repository / "scripts" / "make_weights.py"
    spec = importlib.util.spec_from_file_location("make_weights", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_commands_know_every_argument_of_the_recipe(recipe: ModuleType) -> None:
    parsers = {
        command.run: command.parser for command in (train_segmenter, train_flow, gentestcase, train)
    }
    outs = {train_segmenter.run: "--out", train_flow.run: "--out"}
    for name, command, arguments in recipe.stages(Path("camvid"), Path("kitti"), Path("out")):
        where = [outs.get(command, "--save-dir"), f"out/{name}"]
        parsers[command]().parse_args(dashed([*arguments, *where, "--resume"]))


def test_a_stage_that_is_done_is_left_alone_and_a_failure_ends_the_run(
    recipe: ModuleType, tmp_path: Path
) -> None:
    ran = []

    def stage(name: str, status: int) -> tuple[str, object, list[str]]:
        def command(arguments: list[str]) -> int:
            folder = Path(arguments[arguments.index("--save-dir") + 1])
            folder.mkdir(exist_ok=True)
            ran.append(name)
            return status

        return name, command, []

    recipe.stages = lambda *_: [stage("one", 0), stage("two", 3), stage("three", 0)]
    for expected in (["one", "two"], ["one", "two", "two"]):
        assert recipe.run(tmp_path, tmp_path, tmp_path) == 3
        assert ran == expected
