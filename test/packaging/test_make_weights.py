import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from dvsnet_ros.commands import gentestcase, train, train_flow, train_segmenter
from dvsnet_ros.commands.flags import dashed
from dvsnet_ros.drives import drive
from dvsnet_ros.training.key_frames import KeyReach
from dvsnet_ros.training.testcases import pairs_of_drive


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


def test_the_decision_network_is_checked_on_another_sequence(
    recipe: ModuleType, tmp_path: Path, shared_data: Path
) -> None:
    recipe.write_lists(shared_data / "data" / "camvid", tmp_path)
    learned, held_back = (drive(tmp_path / f"{name}.txt") for name in ("learned", "held_back"))
    assert (len(learned), len(held_back)) == (305, 62)
    pairs = list(pairs_of_drive(held_back, KeyReach(20, 1.4)))
    assert len(pairs) == 61  # neighbours, a second apart


def make_stills(folder: Path, *names: str) -> Path:
    """A folder of CamVid whose stills bear these names."""
    (folder / "train").mkdir(parents=True)
    for name in names:
        (folder / "train" / name).touch()
    return folder


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ((), "learned.txt would be empty"),
        (("0006R0_1.jpg",), "held_back.txt would be empty"),
    ],
)
def test_stills_that_no_list_can_hold_are_refused_at_once(
    recipe: ModuleType, tmp_path: Path, names: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        recipe.run(make_stills(tmp_path / "camvid", *names), tmp_path, tmp_path)


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

    camvid = make_stills(tmp_path, "0006R0_1.png", "0001TP_1.jpg")
    recipe.stages = lambda *_: [stage("one", 0), stage("two", 3), stage("three", 0)]
    for expected in (["one", "two"], ["one", "two", "two"]):
        assert recipe.run(camvid, tmp_path, tmp_path) == 3
        assert ran == expected
