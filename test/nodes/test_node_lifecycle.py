"""The node's life: transitions, checkpoints good and bad, and its end."""

import math
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import pytest
import torch
from lifecycle_msgs.msg import Transition
from rclpy.qos import ReliabilityPolicy
from safetensors.torch import save_file
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from dvsnet_ros.core.checkpoint import load_checkpoint, save_checkpoint, untrained_checkpoint
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import drive
from dvsnet_ros.nodes.image_conversion import from_array
from dvsnet_ros.nodes.messages import time_message
from dvsnet_ros.nodes.parameters import TABLE
from helpers.peer import OVERLAP, SECOND, SIZE, Peer, dvsnet_node, frame, image
from helpers.processes import Process, running

pytestmark = pytest.mark.usefixtures("ros_domain")

CONFIGURE = Transition.TRANSITION_CONFIGURE
CLEANUP = Transition.TRANSITION_CLEANUP
ACTIVATE = Transition.TRANSITION_ACTIVATE
DEACTIVATE = Transition.TRANSITION_DEACTIVATE
NO_START = "dvsnet: ROS can't start with these arguments and variables: "
OUTPUTS = {"/dvsnet/mask", "/dvsnet/confidence", "/dvsnet/overlay", "/dvsnet/decisions"}


@pytest.fixture(scope="module")
def process(ros_domain: int) -> Iterator[Process]:
    with dvsnet_node(autostart=False, overlap=OVERLAP, precision="float32") as process:
        yield process


@pytest.fixture(scope="module")
def peer(process: Process) -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def unconfigured(peer: Peer, checkpoint: Path) -> Iterator[Peer]:
    """The node, unconfigured and with good parameters, as it is left again."""
    good = {
        "checkpoint": str(checkpoint), "decision_checkpoint": "", "device": "auto",
        "precision": "float32", "overlap": OVERLAP, "region_rows": 2, "region_columns": 2,
        "input_height": 0, "input_width": 0, "reliability": "best_effort",
    }  # fmt: skip
    assert peer.state() == "unconfigured"
    assert peer.set(**good).successful
    yield peer
    if peer.state() == "active":
        assert peer.transition(DEACTIVATE)
    if peer.state() == "inactive":
        assert peer.transition(CLEANUP)


def fails_to_configure(peer: Peer, process: Process) -> str:
    """Asks for a configure that must fail; returns the one line that the node says."""
    before = process.line_count()
    assert not peer.transition(CONFIGURE)
    assert peer.state() == "unconfigured"
    line = process.wait_for("could not configure", after=before)
    said = process.output.splitlines()[before:]
    assert [each for each in said if "[ERROR]" in each or "Traceback" in each] == [line]
    return line


def activate(peer: Peer) -> None:
    """Configures and activates, and waits for an answer that was made since."""
    assert peer.transition(CONFIGURE)
    assert peer.transition(ACTIVATE)
    peer.masks.messages.clear()
    peer.decisions.messages.clear()
    peer.connect()


def publishers(peer: Peer) -> set[str]:
    return {
        name
        for name, _types in peer.node.get_publisher_names_and_types_by_node("dvsnet", "/")
        if name in OUTPUTS
    }


def test_through_all_states_and_back(unconfigured: Peer) -> None:
    peer = unconfigured
    peer.until(lambda: "dvsnet" in peer.node.get_node_names(), "the node in the graph")
    assert publishers(peer) == set()
    assert peer.transition(CONFIGURE)
    assert peer.state() == "inactive"
    peer.until(lambda: publishers(peer) == OUTPUTS, "publishers while configured")
    assert peer.camera.get_subscription_count() == 0
    assert peer.transition(ACTIVATE)
    assert peer.state() == "active"
    peer.connect()
    assert peer.transition(DEACTIVATE)
    peer.until(lambda: peer.camera.get_subscription_count() == 0, "end of the subscription")
    assert peer.transition(CLEANUP)
    peer.until(lambda: publishers(peer) == set(), "end of the publishers")
    assert peer.state() == "unconfigured"


def test_key_frames_do_not_outlive_a_pause(unconfigured: Peer) -> None:
    peer = unconfigured
    assert peer.transition(CONFIGURE)
    for stamp in (1, 2):
        assert peer.transition(ACTIVATE)
        peer.masks.messages.clear()
        peer.decisions.messages.clear()
        peer.connect(lambda _stamp, stamp=stamp: image(stamp * SECOND))
        first = peer.decisions.messages[0]
        assert all(math.isnan(decision.expected_confidence) for decision in first.decisions)
        assert peer.transition(DEACTIVATE)


