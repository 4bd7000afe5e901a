"""The launch file with the real `ros2 launch`, where it is installed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "launch_ros", reason="launch and launch_ros come with ROS 2, they are not on PyPI"
)
pytest.importorskip("ros2launch", reason="the command ros2 comes with ROS 2, it is not on PyPI")

from ament_index_python.packages import get_packages_with_prefixes

from dvsnet_ros.nodes.parameters import TABLE
from helpers.launches import launch_file, launched, parameters, shown_arguments, write_parameters
from helpers.peer import OVERLAP, Peer
from helpers.processes import Process

FILE = "dvsnet.launch.py"
ARGUMENTS = (
    "image",
    "namespace",
    "params_file",
    "log_level",
    "use_sim_time",
    *TABLE,
    "large_images",
    "respawn",
    "rviz",
)
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"


@pytest.fixture(scope="module")
def parameter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parameters(tmp_path_factory.mktemp("launch"))


@pytest.fixture
def peer(ros_domain: int) -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def node_pid(process: Process) -> int:
    """The process of the node that was launched."""
    return int(process.wait_for("process started with pid").rpartition("[")[2].rstrip("]"))


def node_environment(process: Process) -> dict[str, str]:
    """The environment of the node that was launched."""
    entries = Path(f"/proc/{node_pid(process)}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def test_every_argument_is_shown(ros_domain: int) -> None:
    with launched(FILE, "--show-args") as process:
        assert process.wait() == 0
    assert shown_arguments(process) == list(ARGUMENTS)


def test_arguments_reach_the_node(peer: Peer, parameter_file: Path) -> None:
    arguments = (
        "image:=/camera/image_raw",
        "namespace:=front",
        "target:=80",
        "device:=cpu",
        "lazy:=true",
        "region_rows:=1",
        "use_sim_time:=true",
    )
    with launched(
        FILE, f"params_file:={parameter_file}", *arguments, "log_level:=debug"
    ) as process:
        process.wait_for("active: listening on /camera/image_raw")
        names = [argument.partition(":=")[0] for argument in arguments[2:]]
        values = parameters(peer, "/front/dvsnet", *names, "overlap")
        environment = node_environment(process)
        process.interrupt()
        assert process.wait() == 0
    assert values == [80.0, "cpu", True, 1, True, OVERLAP]
    assert Path(environment[PROFILE]).name == "fastdds_large_images.xml"
    assert Path(environment[PROFILE]).is_file()
    assert "[DEBUG]" in process.output


def test_a_compressed_camera_takes_one_argument(peer: Peer, parameter_file: Path) -> None:
    arguments = ("image:=/camera/image_raw", "image_transport:=compressed", "precision:=float32")
    with launched(FILE, f"params_file:={parameter_file}", *arguments) as process:
        process.wait_for("active: listening on /camera/image_raw/compressed")
        values = parameters(peer, "/dvsnet", "image_transport", "precision", "reliability")
    assert values == ["compressed", "float32", "reliable"]


def test_empty_arguments_leave_what_the_file_says(peer: Peer, parameter_file: Path) -> None:
    with launched(FILE, f"params_file:={parameter_file}", "large_images:=false") as process:
        process.wait_for("active: listening on /image")
        values = parameters(peer, "/dvsnet", "target", "overlap")
        environment = node_environment(process)
    assert values == [70.0, OVERLAP]
    assert PROFILE not in environment


def test_a_profile_of_the_user_stays(
    ros_domain: int, parameter_file: Path, repository: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.xml"
    profile.write_text((repository / "config" / "fastdds_large_images.xml").read_text())
    with launched(FILE, f"params_file:={parameter_file}", **{PROFILE: str(profile)}) as process:
        assert node_environment(process)[PROFILE] == str(profile)


def test_a_target_that_is_no_number_is_said(ros_domain: int, parameter_file: Path) -> None:
    with launched(FILE, f"params_file:={parameter_file}", "target:=high") as process:
        process.wait_for("high")
        assert process.wait() != 0


def test_a_node_that_ends_is_started_again(ros_domain: int, parameter_file: Path) -> None:
    with launched(FILE, f"params_file:={parameter_file}", "respawn:=true") as process:
        process.wait_for("active: listening on /image")
        os.kill(node_pid(process), signal.SIGKILL)
        process.wait_for("active: listening on /image", after=process.line_count())


def test_rviz_is_led_into_the_namespace(repository: Path) -> None:
    shown_in = launch_file(repository / "launch" / FILE).shown_in
    shown = shown_in("front")
    assert ("/dvsnet/mask", "/front/dvsnet/mask") in shown
    configured = (repository / "config" / "dvsnet.rviz").read_text()
    assert all(f"Value: {topic}\n" in configured for topic, _ in shown)
    assert configured.count("Value: /") == len(shown)
    assert all(topic == led for topic, led in shown_in(""))


def test_rviz_that_is_not_installed_is_said(ros_domain: int, parameter_file: Path) -> None:
    if "rviz2" in get_packages_with_prefixes():
        pytest.skip("rviz2 is installed here")
    with launched(FILE, "rviz:=true", f"params_file:={parameter_file}") as process:
        said = process.wait_for("rviz:=true needs the ROS package rviz2")
        assert process.wait() == 1
    assert "which is not installed here" in said
    assert "process started" not in process.output
