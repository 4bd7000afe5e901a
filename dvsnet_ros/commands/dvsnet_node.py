"""The command ``dvsnet_node``: the node, or a sentence on what it lacks here."""

import signal
import sys


def main() -> None:
    """Run the node; exits with a sentence where ROS 2, the messages or torch can't be imported."""
    # Nothing has to be tidied up yet, and some library's import may lose a KeyboardInterrupt.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
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
    run()
