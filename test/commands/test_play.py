"""``dvsnet play`` over real DDS: what arrives, what it says of itself, and that it ends cleanly.

The machine may be slow, so nothing here depends on when something comes.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dvsnet_ros.commands.flags import INTERRUPTED
from dvsnet_ros.commands.main import main
from dvsnet_ros.commands.play import WRONG_INPUT
from dvsnet_ros.drives import drive
from dvsnet_ros.nodes.image_conversion import to_bgr
from dvsnet_ros.nodes.messages import nanoseconds
from helpers.peer import SECOND, Inbox, Peer
from helpers.processes import running

PLAY = [sys.executable, "-m", "dvsnet_ros.commands.main", "play"]
STREET = "synthetic:width=160,height=120,rate=15,duration=2"
ALL = QoSProfile(depth=1000, reliability=ReliabilityPolicy.RELIABLE)
CLOCK = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
END = 60.0


@pytest.fixture
def peer(ros_domain: int) -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


def play_to_the_end(peer: Peer, inboxes: list[Inbox], count: int, *arguments: str) -> str:
    """Plays until the inboxes have so many messages, and then to the end; returns what was said."""
    with running([*PLAY, *arguments, "--wait-for-subscribers"]) as process:
        peer.until(
            lambda: all(len(inbox.messages) >= count for inbox in inboxes), f"{count} frames", END
        )
        assert process.wait() == 0, process.output
    return process.output


def stamps(inbox: Inbox) -> list[int]:
    return [nanoseconds(message.header.stamp) for message in inbox.messages]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A drive of five grey images, each its own shade."""
    folder = tmp_path / "greys"
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((24, 32, 3), 40 * index, np.uint8))
    return folder


def test_every_frame_arrives_as_it_is(peer: Peer) -> None:
    images = peer.listen(Image, "/camera/image_raw", ALL)
    infos = peer.listen(CameraInfo, "/camera/camera_info", ALL)
    said = play_to_the_end(peer, [images, infos], 30, STREET)
    frames = list(drive(STREET))
    assert stamps(images) == stamps(infos) == [frame.stamp for frame in frames]
    assert {message.header.frame_id for message in images.messages} == {"camera"}
    for message, frame in zip(images.messages, frames, strict=True):
        assert np.array_equal(to_bgr(message), frame.image)
    assert {(info.width, info.height) for info in infos.messages} == {(160, 120)}
    assert "waiting for a subscriber of /camera/image_raw" in said
    kept = re.search(
        r"^30 frames, (each within 2 ms of its time \(the latest: \d\.\d\d\)|"
        r"\d+ of them more than 2 ms late, the latest by \d+\.\d ms; none was left out)$",
        said,
        re.MULTILINE,
    )
    assert kept, said


def test_a_section_compressed_on_another_topic(peer: Peer) -> None:
    images = peer.listen(CompressedImage, "/front/image/compressed", ALL)
    infos = peer.listen(CameraInfo, "/front/camera_info", ALL)
    section = ("--start", "0.4", "--duration", "0.2", "--rate", "3")
    flags = ("--compressed", "--topic", "/front/image", *section)
    play_to_the_end(peer, [images, infos], 3, STREET, *flags)
    frames = list(drive(STREET))[6:9]
    assert stamps(images) == stamps(infos) == [frame.stamp for frame in frames]
    for message, frame in zip(images.messages, frames, strict=True):
        assert np.abs(to_bgr(message).astype(int) - frame.image).mean() < 5


def test_a_loop_jumps_back_and_ctrl_c_ends_it(peer: Peer, folder: Path) -> None:
    images = peer.listen(Image, "/camera/image_raw", ALL)
    arguments = [str(folder), "--loop", "--frame-rate", "50", "--wait-for-subscribers"]
    with running([*PLAY, *arguments]) as process:
        peer.until(lambda: len(images.messages) >= 12, "third round", END)
        process.interrupt()
        assert process.wait() == INTERRUPTED
    recorded = [round(index * SECOND / 50) for index in range(5)]
    assert stamps(images)[:12] == [*recorded, *recorded, *recorded[:2]]
    assert re.search(r"^dvsnet play: interrupted; \d+ frames, ", process.output, re.MULTILINE)
    assert "Traceback" not in process.output


def test_ctrl_c_ends_the_waiting(peer: Peer, folder: Path) -> None:
    with running([*PLAY, str(folder), "--wait-for-subscribers"]) as process:
        process.wait_for("waiting for a subscriber", END)
        process.interrupt()
        assert process.wait() == INTERRUPTED
    assert process.output.endswith("dvsnet play: interrupted; no frame was played")


def test_without_a_place_for_logs_it_says_so(folder: Path) -> None:
    with running([*PLAY, str(folder)], ROS_LOG_DIR="/dev/null/log") as process:
        assert process.wait(END) == WRONG_INPUT
    assert "dvsnet play: ROS can't start with these arguments and variables: " in process.output
    assert "Failed to create log directory '/dev/null/log'" in process.output
    assert "Traceback" not in process.output


