"""``dvsnet`` lists its commands, refuses others, and imports only the one that is asked for."""

import importlib
import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import IO

import pytest
import torch

import dvsnet_ros
from dvsnet_ros.commands.main import COMMANDS, main
from dvsnet_ros.core.shipped import SHIPPED_CHECKPOINT
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import drive


def test_help_lists_every_command_with_its_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for command in COMMANDS:
        assert f"\n{command.name}\n    {command.summary}\n    e.g. dvsnet {command.name} " in said


def test_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"dvsnet {dvsnet_ros.__version__}\n"


def print_to(stdout: IO[bytes], unbuffered: str, *arguments: str) -> tuple[int, str]:
    """Run dvsnet with what it prints going there; how it ended, and what it said of errors."""
    ran = subprocess.run(
        [sys.executable, "-m", "dvsnet_ros.commands.main", *arguments],
        check=False,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nobody_needs_to_read_what_is_printed(unbuffered: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        assert print_to(nobody, unbuffered, "--help") == (1, "")
        assert print_to(nobody, unbuffered, "record", "--help")[1] == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_does_its_work_although_nobody_reads_on(unbuffered: str, tmp_path: Path) -> None:
    cases = tmp_path / "cases"
    street = "synthetic:width=128,height=96,rate=10,duration=0.3"
    arguments = ("gentestcase", street, "--max-distance", "1", "--save-dir", str(cases))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody:
        code, said = print_to(nobody, unbuffered, *arguments)
    assert code == 1
    assert "Broken pipe" not in said
    assert (cases / "testcases.json").is_file()


def test_output_may_be_redirected_in_python() -> None:
    with redirect_stdout(io.StringIO()) as printed:
        assert main(["--version"]) == 0
    assert printed.getvalue().startswith("dvsnet ")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_printed_to_a_full_disk(unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        sentence = "dvsnet: what it prints can't be written: No space left on device\n"
        assert print_to(full, unbuffered, "--help") == (1, sentence)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_what_is_printed_to_a_closed_stream_is_dropped(closed: str, tmp_path: Path) -> None:
    arguments = "record synthetic:width=64,height=48,duration=0.2,rate=10 street.mcap"
    command = f"{shlex.quote(sys.executable)} -m dvsnet_ros.commands.main {arguments} {closed}"
    result = subprocess.run(command, shell=True, cwd=tmp_path, timeout=60, check=False)
    assert result.returncode == 0
    assert len(drive(tmp_path / "street.mcap")) == 2


def test_an_error_that_is_not_of_printing_is_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_: str) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(BrokenPipeError):
        main(["process", "street", "masks"])


@pytest.mark.parametrize(
    ("arguments", "what"), [([], "give a command"), (["dmeo"], "there is no command 'dmeo'")]
)
def test_what_is_no_command_gets_one_sentence(
    arguments: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"dvsnet: {what}; the commands are demo, ")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(importlib.import_module(command.module).run)
    with pytest.raises(SystemExit) as ended:
        main([command.name, "--help"])
    assert ended.value.code == 0
    assert f"usage: dvsnet {command.name}" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_its_examples_work_with_weights_that_are_there(command) -> None:
    """Those that ship, or what another example writes."""
    parser = importlib.import_module(command.module).parser()
    shown = re.findall(rf"dvsnet {command.name} [^;]+", f"{command.example}; {parser.epilog or ''}")
    for example in shown:
        options = vars(parser.parse_args(shlex.split(example)[2:]))
        for name in ("restore_from", "segmenter", "start_from"):
            weights = options.get(name) or "shipped"
            made = ("segmenter/segmenter.safetensors", "flow/flow.safetensors")
            assert str(weights) in ("shipped", str(SHIPPED_CHECKPOINT), *made)


def test_the_dispatcher_imports_nothing_heavy() -> None:
    code = (
        "import sys, dvsnet_ros.commands.main as m; m.main(['--help']);"
        "sys.exit(bool({'torch', 'rclpy', 'cv2', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)


@pytest.mark.parametrize(
    ("package", "command", "sentence"),
    [
        ("matplotlib", "demo", "dvsnet demo needs the Python package 'matplotlib', which is not"),
        (
            "matplotlib.figure",
            "evaluate",
            "dvsnet evaluate needs the Python package 'matplotlib'",
        ),
        ("rosbags", "play", "dvsnet play can't start: neither cv_bridge"),
    ],
)
def test_a_missing_package_is_named(package: str, command: str, sentence: str) -> None:
    code = (
        f"import sys, dvsnet_ros.commands.main as m; sys.modules['{package}'] = None;"
        f"sys.modules['cv_bridge'] = None; sys.exit(m.main(['{command}', 'synthetic']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=False, timeout=60, capture_output=True, text=True
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(sentence)
    assert ran.stderr.count("\n") == 1


def test_stills_are_evaluated_without_matplotlib() -> None:
    code = (
        "import sys, dvsnet_ros.commands.main as m; sys.modules['matplotlib'] = None;"
        "sys.exit(m.main(['evaluate', '--data-dir', 'nowhere', '--labels-dir', 'nowhere']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], check=False, timeout=60, capture_output=True, text=True
    )
    assert "no images in 'nowhere'" in ran.stderr


def test_ctrl_c_while_a_command_is_imported_gets_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert main(["process", "street", "masks"]) == 130
    assert capsys.readouterr().err == "dvsnet process: interrupted\n"


@pytest.mark.parametrize("gpu", [True, False])
def test_too_little_memory_of_a_gpu_gets_one_line(
    gpu: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    error = torch.cuda.OutOfMemoryError if gpu else RuntimeError

    def segment(*_: object, **__: object) -> None:
        raise error("CUDA out of memory.\nTried to allocate 2.00 GiB.")

    monkeypatch.setattr(VideoSegmenter, "segment", segment)
    arguments = ["process", "synthetic:width=128,height=96,duration=0.2", str(tmp_path / "masks")]
    if not gpu:
        with pytest.raises(RuntimeError):
            main(arguments)
        return
    assert main(arguments) == 1
    assert capsys.readouterr().err.endswith(
        "dvsnet process: the GPU has too little memory; make the images or the batches smaller, or "
        "take --device cpu (CUDA out of memory. Tried to allocate 2.00 GiB.)\n"
    )


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        ("inference synthetic", "--save-dir"),
        ("evaluate synthetic", "--out"),
        ("gentestcase synthetic", "--save-dir"),
        ("train", "--save-dir"),
        ("train-flow", "--out"),
        ("train-segmenter --data-dir x --labels-dir y", "--out"),
    ],
)
def test_a_file_is_no_output_folder(
    command: str, flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    name, *rest = command.split()
    assert main([name, *rest, flag, str(file)]) == 2
    assert capsys.readouterr().err == f"dvsnet {name}: '{file}' is a file; give a folder\n"


@pytest.mark.parametrize(
    "name", ["demo", "evaluate", "gentestcase", "inference", "process", "report"]
)
def test_the_checkpoint_has_one_name_everywhere(name: str) -> None:
    parser = importlib.import_module(f"dvsnet_ros.commands.{name}").parser()
    out = ["out"] if name in ("process", "report") else []
    for flag in ("--restore-from", "--checkpoint"):
        options = parser.parse_args(["street", *out, flag, "road.safetensors"])
        assert options.restore_from == Path("road.safetensors")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("process a b --overlay-opacity abc", "argument --overlay-opacity: 'abc' is no number"),
        (
            "process a b --overlay-opacity 2",
            "argument --overlay-opacity: '2' is no number from 0 to 1",
        ),
        ("process a b --rate abc", "argument --rate: 'abc' is no number"),
        ("record a b --rate abc", "argument --rate: 'abc' is no number"),
        ("train-flow --out a --steps 1.5", "argument --steps: '1.5' is no whole number"),
        ("inference a --num-steps 1.5", "argument --num-steps: '1.5' is no whole number"),
        ("inference a --rows two", "argument --rows: 'two' is no whole number"),
        ("demo a --duration abc", "argument --duration: 'abc' is no number"),
        ("demo a --target nan", "argument --target: 'nan' is no number from 0 to 100"),
    ],
)
def test_a_wrong_number_is_told_in_ordinary_words(
    words: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("name", ["process", "inference", "evaluate", "report"])
def test_every_checkpoint_may_be_the_shipped_one(name: str) -> None:
    parser = importlib.import_module(f"dvsnet_ros.commands.{name}").parser()
    words = ["--restore-from", "shipped", "--decision-from", "shipped", "street"]
    options = parser.parse_args(words + (["out"] if name in ("process", "report") else []))
    assert options.restore_from == options.decision_from == SHIPPED_CHECKPOINT
