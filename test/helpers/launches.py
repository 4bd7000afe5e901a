"""The real `ros2 launch`, and what it launched."""

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

from helpers.peer import OVERLAP, Peer, tiny_checkpoint
from helpers.processes import Process, running

PARAMETERS = """
/**:
  ros__parameters:
    checkpoint: "{checkpoint}"
    target: 70.0
    overlap: {overlap}
    reliability: reliable
"""


@contextmanager
def launched(file: str, *arguments: str, **environment: str) -> Iterator[Process]:
    """Runs `ros2 launch dvsnet_ros FILE ARGUMENTS`."""
    ros2 = shutil.which("ros2")
    assert ros2 is not None
    command = [sys.executable, ros2, "launch", "dvsnet_ros", file, *arguments]
    with running(command, **environment) as process:
        yield process


def launch_file(path: Path) -> ModuleType:
    """A launch file, as a module."""
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown_arguments(process: Process) -> list[str]:
    """Names of the arguments that `--show-args` shows."""
    shown = [line.strip() for line in process.output.splitlines()]
    return [line[1:-2] for line in shown if line.startswith("'")]


def write_parameters(folder: Path) -> Path:
    """Writes a parameter file for a node with a tiny checkpoint."""
    path = folder / "parameters.yaml"
    path.write_text(PARAMETERS.format(checkpoint=tiny_checkpoint(folder), overlap=OVERLAP))
    return path


def parameters(peer: Peer, node: str, *names: str) -> list[object]:
    """Values of a node's parameters, from its parameter service."""
    request = GetParameters.Request(names=names)
    response = peer.call(GetParameters, f"{node}/get_parameters", request)
    return [parameter_value_to_python(value) for value in response.values]
