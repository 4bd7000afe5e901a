"""Installs dvsnet_ros with pip: the package, its commands and, where ROS 2 is, its messages.

The messages are built from msg/ by the same CMakeLists.txt that `colcon build` uses, when the
environment that pip installs into has ROS 2's message generators (requirements-ros.txt). Without
them everything that needs no ROS is installed all the same.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import ClassVar

from setuptools import Command, Distribution, find_packages, setup
from setuptools.command.build import build

ROOT = Path(__file__).resolve().parent
PREFIX = Path(sys.prefix)
HAS_ROS = (PREFIX / "share" / "rosidl_default_generators").is_dir()


def version() -> str:
    """The version, which package.xml states for ROS and for pip."""
    found = re.search(r"<version>(.+)</version>", (ROOT / "package.xml").read_text())
    if found is None:
        raise SystemExit("package.xml states no <version>")
    return found.group(1)


def requirements(name: str) -> list[str]:
    """The lines of a requirements file that name something."""
    lines = (ROOT / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def cmake(*arguments: str) -> None:
    """Runs CMake in the environment that pip installs into, not in pip's isolated one."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment["CMAKE_PREFIX_PATH"] = environment["AMENT_PREFIX_PATH"] = str(PREFIX)
    environment["PATH"] = f"{PREFIX / 'bin'}{os.pathsep}{environment['PATH']}"
    try:
        subprocess.run(["cmake", *arguments], check=True, env=environment, cwd=ROOT)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f"The messages of dvsnet_ros could not be built: {error}. Building them needs CMake, "
            "a C++ compiler and Python's headers (on Debian and Ubuntu: apt install cmake g++ "
            "python3-dev) and every package of requirements-ros.txt."
        ) from error


def build_messages(folder: Path) -> list[tuple[str, list[str]]]:
    """Builds msg/ in folder; returns setuptools' data_files, relative to the prefix."""
    shutil.rmtree(folder, ignore_errors=True)
    build, stage = folder / "build", folder / "stage"
    cmake(
        "-S", str(ROOT), "-B", str(build), f"-DPython3_EXECUTABLE={sys.executable}",
        f"-DCMAKE_INSTALL_PREFIX={stage}", "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF",
    )  # fmt: skip
    cmake("--build", str(build), "--parallel", str(os.cpu_count()))
    cmake("--install", str(build))
    # setuptools installs the rooms; the rest is the messages and what `ros2 launch` looks for.
    package = stage / Path(sysconfig.get_path("platlib")).relative_to(PREFIX) / "dvsnet_ros"
    for path in package.iterdir():
        if path.name != "msg" and path.suffix != ".so":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for metadata in package.parent.glob("*.egg-info"):  # pip writes its own, with the requirements
        shutil.rmtree(metadata)
    files: dict[str, list[str]] = {}
    for path in sorted(stage.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            to = path.parent.relative_to(stage)
            files.setdefault(str(to), []).append(os.path.relpath(path, ROOT))
    return list(files.items())


class BuildMessages(Command):
    """The step of `build` that makes the messages where ROS 2 is."""

    user_options: ClassVar = []
    editable_mode = False

    def initialize_options(self) -> None:
        self.build_temp = None

    def finalize_options(self) -> None:
        self.set_undefined_options("build", ("build_temp", "build_temp"))

    def run(self) -> None:
        if HAS_ROS:
            # setuptools' install_data already holds this very list.
            self.distribution.data_files += build_messages(ROOT / self.build_temp / "messages")
            if self.editable_mode:
                self.run_command("install_data")  # which setuptools leaves out of such installs
        else:
            self.warn(
                f"{PREFIX} has no ROS 2: dvsnet_ros is installed without its node's messages. For "
                "the node, pip install -r requirements-ros.txt first, then this again."
            )

    def get_source_files(self) -> list[str]:
        """What a source distribution must carry for this step."""
        folders = ("cmake", "config", "launch", "msg", "scripts")
        files = [path for folder in folders for path in (ROOT / folder).iterdir()]
        names = ("CMakeLists.txt", "package.xml", "requirements-ros.txt")
        return [os.path.relpath(path, ROOT) for path in (*files, *(ROOT / name for name in names))]

    def get_outputs(self) -> list[str]:
        """Nothing in build_lib: the messages go in as data files."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """Nothing in build_lib."""
        return {}


class Build(build):
    """setuptools' build, and the messages."""

    sub_commands: ClassVar = [*build.sub_commands, ("build_messages", None)]


class PlatformDistribution(Distribution):
    """A distribution that belongs to one platform as soon as it carries messages."""

    def has_ext_modules(self) -> bool:
        return HAS_ROS


BAGS = ["rosbags>=0.11.7,<0.12", "rosbags-image>=0.10.2,<0.11"]
DRIVES = [*BAGS, "av>=12,<19"]
REPORTS = ["matplotlib>=3.8,<4"]
ROS = [*requirements("requirements-ros.txt"), *BAGS]
DEVELOPMENT = [
    "pytest>=8.2,<10",
    "pytest-timeout>=2.3.1,<3",
    "ruff>=0.15,<0.18",
    "mypy>=1.15,<3",
    "colcon-common-extensions>=0.3,<0.4",
    "setuptools>=68,<80",
]

setup(
    name="dvsnet_ros",
    version=version(),
    description="DVSNet for ROS 2: semantic segmentation of a camera drive by two paths",
    long_description=(ROOT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    author="the dvsnet_ros authors",
    license="MIT; the weights that come with it: for research only",
    # Named, so that an editable install is a path that Python's import system can merge the
    # messages into, and not a finder of setuptools' own.
    package_dir={"": "."},
    packages=find_packages(include=["dvsnet_ros", "dvsnet_ros.*"]),
    package_data={
        "dvsnet_ros": ["weights/*"],
        "dvsnet_ros.commands.report": ["*.css", "*.html", "*.js"],
    },
    python_requires=">=3.10,<3.14",
    install_requires=[
        "torch>=2.4,<2.16",
        "numpy>=1.26,<3",
        "opencv-python-headless>=4.8,<6",
        "safetensors>=0.4,<1",
        "tqdm>=4.66,<5",
        "PyYAML>=6.0.1,<7",
    ],
    extras_require={
        "ros": ROS,
        "drives": DRIVES,
        "demo": [*DRIVES, *REPORTS],
        "tensorflow": ["tensorflow>=2.21,<2.22"],
        "development": [*DRIVES, *REPORTS, *DEVELOPMENT],
    },
    entry_points={
        "console_scripts": [
            "dvsnet = dvsnet_ros.commands.main:main",
            "dvsnet_node = dvsnet_ros.commands.dvsnet_node:main",
        ]
    },
    cmdclass={"build": Build, "build_messages": BuildMessages},
    data_files=[],
    distclass=PlatformDistribution,
)
