"""``dvsnet demo`` over real DDS: what it leaves, what it refuses, and that it ends cleanly."""

import csv
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands.main import main
from dvsnet_ros.core.checkpoint import save_checkpoint, untrained_checkpoint
from dvsnet_ros.drives import drive
from dvsnet_ros.nodes.demo_pacing import Spacing
from dvsnet_ros.nodes.demo_processes import ProcessEndedError, enter_own_world
from dvsnet_ros.nodes.demo_session import record
from helpers.bags import IMAGE, raw, write_bag
from helpers.processes import running

DEMO = [sys.executable, "-m", "dvsnet_ros.commands.main", "demo"]
DRIVE = "synthetic:width=162,height=131,rate=10,duration={duration}"


@pytest.fixture
def _own_environment() -> Iterator[None]:
    """Undo what a demo in this process sets in the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder on another file system, where there is one."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save_checkpoint(path, untrained_checkpoint())
    return path


@pytest.mark.timeout(180)
def test_demo_leaves_what_it_promises(tmp_path: Path, elsewhere: Path, ros_domain: int) -> None:
    out = tmp_path / "demo"
    out.symlink_to(elsewhere)
    (out / "thesis.tex").write_text("not the demo's")
    arguments = [DRIVE.format(duration=1.2), "--out", str(out), "--domain-id", str(ros_domain)]
    with running([*DEMO, *arguments]) as demo:
        assert demo.wait(150) == 0, demo.output
        said = demo.output
    assert "12 frames at " in said
    assert "none dropped, each mask of its frame's own size and stamp" in said
    assert "latency, from the frame's publishing to its mask: median " in said
    names = ["decisions.csv", "overlay.mp4", "summary.png"]
    assert sorted(path.name for path in out.iterdir()) == [*names, "thesis.tex"]
    assert "thesis.tex" not in said
    assert all(str(out / name) in said for name in names)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    check_video(out / "overlay.mp4", frames=12, height=132, width=162)
    check_decisions(out / "decisions.csv", frames=12, regions=4, said=said)
    height, width = cv2.imread(str(out / "summary.png")).shape[:2]
    assert min(height, width) > 800


def check_video(path: Path, frames: int, height: int, width: int) -> None:
    shown = list(drive(path))
    assert len(shown) == frames
    assert shown[0].image.shape == (height, width, 3)


def check_decisions(path: Path, frames: int, regions: int, said: str) -> None:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    places = [(int(row["frame"]), int(row["region"])) for row in rows]
    assert places == [(frame, region) for frame in range(frames) for region in range(regions)]
    segmented = sum(row["path"] == "segmentation" for row in rows)
    assert f"{100 * segmented / len(rows):.1f} % on the segmentation path" in said
    advice = "a lower --target, or a --max-share, segments less"
    assert (advice in said) == (segmented / len(rows) > 0.5)
    for row in rows:
        score, target = float(row["expected_confidence"]), float(row["target"])
        assert math.isnan(score) == (row["frame"] == "0")
        assert row["path"] == ("flow" if score >= target else "segmentation")


@pytest.mark.timeout(180)
def test_a_largest_share_reaches_the_node(tmp_path: Path, ros_domain: int) -> None:
    flags = ["--target", "100", "--max-share", "0.5", "--out", str(tmp_path / "demo")]
    source = DRIVE.format(duration=0.4)
    with running([*DEMO, source, *flags, "--domain-id", str(ros_domain)]) as demo:
        assert demo.wait(150) == 0, demo.output
    assert "a lower --target, or a --max-share, segments less" in demo.output
    with (tmp_path / "demo" / "decisions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    segmented = [row["frame"] for row in rows if row["path"] == "segmentation"]
    assert [segmented.count(str(frame)) for frame in range(4)] == [4, 2, 2, 2]


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("_own_environment")
def test_masks_come_at_each_frames_own_size_and_stamp(
    tmp_path: Path, ros_domain: int, checkpoint: Path
) -> None:
    folder = tmp_path / "street"
    folder.mkdir()
    sizes = [(131, 162)] * 3 + [(144, 160)] * 2
    too_small = [(24, 24)]  # which are left out
    for index, (height, width) in enumerate([*too_small, *sizes, *too_small]):
        frame = np.random.default_rng(index).integers(0, 256, (height, width, 3), np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), frame)
    street = drive(folder)
    node = {"checkpoint": str(checkpoint), "reliability": "reliable"}
    played = record(node, {"drive": str(folder)}, ros_domain, tmp_path)
    with closing(played):
        frames = list(played)
    assert [frame.stamp for frame in frames] == [street[index].stamp for index in range(1, 6)]
    assert [frame.mask.shape for frame in frames] == sizes
    assert [frame.overlay.shape[:2] for frame in frames] == sizes
    assert all(frame.mask.max() < 11 for frame in frames)
    ages = [[decision.key_age for decision in frame.decisions.decisions] for frame in frames]
    assert ages[0] == ages[3] == [0, 0, 0, 0]
    assert all(frame.latency > 0 for frame in frames)


def two_sequences(folder: Path) -> Path:
    """A folder of two sequences of two frames, an hour apart."""
    folder.mkdir()
    times = ("12:00:00.0", "12:00:00.1", "13:00:00.0", "13:00:00.1")
    (folder / "timestamps.txt").write_text("".join(f"2011-09-26 {time}\n" for time in times))
    for index, name in enumerate(("0001TP_00001", "0001TP_00003", "0006R0_00001", "0006R0_00003")):
        frame = np.random.default_rng(index // 2).integers(0, 256, (131, 162, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), frame)
    return folder


@pytest.mark.timeout(180)
def test_recorded_stamps_are_kept_and_gaps_are_not_waited_for(
    tmp_path: Path, ros_domain: int
) -> None:
    # The name would be a formula to matplotlib, and no valid one.
    folder, out = two_sequences(tmp_path / "p$_$q"), tmp_path / "demo"
    flags = ["--out", str(out), "--target", "0", "--schedule", "fixed"]
    with running([*DEMO, str(folder), *flags, "--domain-id", str(ros_domain)]) as demo:
        assert demo.wait(150) == 0, demo.output
    with (out / "decisions.csv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    assert paths[::4] == ["segmentation", "flow"] * 2  # the node forgets after 10 s


def test_without_a_place_for_logs_it_says_so(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path / "demo")]
    with running([*DEMO, *arguments], ROS_LOG_DIR="/dev/null/log") as demo:
        assert demo.wait() == 1
    assert "dvsnet demo: ROS can't start with these arguments and variables: " in demo.output
    assert "Traceback" not in demo.output


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("_own_environment")
def test_a_drive_may_be_called_as_a_number_and_repeat_its_stamps(
    tmp_path: Path, ros_domain: int, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = np.zeros((131, 162, 3), np.uint8)
    write_bag(tmp_path / "1e3", [(IMAGE, index, raw(frame, 5)) for index in range(3)])
    monkeypatch.chdir(tmp_path)
    node = {"checkpoint": str(checkpoint), "reliability": "reliable"}
    with closing(record(node, {"drive": "1e3"}, ros_domain, tmp_path)) as played:
        assert [frame.stamp for frame in played] == [5, 5, 5]


def test_the_spacing_of_frames() -> None:
    stamps = [0.0, 0.5, 0.75, 10.0, 20.1, 20.2, 3.0, 3.0, 3.4]
    spacing = Spacing(4.0)
    steps = [spacing.between(round(a * 1e9), round(b * 1e9)) for a, b in pairwise(stamps)]
    assert steps == pytest.approx([0.5, 0.25, 9.25, 9.25, 0.1, 0.1, 0.1, 0.4])
    assert Spacing(4.0).between(0, 3600 * 10**9) == 0.25
    assert Spacing(0.01).between(0, 3600 * 10**9) == 1.0


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("_own_environment")
def test_a_node_that_dies_is_quoted(tmp_path: Path, ros_domain: int) -> None:
    played = record({"target": "high"}, {}, ros_domain, tmp_path)
    with closing(played), pytest.raises(ProcessEndedError) as error:
        next(played)
    said = str(error.value)
    assert said.startswith("the process dvsnet ended with exit code 1\n")
    assert "dvsnet: " in said
    assert "a parameter can't be used" in said


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("_own_environment")
def test_a_node_that_never_answers_is_told(tmp_path: Path, ros_domain: int) -> None:
    played = record({"autostart": False}, {"patience": 1.0}, ros_domain, tmp_path)
    with closing(played), pytest.raises(ProcessEndedError) as error:
        next(played)
    assert "player: no answer to the first frame within 1 s" in str(error.value)


@pytest.mark.timeout(120)
def test_interrupting_ends_all_processes_and_leaves_nothing(
    tmp_path: Path, ros_domain: int
) -> None:
    arguments = [DRIVE.format(duration=60), "--out", str(tmp_path / "demo")]
    with running([*DEMO, *arguments, "--domain-id", str(ros_domain)]) as demo:
        demo.wait_for("playing", 60)  # the first frame is there
        started = f"/dvsnet_demo_{demo.pid}"
        assert len(command_lines_with(started)) == 2
        demo.interrupt()
        assert demo.wait(30) == 130, demo.output
        assert demo.output.endswith("dvsnet demo: interrupted; nothing is left behind")
    assert command_lines_with(started) == []
    assert list(tmp_path.iterdir()) == []


def command_lines_with(text: str) -> list[str]:
    """The command lines of this machine's processes that contain text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        found += [line] if text in line else []
    return found


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{folder}/nowhere"], "there is no {folder}/nowhere; a drive is a folder of images"),
        (["{folder}"], "{folder}"),
        (["synthetic:width=32,height=32"], "an overlap of 64"),
        (["--checkpoint", "{folder}/no.safetensors"], "'{folder}/no.safetensors' does not exist"),
        (["--checkpoint", "{folder}/file"], "'{folder}/file' can't be read as safetensors"),
        (["--out", "{folder}/file"], "'{folder}/file' is a file; give a folder"),
        (["--device", "abacus"], "abacus"),
        (["{folder}/caf\udce9"], r"/caf\udce9' is not in UTF-8, as ROS wants names; rename it"),
        (["{street}", "--rate", "1e5"], "street has 100000 frames a second, and a video can have"),
    ],
)
def test_wrong_input_gets_one_sentence_and_leaves_nothing(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").write_text("no checkpoint, and no folder")
    street = tmp_path_factory.mktemp("drive") / "street"
    street.mkdir()
    cv2.imwrite(str(street / "0.png"), np.zeros((131, 162, 3), np.uint8))
    given = [argument.format(folder=tmp_path, street=street) for argument in arguments]
    if "--out" not in given:
        given += ["--out", str(tmp_path / "demo")]
    assert main(["demo", *given]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("dvsnet demo: ")
    assert sentence.format(folder=tmp_path) in said.err
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("flags", [["--target", "101"], ["--duration", "0"], ["--domain-id", "-1"]])
def test_flags_out_of_range_are_refused(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *flags])
    assert ended.value.code == 2
    assert f"argument {flags[0]}" in capsys.readouterr().err


@pytest.mark.usefixtures("_own_environment")
def test_what_leads_to_other_machines_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DISCOVERY_SERVER", "127.0.0.1:11811")
    monkeypatch.setenv("ROS_STATIC_PEERS", "10.0.0.1")
    monkeypatch.setenv("ROS_DISTRO", "humble")
    enter_own_world(5)
    assert os.environ["ROS_DOMAIN_ID"] == "5"
    assert os.environ["ROS_LOCALHOST_ONLY"] == "1"
    assert not {"ROS_DISCOVERY_SERVER", "ROS_STATIC_PEERS"} & os.environ.keys()