def test_impossible_transitions_are_refused(unconfigured: Peer, process: Process) -> None:
    for impossible in (ACTIVATE, DEACTIVATE, CLEANUP, 200):
        assert not unconfigured.transition(impossible)
    assert process.returncode is None
    assert unconfigured.state() == "unconfigured"


def truncated(folder: Path) -> dict[str, str]:
    good = folder / "whole.safetensors"
    save_checkpoint(good, untrained_checkpoint())
    path = folder / "cut.safetensors"
    path.write_bytes(good.read_bytes()[:-1000])
    return {"checkpoint": str(path)}


def other_architecture(folder: Path) -> dict[str, str]:
    path = folder / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, path)
    return {"checkpoint": str(path)}


def misfitting_decision_network(folder: Path) -> dict[str, str]:
    path = folder / "full.safetensors"
    full, tiny = untrained_checkpoint(size="full"), untrained_checkpoint()
    for part in (tiny.networks, tiny.specs):
        source = full.networks if part is tiny.networks else full.specs
        part["decision"] = source["decision"]
        part.pop("flow")
    save_checkpoint(path, tiny)
    return {"decision_checkpoint": str(path)}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (lambda _folder: {"checkpoint": "/nowhere/x.safetensors"}, "does not exist"),
        (truncated, "truncated"),
        (other_architecture, "not one of dvsnet_ros"),
        (misfitting_decision_network, "decision network"),
    ],
    ids=["missing", "truncated", "other architecture", "misfitting decision network"],
)
def test_bad_checkpoint_fails_configure_and_a_good_one_then_works(
    unconfigured: Peer, process: Process, checkpoint: Path, tmp_path: Path, bad, said: str
) -> None:
    peer = unconfigured
    assert peer.set(**bad(tmp_path)).successful
    line = fails_to_configure(peer, process)
    assert said in line
    report = peer.until_report(lambda report: report.level == 2, "the failed configure")
    assert said in report.message
    assert said in report.values["last error"]
    assert peer.set(checkpoint=str(checkpoint), decision_checkpoint="").successful
    activate(peer)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"overlap": 12}, "8 or 16"),
        ({"input_height": 96, "input_width": 128, "overlap": 64}, "at most 48"),
        ({"input_height": 32, "input_width": 128, "region_rows": 4}, "at most 2 rows"),
        ({"input_height": 96}, "give both"),
        ({"precision": "float16", "device": "cpu"}, "bfloat16"),
    ],
)
def test_what_can_not_work_together_fails_configure_and_says_what_would(
    unconfigured: Peer, process: Process, parameters: dict[str, object], said: str
) -> None:
    assert unconfigured.set(**parameters).successful
    assert said in fails_to_configure(unconfigured, process)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_cuda_cuda_fails_and_auto_falls_back(unconfigured: Peer, process: Process) -> None:
    peer = unconfigured
    assert peer.set(device="cuda").successful
    assert "use auto or cpu" in fails_to_configure(peer, process)
    assert peer.set(device="auto").successful
    before = process.line_count()
    assert peer.transition(CONFIGURE)
    assert "[WARN]" in process.wait_for("running on the CPU", after=before)


def test_mask_of_another_processing_size_is_the_images_own_size(unconfigured: Peer) -> None:
    peer = unconfigured
    assert peer.set(input_height=64, input_width=80, region_columns=1).successful
    activate(peer)
    mask, decisions = peer.ask(image(5 * SECOND))
    assert (mask.height, mask.width) == SIZE
    assert (decisions.rows, decisions.columns) == (2, 1)
    bottom = decisions.decisions[-1].region
    assert (bottom.y_offset + bottom.height, bottom.width) == SIZE


@pytest.mark.parametrize("name", ["kitti/drive_10hz", "camvid/drive_15hz"])
def test_reliable_subscription_answers_every_frame_of_a_real_drive(
    unconfigured: Peer, shared_data: Path, name: str
) -> None:
    peer = unconfigured
    assert peer.set(reliability="reliable").successful
    activate(peer)
    for real in islice(drive(shared_data / "data" / name), 5):
        asked = from_array(real.image, "bgr8", Header(stamp=time_message(SECOND + real.stamp)))
        mask, decisions = peer.ask(asked)
        assert mask.header == decisions.header == asked.header
        assert (mask.height, mask.width) == real.image.shape[:2]


