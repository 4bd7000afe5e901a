"""The launch file with the real `ros2 launch`, where it is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip(
    "launch_ros", reason="launch and launch_ros come with ROS 2, they are not on PyPI"
)
pytest.importorskip("ros2launch", reason="the command ros2 comes with ROS 2, it is not on PyPI")

from helpers.launches import launched, parameters, shown_arguments, write_parameters
from helpers.peer import OVERLAP, Peer
from helpers.processes import Process

FILE = "dvsnet.launch.py"
ARGUMENTS = (
    "image",
    "namespace",
    "params_file",
    "checkpoint",
    "device",
    "precision",
    "target",
    "image_transport",
    "reliability",
    "log_level",
    "large_images",
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


def node_environment(process: Process) -> dict[str, str]:
    """The environment of the node that was launched."""
    pid = process.wait_for("process started with pid").rpartition("[")[2].rstrip("]")
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def test_every_argument_is_shown(ros_domain: int) -> None:
    with launched(FILE, "--show-args") as process:
        assert process.wait() == 0
    assert shown_arguments(process) == list(ARGUMENTS)


def test_arguments_reach_the_node(peer: Peer, parameter_file: Path) -> None:
    arguments = ("image:=/camera/image_raw", "namespace:=front", "target:=80", "device:=cpu")
    with launched(
        FILE, f"params_file:={parameter_file}", *arguments, "log_level:=debug"
    ) as process:
        process.wait_for("active: listening on /camera/image_raw")
        values = parameters(peer, "/front/dvsnet", "target", "device", "overlap")
        environment = node_environment(process)
        process.interrupt()
        assert process.wait() == 0
    assert values == [80.0, "cpu", OVERLAP]
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
