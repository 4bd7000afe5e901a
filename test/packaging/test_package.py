"""package.xml, setup.py, CMakeLists.txt and the folders say the same; imports run downwards."""

import ast
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import metadata
from pathlib import Path

import pytest

import dvsnet_ros

COLOUR_SEAM = "dvsnet_ros/drives/image_library.py"  # cv_bridge converts bags for drives, too
ROOMS = ("core", "drives", "training", "evaluation", "nodes", "commands")  # from the ground up
ROS = re.compile(r"(.*_msgs|.*_srvs|.*_interfaces|rclpy|launch.*|cv_bridge|ament_.*)$")
# The names of one dependency: for pip (setup.py), for rosdep (package.xml; None: from pip alone).
DEPENDENCIES = {
    "torch": None,
    "numpy": "python3-numpy",
    "opencv-python-headless": "python3-opencv",
    "safetensors": None,
    "tqdm": "python3-tqdm",
    "PyYAML": "python3-yaml",
}


@pytest.fixture(scope="module")
def manifest(repository: Path) -> ElementTree.Element:
    return ElementTree.parse(repository / "package.xml").getroot()


def depends(manifest: ElementTree.Element) -> set[str]:
    """What package.xml needs to run."""
    tags = ("depend", "exec_depend")
    return {element.text or "" for tag in tags for element in manifest.findall(tag)}


