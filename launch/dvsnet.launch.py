"""Starts the node `dvsnet`, which configures and activates itself unless `autostart` is false.

ros2 launch dvsnet_ros dvsnet.launch.py --show-args     lists the arguments

Every parameter of the node is an argument, too; one that is left empty leaves what the parameter
file says.
"""

import posixpath
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from dvsnet_ros.nodes.large_images import large_images_environment
from dvsnet_ros.nodes.parameters import TABLE

CONFIG = Path(get_package_share_directory("dvsnet_ros")) / "config"
RESPAWN_DELAY = 2.0  # seconds
SIM_TIME = "use_sim_time"
PARAMETERS = {name: type(spec.default) for name, spec in TABLE.items()} | {SIM_TIME: bool}


def given(context: LaunchContext, name: str) -> str:
    """The value of a launch argument."""
    return LaunchConfiguration(name).perform(context)


def node(context: LaunchContext) -> list[LifecycleNode]:
    """The node, as the launch arguments want it."""
    parameters = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in PARAMETERS.items()
        if given(context, name)
    }
    variables = large_images_environment() if given(context, "large_images") == "true" else {}
    return [
        LifecycleNode(
            package="dvsnet_ros",
            executable="dvsnet_node",
            name="dvsnet",
            namespace=given(context, "namespace"),
            output="screen",
            emulate_tty=True,
            parameters=[given(context, "params_file"), *([parameters] if parameters else [])],
            remappings=[("image", given(context, "image"))],
            ros_arguments=["--log-level", given(context, "log_level")],
            additional_env=variables,
            respawn=given(context, "respawn") == "true",
            respawn_delay=RESPAWN_DELAY,
        )
    ]


def rviz(context: LaunchContext) -> list[Action]:
    """RViz, if it is asked for."""
    if given(context, "rviz") != "true":
        return []
    try:
        get_package_share_directory("rviz2")
    except PackageNotFoundError as error:
        raise RuntimeError(
            "rviz:=true needs the ROS package rviz2, which is not installed here; install it (apt "
            "install ros-<distribution>-rviz2), or leave rviz:=true out"
        ) from error
    arguments = ["-d", str(CONFIG / "dvsnet.rviz")]
    remappings = shown_in(given(context, "namespace"))
    return [Node(package="rviz2", executable="rviz2", arguments=arguments, remappings=remappings)]


def shown_in(namespace: str) -> list[tuple[str, str]]:
    """What leads RViz from the topics that its configuration names to the node's."""
    topics = [f"/dvsnet/{output}" for output in ("overlay", "confidence", "mask")]
    return [(topic, posixpath.join("/", namespace, topic.lstrip("/"))) for topic in topics]


def generate_launch_description() -> LaunchDescription:
    """The arguments, RViz and the node."""
    arguments = {
        "image": ("image", "camera topic; of compressed images, the topic without /compressed"),
        "namespace": ("", "namespace of the node"),
        "params_file": (str(CONFIG / "dvsnet.yaml"), "parameter file"),
        "log_level": ("info", "debug, info, warn, error or fatal"),
        SIM_TIME: ("", "true: take the time from /clock, as of a bag that is played"),
    }
    arguments |= {name: ("", spec.description) for name, spec in TABLE.items()}
    choices = {
        "large_images": ("true", "give Fast DDS shared memory for images of over half a megabyte"),
        "respawn": ("false", "start the node again where its process ends"),
        "rviz": ("false", "open RViz with what the node publishes"),
    }
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in arguments.items()
            ),
            *(
                DeclareLaunchArgument(
                    name, default_value=default, choices=["true", "false"], description=text
                )
                for name, (default, text) in choices.items()
            ),
            OpaqueFunction(function=rviz),
            OpaqueFunction(function=node),
        ]
    )
