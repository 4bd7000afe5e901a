"""The command ``dvsnet_node``: the node, or a sentence on what it lacks here."""

import sys

from dvsnet_ros.commands.flags import INTERRUPTED


def main() -> None:
    """Run the node; exits with a sentence where ROS 2, the messages or torch can't be imported."""
    try:
        from dvsnet_ros.nodes.dvsnet_node import main as run
    except ModuleNotFoundError as error:
        sys.exit(
            f"dvsnet_node can't start: {error} (of {sys.executable}). Activate the environment "
            "that has it. Where ROS 2 or dvsnet_ros.msg is missing in a virtual environment: pip "
            "install -r requirements-ros.txt, then install dvsnet_ros again (docs/install.md)."
        )
    except ImportError as error:  # a library of torch's, say, that is of another version
        sys.exit(f"dvsnet_node can't start: {error} (of {sys.executable})")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    run()