def setup_argument(repository: Path, name: str) -> list[str]:
    """A literal argument of setup() in setup.py."""
    tree = ast.parse((repository / "setup.py").read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    values = [key.value for call in calls for key in call.keywords if key.arg == name]
    assert len(values) == 1, f"setup.py says {name} {len(values)} times"
    return list(ast.literal_eval(values[0]))


def modules(repository: Path, room: str) -> list[Path]:
    return sorted((repository / "dvsnet_ros" / room).rglob("*.py"))


def imports(module: Path) -> set[str]:
    """Full names of the modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(module: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(module)}


def test_one_version(manifest: ElementTree.Element) -> None:
    assert manifest.findtext("version") == dvsnet_ros.__version__
    assert metadata("dvsnet_ros")["Version"] == dvsnet_ros.__version__


def test_every_license_is_there(repository: Path, manifest: ElementTree.Element) -> None:
    files = [element.get("file") for element in manifest.findall("license")]
    assert files == ["LICENSE", "dvsnet_ros/weights/LICENSE"]
    assert all((repository / str(file)).read_text() for file in files)
    assert (Path(dvsnet_ros.__file__).parent / "weights" / "LICENSE").is_file()


def test_dependencies_are_named_for_pip_and_for_rosdep(
    repository: Path, manifest: ElementTree.Element
) -> None:
    stated = setup_argument(repository, "install_requires")
    names = {re.split(r"[<>=!~ ;\[]", line)[0]: line for line in stated}
    assert set(names) == set(DEPENDENCIES)
    for line in stated:
        assert re.search(r">=.*<|<.*>=", line), f"{line} is not pinned to a range"
    assert {key for key in DEPENDENCIES.values() if key} <= depends(manifest)


def test_ros_packages_that_are_imported_are_declared(
    repository: Path, manifest: ElementTree.Element
) -> None:
    used = {name for path in modules(repository, "nodes") for name in tops(path)}
    used |= {name for path in (repository / "launch").glob("*.py") for name in tops(path)}
    assert {name for name in used if ROS.match(name)} <= depends(manifest)


def test_ros_wheels_are_pinned(repository: Path) -> None:
    lines = (repository / "requirements-ros.txt").read_text().splitlines()
    wheels = [line for line in lines if line.startswith("ros-")]
    assert wheels
    assert all("==" in line for line in wheels)


def test_messages_are_built_from_msg(repository: Path) -> None:
    built = re.findall(r"msg/\w+\.msg", (repository / "CMakeLists.txt").read_text())
    assert sorted(built) == sorted(f"msg/{path.name}" for path in (repository / "msg").iterdir())


@pytest.mark.parametrize("name", ["PathDecision", "PathDecisions"])
def test_generated_messages_have_the_fields_of_msg(repository: Path, name: str) -> None:
    messages = pytest.importorskip("dvsnet_ros.msg", reason="the messages are not built here")
    lines = (repository / "msg" / f"{name}.msg").read_text().splitlines()
    fields = [line.split()[1] for line in lines if line and not line.startswith("#")]
    message = getattr(messages, name)
    constants = [field.split("=") for field in fields if "=" in field]
    names = [field for field in fields if "=" not in field]
    assert list(message.get_fields_and_field_types()) == names
    for constant, value in constants:
        assert getattr(message, constant) == int(value)


def test_every_field_is_commented(repository: Path) -> None:
    for path in (repository / "msg").iterdir():
        blocks = path.read_text().strip().split("\n\n")
        assert all(block.startswith("#") for block in blocks), path


def test_every_folder_of_modules_is_a_package(repository: Path) -> None:
    folders = {path.parent for path in (repository / "dvsnet_ros").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_downwards(repository: Path, room: str) -> None:
    above = ROOMS[ROOMS.index(room) + 1 :]
    for path in modules(repository, room):
        for name in imports(path):
            upwards = name.startswith(tuple(f"dvsnet_ros.{other}" for other in above))
            assert not upwards, f"{path} imports {name}"


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "nodes"])
def test_only_nodes_import_ros(repository: Path, room: str) -> None:
    for path in modules(repository, room):
        allowed = {"cv_bridge"} if path == repository / COLOUR_SEAM else set()
        assert {name for name in tops(path) if ROS.match(name)} <= allowed, path
        assert "dvsnet_ros.msg" not in imports(path), path


def test_the_colour_library_is_declared(repository: Path, manifest: ElementTree.Element) -> None:
    assert "cv_bridge" in tops(repository / COLOUR_SEAM) & depends(manifest)


def test_core_is_torch_only_and_drives_know_no_torch(repository: Path) -> None:
    for path in modules(repository, "core"):
        images = {"cv2"} if path.name in ("overlay.py", "tracking.py") else set()
        assert tops(path) & {"cv2", "matplotlib", "rosbags"} <= images, path
    check_torch_stays_away("dvsnet_ros.drives")
    for path in modules(repository, "drives"):
        assert "torch" not in tops(path), path


def test_the_launch_files_know_no_torch(repository: Path) -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    files = list((repository / "launch").glob("*.py"))
    assert files
    ours = {name for path in files for name in imports(path) if name.startswith("dvsnet_ros")}
    modules = {name for name in ours if name.rpartition(".")[0] not in ours}
    check_torch_stays_away(", ".join(modules))


def check_torch_stays_away(modules: str) -> None:
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_config_and_launch_are_installed(repository: Path) -> None:
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    shares = [Path(prefix, "share", "dvsnet_ros") for prefix in prefixes]
    share = next((share for share in shares if share.is_dir()), None)
    if share is None:
        pytest.skip(f"dvsnet_ros was installed without ROS 2: there is no share folder in {shares}")
    for folder in ("config", "launch"):
        for path in (repository / folder).iterdir():
            if path.is_file():
                assert (share / folder / path.name).is_file(), f"{path} is not installed"


def test_ci_calls_the_command_of_the_readme(repository: Path) -> None:
    assert "make test" in (repository / ".ci" / "run").read_text()


def test_executables_start_in_the_environment_that_is_active(repository: Path) -> None:
    for path in (repository / "scripts").iterdir():
        assert path.read_text().startswith("#!/usr/bin/env python3\n"), path
        assert path.stat().st_mode & 0o111, f"{path} can't be executed"


def run_node_with(modules: Path) -> subprocess.CompletedProcess[str]:
    """What becomes of the node where Python finds modules of this folder before others."""
    code = "from dvsnet_ros.commands.dvsnet_node import main; main()"
    path = os.pathsep.join([str(modules), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_node_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "rclpy.py").write_text("raise ModuleNotFoundError(\"No module named 'rclpy'\")\n")
    result = run_node_with(tmp_path)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert "No module named 'rclpy'" in result.stderr
    assert "requirements-ros.txt" in result.stderr


def test_the_node_says_what_it_can_not_import(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libcudnn.so.8: cannot open it')\n")
    result = run_node_with(tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("dvsnet_node can't start: libcudnn.so.8: cannot open it (of ")
    assert len(result.stderr.strip().splitlines()) == 1
