"""Plays a drive into the node `dvsnet`, in the drive's own time, and ends with drive or node.

ros2 launch dvsnet_ros replay.launch.py drive:=street.mp4 rviz:=true
ros2 launch dvsnet_ros replay.launch.py --show-args     lists the arguments

A bag is played by `ros2 bag play` where that is installed, everything else by `dvsnet play`.
"""

import posixpath
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, SetParameter
from launch_ros.ros_adapters import get_ros_node
from launch_ros.substitutions import ExecutableInPackage

from dvsnet_ros.drives.folders import BAG_SUFFIXES, is_bag_folder
from dvsnet_ros.drives.topics import COMPRESSED, camera_info_beside
from dvsnet_ros.nodes.large_images import large_images_environment

SHARE = Path(get_package_share_directory("dvsnet_ros"))
POLL = 0.2  # seconds between looks for the node's subscription

Given = Callable[[str], str]


def given_by(context: LaunchContext) -> Given:
    """What gives the values of the launch arguments."""
    return lambda name: LaunchConfiguration(name).perform(context)


def player(context: LaunchContext) -> list[Action]:
    """What plays the drive, once the node listens; all ends when it does."""
    given = given_by(context)
    topic = posixpath.join("/", given("namespace"), given("image"))
    if given("image_transport") == "compressed":
        topic = topic.removesuffix(COMPRESSED)  # as the node does
    if not (is_bag(Path(given("drive"))) and has_ros2_bag()):
        # It waits for the node by itself.
        return [process(play_command(given, topic), {})]
    variables = large_images_environment() if given("large_images") == "true" else {}
    return [when_subscribed(topic, process(bag_command(given, topic), variables))]


def process(command: list[object], variables: dict[str, str]) -> ExecuteProcess:
    """A player, with these environment variables added."""
    return ExecuteProcess(
        cmd=command,
        name="player",
        output="screen",
        additional_env=variables,
        on_exit=end_with("player"),
    )


def end_with(who: str) -> Callable[[ProcessExited, LaunchContext], list[Action]]:
    """What ends everything when this process has ended, unless the end has come already."""

    def end(event: ProcessExited, context: LaunchContext) -> list[Action]:
        if context.is_shutdown:
            return []
        if event.returncode:
            raise RuntimeError(f"the {who} failed; it says why above")
        return [Shutdown(reason=f"the {who} has ended")]

    return end


def is_the_node(action: Action) -> bool:
    """Whether it is the node's process, without which the player would wait for ever."""
    return isinstance(action, LifecycleNode)


def play_command(given: Given, topic: str) -> list[object]:
    """`dvsnet play`."""
    dvsnet = ExecutableInPackage("dvsnet", "dvsnet_ros")
    waiting = ["--topic", topic, "--wait-for-subscribers"]
    compressed = ["--compressed"] if given("image_transport") == "compressed" else []
    times = ["--rate", given("rate"), "--start", given("start"), "--clock"]
    return [dvsnet, "play", given("drive"), *waiting, *compressed, *times, *looped(given)]


def bag_command(given: Given, topic: str) -> list[object]:
    """`ros2 bag play`, of the camera and the transforms alone: a bag may hold masks already."""
    beside = camera_info_beside(topic)
    topics = ["--topics", topic, f"{topic}{COMPRESSED}", beside, "/tf", "/tf_static"]
    times = ["--rate", given("rate"), "--start-offset", given("start"), "--clock"]
    # A second to be found by the node in; in a loop the beginning comes again anyway.
    delay = [] if looped(given) else ["--delay", "1"]
    play = ["ros2", "bag", "play", given("drive"), "--disable-keyboard-controls"]
    return [*play, *topics, *times, *delay, *looped(given)]


def looped(given: Given) -> list[str]:
    """The flag that both players have."""
    return ["--loop"] if given("loop") == "true" else []


def is_bag(path: Path) -> bool:
    """Whether it looks like what `ros2 bag play` takes."""
    return is_bag_folder(path) if path.is_dir() else path.suffix in BAG_SUFFIXES


def has_ros2_bag() -> bool:
    """Whether `ros2 bag play` is installed."""
    return all(find_spec(name) is not None for name in ("ros2bag", "rosbag2_py"))


def when_subscribed(topic: str, action: Action) -> OpaqueFunction:
    """The action, once somebody subscribes to the topic or to its compressed twin."""

    def look(context: LaunchContext) -> list[Action]:
        listener = get_ros_node(context)
        if any(map(listener.count_subscribers, (topic, f"{topic}{COMPRESSED}"))):
            return [action]
        return [TimerAction(period=POLL, actions=[OpaqueFunction(function=look)])]

    return OpaqueFunction(function=look)


def generate_launch_description() -> LaunchDescription:
    """The arguments, the node (and RViz) in the drive's time, and the player."""
    arguments = {
        "drive": ("synthetic", "a bag, a folder of images, a video, ... or synthetic"),
        "image": ("/camera/image_raw", "topic of the images; for `ros2 bag play`, the bag's own"),
        "rate": ("1.0", "factor of speed; 0.5 plays half as fast as recorded"),
        "start": ("0.0", "seconds into the drive"),
    }
    node = SHARE / "launch" / "dvsnet.launch.py"
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in arguments.items()
            ),
            DeclareLaunchArgument(
                "loop",
                default_value="false",
                choices=["true", "false"],
                description="begin anew at the end, until Ctrl-C",
            ),
            SetParameter("use_sim_time", True),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(str(node))),
            RegisterEventHandler(
                OnProcessExit(target_action=is_the_node, on_exit=end_with("node"))
            ),
            OpaqueFunction(function=player),
        ]
    )