def test_grid_overlap_and_precision_are_taken_at_configure(unconfigured: Peer) -> None:
    peer = unconfigured
    grid = RegionGrid(*SIZE, rows=3, columns=1, overlap=8)
    shape = {"region_rows": grid.rows, "region_columns": grid.columns, "overlap": grid.overlap}
    assert peer.set(**shape, precision="bfloat16").successful
    activate(peer)
    _mask, decisions = peer.ask(image(3 * SECOND))
    areas = [decision.region for decision in decisions.decisions]
    assert [(area.x_offset, area.y_offset, area.width, area.height) for area in areas] == [
        (region.x, region.y, region.width, region.height) for region in grid.regions
    ]
    assert peer.report().values["precision"] == "bfloat16"


def test_decision_network_may_come_from_its_own_checkpoint(
    unconfigured: Peer, checkpoint: Path, tmp_path: Path
) -> None:
    other = tmp_path / "decision.safetensors"
    save_checkpoint(other, untrained_checkpoint(seed=1))
    assert unconfigured.set(decision_checkpoint=str(other)).successful
    activate(unconfigured)
    unconfigured.reset()
    unconfigured.ask(image(3 * SECOND))
    _mask, decisions = unconfigured.ask(image(4 * SECOND))
    segmenter = VideoSegmenter(
        load_checkpoint(checkpoint, other), overlap=OVERLAP, device="cpu", precision="float32"
    )
    segmenter.segment(frame(3), 3 * SECOND)
    expected = segmenter.segment(frame(4), 4 * SECOND).decisions
    assert [decision.expected_confidence for decision in decisions.decisions] == [
        decision.expected_confidence for decision in expected
    ]


def test_reset_without_networks_says_so(unconfigured: Peer) -> None:
    response = unconfigured.call(Trigger, "/dvsnet/reset", Trigger.Request())
    assert not response.success
    assert "not configured" in response.message


def test_changes_while_inactive_wait_for_the_next_configure(
    unconfigured: Peer, process: Process
) -> None:
    peer = unconfigured
    assert peer.transition(CONFIGURE)
    assert peer.set(region_columns=3, reliability="reliable").successful
    before = process.line_count()
    assert peer.transition(ACTIVATE)
    warned = process.wait_for("region_columns, reliability changed", after=before)
    assert "configure the node again" in warned
    peer.connect()
    (ear,) = peer.node.get_subscriptions_info_by_topic("/image")
    assert ear.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert peer.ask(image(SECOND))[1].columns == 2
    assert peer.transition(DEACTIVATE)
    assert peer.transition(CLEANUP)
    activate(peer)
    assert peer.ask(image(2 * SECOND))[1].columns == 3


def test_failed_autostart_leaves_a_node_that_can_be_configured(
    peer: Peer, process: Process, checkpoint: Path
) -> None:
    """Last but one in this module: the other node has to be gone."""
    assert peer.transition(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert peer.state() == "finalized"
    assert process.stop() == 0
    assert "Traceback" not in process.output
    with dvsnet_node(checkpoint="/nowhere/x.safetensors", overlap=OVERLAP) as second:
        assert "does not exist" in second.wait_for("could not configure")
        peer.until(lambda: peer.camera.get_subscription_count() == 0, "the first node's end")
        assert peer.state() == "unconfigured"
        assert peer.set(checkpoint=str(checkpoint)).successful
        activate(peer)
        ends_cleanly(peer, second, signal.SIGTERM)


def ends_cleanly(peer: Peer, process: Process, number: int) -> None:
    """Ends the process amid frames."""
    for stamp in range(10, 20):
        peer.camera.publish(image(stamp * SECOND))
    os.kill(process.pid, number)
    assert process.wait() == 0
    assert "Traceback" not in process.output
    assert "[ERROR]" not in process.output.partition("active: listening")[2]


def test_interrupt_ends_an_active_node_cleanly(ros_domain: int, checkpoint: Path) -> None:
    with dvsnet_node(checkpoint=checkpoint, overlap=OVERLAP) as process:
        peer = Peer()
        peer.connect()
        ends_cleanly(peer, process, signal.SIGINT)
        peer.close()


def test_without_a_parameter_the_shipped_weights_are_used(ros_domain: int) -> None:
    with dvsnet_node() as process:
        said = process.wait_for("configured:")
        assert "road.safetensors (11 classes of camvid)" in said
        process.wait_for("active: listening")
        assert process.stop() == 0


def test_bad_parameter_at_start_ends_the_process_with_one_line(ros_domain: int) -> None:
    with (
        dvsnet_node(target=500.0) as first,
        dvsnet_node(schedule="never") as second,
        dvsnet_node(max_gap=[]) as third,
    ):
        assert (first.wait(), second.wait(), third.wait()) == (1, 1, 1)
    for process, name, said in (
        (first, "target", "range"),
        (second, "schedule", "dynamic"),
        (third, "max_gap", "has no value"),
    ):
        (line,) = process.output.splitlines()
        assert name in line
        assert said in line


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "usage: dvsnet_node --ros-args "),
        (["--target", "85"], 1, "--target 85 can't be used; parameters are given as in "),
        (["--ros-args", "-r", "image:=/a//b"], 1, NO_START),
        (["--ros-args", "--targets"], 1, f"{NO_START}['--targets']"),
    ],
)
def test_arguments_that_are_no_start(
    arguments: list[str], code: int, said: str, ros_domain: int
) -> None:
    with running([sys.executable, "-m", "dvsnet_ros.nodes.dvsnet_node", *arguments]) as process:
        assert process.wait() == code
    assert said in process.output
    assert "Traceback" not in process.output


