"""Looks at an installed workspace from within it: messages, share folder, executables.

Usage: python look_at_workspace.py WORKSPACE, with WORKSPACE/install/setup.bash sourced.
"""

import subprocess
import sys
from pathlib import Path

from ament_index_python.packages import get_package_prefix, get_package_share_directory

ROOT = Path(__file__).resolve().parent.parent


def main(workspace: Path) -> None:
    """Raises AssertionError for what is not as it should be."""
    prefix = Path(get_package_prefix("dvsnet_ros"))
    assert prefix == workspace / "install" / "dvsnet_ros", prefix

    import dvsnet_ros
    from dvsnet_ros.msg import PathDecision, PathDecisions

    assert Path(dvsnet_ros.__file__).is_relative_to(prefix), dvsnet_ros.__file__
    decision = PathDecision(path=PathDecision.FLOW)
    assert PathDecisions(decisions=[decision]).decisions == [decision]

    share = Path(get_package_share_directory("dvsnet_ros"))
    wanted = ["package.xml"]
    for folder in ("launch", "config", "msg"):
        wanted += [f"{folder}/{path.name}" for path in (ROOT / folder).iterdir() if path.is_file()]
    missing = [name for name in wanted if not (share / name).is_file()]
    assert not missing, f"not in {share}: {missing}"

    for executable in ("dvsnet", "dvsnet_node"):
        path = prefix / "lib" / "dvsnet_ros" / executable
        assert path.read_text().startswith("#!/usr/bin/env python3\n"), path
    subprocess.run([prefix / "lib" / "dvsnet_ros" / "dvsnet", "--help"], check=True)
    print(f"{prefix}: the messages, {len(wanted)} files in share and the executables are there")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