def test_the_clock_tells_the_drives_time(peer: Peer, folder: Path) -> None:
    told = peer.listen(Clock, "/clock", CLOCK)
    images = peer.listen(Image, "/camera/image_raw", ALL)
    play_to_the_end(peer, [images], 5, str(folder), "--clock", "100", "--rate", "0.2")
    recorded = stamps(images)
    times = [nanoseconds(message.clock) for message in told.messages]
    assert times == sorted(times)
    assert recorded[0] <= times[0] < times[-1] <= recorded[-1]
    assert set(times) - set(recorded)  # told between the frames too


def test_without_clock_nobodys_time_is_told(peer: Peer, folder: Path) -> None:
    images = peer.listen(Image, "/camera/image_raw", ALL)
    with running([*PLAY, str(folder), "--loop"]):
        peer.until(lambda: images.messages, "image", END)
        assert not peer.node.get_publishers_info_by_topic("/clock")


def stamp_in_2040(folder: Path) -> None:
    """Give a folder of five images stamps that no message can have."""
    lines = (f"2040-01-01 00:00:00.{number}" for number in range(5))
    (folder / "timestamps.txt").write_text("\n".join(lines))


def test_stamps_that_no_message_can_have(
    folder: Path, capsys: pytest.CaptureFixture[str], ros_domain: int
) -> None:
    stamp_in_2040(folder)
    assert main(["play", str(folder)]) == 2
    assert capsys.readouterr().err.endswith("the drive a rate, as with ?rate=10 after its name\n")


def test_stamped_now(peer: Peer, folder: Path) -> None:
    stamp_in_2040(folder)
    images = peer.listen(Image, "/camera/image_raw", ALL)
    infos = peer.listen(CameraInfo, "/camera/camera_info", ALL)
    before = peer.node.get_clock().now().nanoseconds
    play_to_the_end(peer, [images, infos], 5, str(folder), "--stamp", "now")
    after = peer.node.get_clock().now().nanoseconds
    given = stamps(images)
    assert given == stamps(infos) == sorted(given)
    assert len(set(given)) == 5
    assert before < given[0] < given[-1] < after


def test_best_effort_is_offered_as_best_effort(peer: Peer, folder: Path) -> None:
    images = peer.listen(Image, "/camera/image_raw", CLOCK)
    with running([*PLAY, str(folder), "--loop", "--qos", "best_effort"]):
        peer.until(lambda: images.messages, "image", END)
        offered = peer.node.get_publishers_info_by_topic("/camera/image_raw")
    assert [info.qos_profile.reliability for info in offered] == [ReliabilityPolicy.BEST_EFFORT]


def test_a_machine_that_cannot_keep_up_says_so_and_leaves_nothing_out(ros_domain: int) -> None:
    with running([*PLAY, "synthetic:duration=1", "--rate", "1000"]) as process:
        assert process.wait(END) == 0
    assert re.search(
        r"^dvsnet play: \d+\.\d s behind; frames come late, none is left out$",
        process.output,
        re.MULTILINE,
    )
    assert re.search(r"^15 frames, \d+ of them more than 2 ms late", process.output, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{folder}/nowhere"], "there is no {folder}/nowhere; a drive is"),
        (["{folder}"], "the folder {folder} holds no images; it is empty"),
        ([STREET, "--start", "20"], "has no frame that can be read from 20 s on"),
        (["synthetic", "--topic", "/camera/"], "'/camera/' can't be a topic: "),
        (["synthetic", "--topic", "/a//b"], "'/a//b' can't be a topic: "),
        (["synthetic", "--topic", "{{foo}}/b"], "unknown substitution: {{foo}}\n"),
        (["synthetic", "--topic", "/camera/camera_info"], "give the images another topic"),
        (["synthetic", "--topic", "my camera"], "'my camera' can't be a topic: "),
    ],
)
def test_wrong_input_gets_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ros_domain: int,
) -> None:
    assert main(["play", *(argument.format(folder=tmp_path) for argument in arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("dvsnet play: ")
    assert sentence.format(folder=tmp_path) in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "what"),
    [
        (["--rate", "0"], "argument -r/--rate: '0' is no number from 0.001 to 1000"),
        (["--rate", "fast"], "argument -r/--rate: 'fast' is no number from 0.001 to 1000"),
        (["--start", "-1"], "argument --start: '-1' is no number from 0 to 1e+09"),
        (["--duration", "inf"], "argument --duration: 'inf' is no number from 0.001 to 1e+09"),
        (["--clock", "nan"], "argument --clock: 'nan' is no number from 0.1 to 1000"),
        (["--qos", "good"], "argument --qos: invalid choice: 'good'"),
        (["--clock", "--stamp", "now"], "--clock tells the drive's own time, which --stamp now"),
    ],
)
def test_flags_out_of_range_are_refused(
    flags: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["play", "synthetic", *flags])
    assert ended.value.code == 2
    assert what in capsys.readouterr().err


def test_playing_needs_no_torch() -> None:
    code = "import sys, dvsnet_ros.commands.play; sys.exit('torch' in sys.modules)"
    with running([sys.executable, "-c", code]) as process:
        assert process.wait(END) == 0