def test_help_names_every_parameter(ros_domain: int) -> None:
    with running([sys.executable, "-m", "dvsnet_ros.nodes.dvsnet_node", "-h"]) as process:
        assert process.wait() == 0
    lines = process.output.splitlines()
    for spec in TABLE.values():
        place = next(i for i, line in enumerate(lines) if line.startswith(f"  {spec.name} ("))
        assert lines[place + 1].strip() == spec.description


def test_a_parameter_that_does_not_exist_is_told(ros_domain: int) -> None:
    with dvsnet_node(autostart=False, tarqet=85.0) as process:
        line = process.wait_for("there is no parameter tarqet; did you mean target?")
        assert "[WARN]" in line


def test_the_qos_of_what_is_published_can_be_overridden(ros_domain: int, checkpoint: Path) -> None:
    overrides = {
        "qos_overrides./dvsnet/mask.publisher.reliability": "best_effort",
        "qos_overrides./image.subscription.reliability": "reliable",
    }
    with dvsnet_node(autostart=False, checkpoint=checkpoint, overlap=OVERLAP, **overrides) as node:
        node.wait_for(
            "there is no parameter qos_overrides./image.subscription.reliability; did you mean "
            "reliability?"
        )
        peer = Peer()
        for transition in (CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE):
            assert peer.transition(transition)
        publishers = partial(peer.node.get_publishers_info_by_topic, "/dvsnet/mask")
        peer.until(lambda: len(publishers()) == 1, "one publisher")
        assert publishers()[0].qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
        peer.close()
    assert "mask.publisher.reliability" not in node.output


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ROS_LOG_DIR": "/dev/null/log"}, "Failed to create log directory '/dev/null/log'"),
        ({"ROS_LOG_DIR": "/proc"}, "Failed opening file /proc/python_"),
        ({"ROS_LOG_DIR": "", "ROS_HOME": "", "HOME": ""}, "Failed to get logging directory"),
    ],
)
def test_without_a_place_for_logs_it_says_so(
    variables: dict[str, str], said: str, ros_domain: int
) -> None:
    command = [sys.executable, "-m", "dvsnet_ros.nodes.dvsnet_node"]
    with running(command, **variables) as process:
        assert process.wait() == 1
    assert NO_START in process.output
    assert said in process.output
    assert "(logs are written below ROS_LOG_DIR, or below HOME: set one" in process.output
    assert "Traceback" not in process.output


SAYS_WHAT_IS_LEFT = """
import atexit, gc
from dvsnet_ros.nodes.dvsnet_node import main
atexit.register(lambda: print("left to the collector:", len(gc.get_objects())))
main(["dvsnet_node", "--ros-args", "-p", "target:=500.0"])
"""


def test_the_end_is_not_held_up_by_all_that_torch_keeps(ros_domain: int) -> None:
    with running([sys.executable, "-c", SAYS_WHAT_IS_LEFT]) as process:
        assert process.wait() == 1
    left = process.wait_for("left to the collector:")
    assert int(left.rpartition(" ")[2]) < 10_000


LOSES_INTERRUPTS = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    pass
print("torch goes on")
"""


def test_an_interrupt_is_not_lost_while_libraries_load(ros_domain: int, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(LOSES_INTERRUPTS)
    start = "from dvsnet_ros.commands.dvsnet_node import main; main()"
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    with running([sys.executable, "-c", start], PYTHONPATH=paths) as process:
        assert process.wait() == -signal.SIGINT
    assert process.output == ""
