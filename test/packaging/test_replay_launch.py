"""The replay with the real `ros2 launch`, where it is installed."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip(
    "launch_ros", reason="launch and launch_ros come with ROS 2, they are not on PyPI"
)
pytest.importorskip("ros2launch", reason="the command ros2 comes with ROS 2, it is not on PyPI")

from sensor_msgs.msg import Image

from dvsnet_ros.drives import drive
from dvsnet_ros.nodes.messages import nanoseconds
from helpers.launches import launch_file, launched, parameters, shown_arguments, write_parameters
from helpers.peer import SECOND, Peer

FILE = "replay.launch.py"
STREET = "synthetic:width=128,height=96,rate=5,duration=2"
END = 100.0


@pytest.fixture(scope="module")
def parameter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parameters(tmp_path_factory.mktemp("replay"))


@pytest.fixture
def peer(ros_domain: int) -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def replay(repository: Path) -> ModuleType:
    return launch_file(repository / "launch" / FILE)


def test_its_arguments_and_the_nodes_are_shown(ros_domain: int) -> None:
    with launched(FILE, "--show-args") as process:
        assert process.wait() == 0
    shown = shown_arguments(process)
    assert shown[:5] == ["drive", "image", "rate", "start", "loop"]
    assert {"rviz", "checkpoint", "target", "params_file", "namespace"} <= set(shown[5:])
    assert len(set(shown)) == len(shown)


@pytest.mark.timeout(240)
def test_masks_come_in_the_drives_time_and_all_ends_with_the_drive(
    peer: Peer, parameter_file: Path
) -> None:
    arguments = (f"drive:={STREET}", f"params_file:={parameter_file}", "target:=80", "start:=0.4")
    # Slowly: the peer finds the node's masks while the drive plays.
    with launched(FILE, *arguments, "rate:=0.2") as process:
        peer.until(lambda: process.returncode is not None, "end of the launch", END)
        assert process.wait() == 0, process.output
    recorded = [frame.stamp for frame in drive(STREET)][2:]
    masked = [nanoseconds(mask.header.stamp) for mask in peer.masks.messages]
    assert masked
    assert masked == sorted(masked)
    assert set(masked) <= set(recorded)
    assert {mask.width for mask in peer.masks.messages} == {128}
    reported = [nanoseconds(report.header.stamp) for report in peer.reports.messages]
    assert max(reported) < 10 * SECOND  # the node's clock is the drive's
    assert "[player-2] 8 frames, " in process.output


@pytest.mark.timeout(240)
def test_a_loop_goes_on_with_a_node_in_a_namespace(peer: Peer, parameter_file: Path) -> None:
    arguments = (f"drive:={STREET}", f"params_file:={parameter_file}", "namespace:=front")
    masks = peer.listen(Image, "/front/dvsnet/mask")
    with launched(FILE, *arguments, "image:=image", "loop:=true", "rate:=4") as process:
        peer.until(lambda: jumps_back(masks.messages), "mask of a second round", END)
        values = parameters(peer, "/front/dvsnet", "use_sim_time", "target")
        process.interrupt()
        assert process.wait() == 0
    assert values == [True, 70.0]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("topic", ["/camera/image_raw", "/camera/image_raw/compressed"])
def test_a_drive_is_played_compressed(peer: Peer, parameter_file: Path, topic: str) -> None:
    arguments = (
        f"drive:={STREET}",
        f"params_file:={parameter_file}",
        "rate:=0.2",
        f"image:={topic}",
    )
    with launched(FILE, *arguments, "image_transport:=compressed") as process:
        peer.until(lambda: peer.masks.messages, "mask", END)
        process.interrupt()
        assert process.wait() == 0
    assert "listening on /camera/image_raw/compressed" in process.output


@pytest.mark.parametrize("heard", ["/camera/image_raw", "/camera/image_raw/compressed"])
def test_a_bag_waits_for_a_subscriber_of_either_kind(
    replay: ModuleType, monkeypatch: pytest.MonkeyPatch, peer: Peer, heard: str
) -> None:
    monkeypatch.setattr(replay, "get_ros_node", lambda _context: peer.node)
    player = replay.ExecuteProcess(cmd=["true"])
    waiting = replay.when_subscribed("/camera/image_raw", player)
    assert waiting.execute(None) != [player]
    peer.listen(Image, heard)
    peer.until(lambda: peer.node.count_subscribers(heard), "subscriber")
    assert waiting.execute(None) == [player]


def jumps_back(masks: list[Image]) -> bool:
    """Whether the stamps do."""
    stamps = [nanoseconds(mask.header.stamp) for mask in masks]
    return stamps != sorted(stamps)


def test_a_wrong_drive_ends_all_with_its_sentence(peer: Peer, parameter_file: Path) -> None:
    with launched(FILE, "drive:=/no/where", f"params_file:={parameter_file}") as process:
        process.wait_for("dvsnet play: there is no /no/where; a drive is")
        process.wait_for("the player failed; it says why above")
        assert process.wait(END) == 1


@pytest.mark.timeout(240)
def test_a_node_that_fails_ends_all(peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "parameters.yaml"
    path.write_text("/**: {ros__parameters: {target: 500.0}}\n")
    with launched(FILE, f"drive:={STREET}", f"params_file:={path}") as process:
        process.wait_for("a parameter can't be used")
        process.wait_for("the node failed; it says why above")
        assert process.wait(END) == 1


@pytest.mark.parametrize(
    ("names", "source", "expected"),
    [
        (["street/metadata.yaml", "street/street_0.mcap"], "street", True),
        (["street.mcap"], "street.mcap", True),
        (["street.db3"], "street.db3", True),
        (["street.mp4"], "street.mp4", False),
        (["street/0.png"], "street", False),
        (["street/metadata.yaml", "street/0.png"], "street", False),
        ([], "synthetic", False),
    ],
)
def test_bags_are_told_from_other_drives(
    replay: ModuleType, tmp_path: Path, names: list[str], source: str, expected: bool
) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert replay.is_bag(tmp_path / source) == expected


@pytest.mark.parametrize(("loop", "last"), [("true", ["--loop"]), ("false", ["--delay", "1"])])
def test_a_bag_is_played_by_ros2_without_the_masks_that_it_may_hold(
    replay: ModuleType, loop: str, last: list[str]
) -> None:
    values = {"drive": "street", "rate": "0.5", "start": "3.0", "loop": loop}
    command = replay.bag_command(values.__getitem__, "/cam/image_raw")
    assert command[:4] == ["ros2", "bag", "play", "street"]
    topics = command[command.index("--topics") + 1 : command.index("--rate")]
    assert topics == [
        "/cam/image_raw", "/cam/image_raw/compressed", "/cam/camera_info", "/tf", "/tf_static",
    ]  # fmt: skip
    assert command[-len(last) - 5 :] == [
        "--rate", "0.5", "--start-offset", "3.0", "--clock", *last,
    ]  # fmt: skip
