"""Starts the node `dvsnet`, which configures and activates itself unless `autostart` is false.

ros2 launch dvsnet_ros dvsnet.launch.py --show-args     lists the arguments

An argument that is left empty leaves what the parameter file says.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from dvsnet_ros.nodes.large_images import large_images_environment

CONFIG = Path(get_package_share_directory("dvsnet_ros")) / "config"
# Launch arguments that set the parameter of the same name, and its type.
PARAMETERS = {
    "checkpoint": str,
    "device": str,
    "precision": str,
    "target": float,
    "image_transport": str,
    "reliability": str,
}


def node(context: LaunchContext) -> list[LifecycleNode]:
    """The node, as the launch arguments want it."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    parameters = {
        name: ParameterValue(LaunchConfiguration(name), value_type=kind)
        for name, kind in PARAMETERS.items()
        if given(name)
    }
    return [
        LifecycleNode(
            package="dvsnet_ros",
            executable="dvsnet_node",
            name="dvsnet",
            namespace=given("namespace"),
            output="screen",
            emulate_tty=True,
            parameters=[given("params_file"), *([parameters] if parameters else [])],
            remappings=[("image", given("image"))],
            ros_arguments=["--log-level", given("log_level")],
            additional_env=large_images_environment() if given("large_images") == "true" else {},
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """The arguments, and the node."""
    arguments = {
        "image": ("image", "camera topic; of compressed images, the topic without /compressed"),
        "namespace": ("", "namespace of the node"),
        "params_file": (str(CONFIG / "dvsnet.yaml"), "parameter file"),
        "checkpoint": ("", "safetensors file with the networks"),
        "device": ("", "auto, cpu, cuda or cuda:N"),
        "precision": ("", "auto, float32, bfloat16 or float16"),
        "target": ("", "score below which a region goes to the segmentation path, 0 to 100"),
        "image_transport": ("", "raw, or compressed for images on <image>/compressed"),
        "reliability": ("", "of the image subscription: best_effort or reliable"),
        "log_level": ("info", "debug, info, warn, error or fatal"),
    }
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in arguments.items()
            ),
            DeclareLaunchArgument(
                "large_images",
                default_value="true",
                choices=["true", "false"],
                description="give Fast DDS shared memory for images of over half a megabyte",
            ),
            OpaqueFunction(function=node),
        ]
    )
