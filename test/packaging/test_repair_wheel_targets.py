"""cmake/repair_wheel_targets.cmake, in a small project of its own."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    shutil.which("cmake") is None or shutil.which("cc") is None,
    reason="CMake or a C compiler is not installed",
)

WHEEL = "/opt/python/cp399-cp399"  # of a Python that no machine has
PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(repair LANGUAGES C)
include({script})
{body}
"""
WHEEL_TARGETS = """
add_library(of_a_wheel INTERFACE IMPORTED)
set_target_properties(of_a_wheel PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
  "{here};{wheel}/include/python3.99;{wheel}/lib/python3.99/site-packages/numpy/_core/include")
add_library(of_ros INTERFACE IMPORTED)
set_target_properties(of_ros PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "{here}")
add_library(bare INTERFACE IMPORTED)
{repair}
add_library(user SHARED user.c)
target_link_libraries(user PRIVATE of_a_wheel of_ros bare)
foreach(target of_a_wheel of_ros)
  get_target_property(folders ${{target}} INTERFACE_INCLUDE_DIRECTORIES)
  message(STATUS "${{target}}=${{folders}}")
endforeach()
"""
EXPORT = """
add_library(own SHARED user.c)
target_include_directories(own {scope} "${{CMAKE_CURRENT_SOURCE_DIR}}/inside")
{private}
install(TARGETS own EXPORT own_export DESTINATION lib)
install(EXPORT own_export DESTINATION share)
"""


def configure(
    repository: Path, folder: Path, body: str, **values: str
) -> subprocess.CompletedProcess[str]:
    """Configures and generates a project that has this body; build files go to folder/build."""
    script = repository / "cmake" / "repair_wheel_targets.cmake"
    body = body.format(here=folder, wheel=WHEEL, **values)
    (folder / "CMakeLists.txt").write_text(PROJECT.format(script=script, body=body))
    (folder / "user.c").write_text("int user(void) { return 0; }\n")
    (folder / "inside").mkdir(exist_ok=True)
    python = f"-DPython3_EXECUTABLE={sys.executable}"
    return subprocess.run(
        ["cmake", "-S", folder, "-B", folder / "build", python],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_interpreters_own_folders_take_the_place_of_the_wheels(
    repository: Path, tmp_path: Path
) -> None:
    result = configure(repository, tmp_path, WHEEL_TARGETS, repair="dvsnet_repair_wheel_targets()")
    assert result.returncode == 0, result.stderr
    python, numpy = sysconfig.get_path("include"), np.get_include()
    assert f"of_a_wheel={tmp_path};{python};{numpy}" in result.stdout
    assert f"of_ros={tmp_path}\n" in result.stdout
    built = subprocess.run(["cmake", "--build", tmp_path / "build"], check=False, timeout=100)
    assert built.returncode == 0


def test_a_target_keeps_its_folders_out_of_its_export(repository: Path, tmp_path: Path) -> None:
    refused = configure(repository, tmp_path, EXPORT, scope="PUBLIC", private="")
    assert "prefixed in the source directory" in refused.stderr
    private = "dvsnet_keep_private(own)"
    result = configure(repository, tmp_path, EXPORT, scope="PUBLIC", private=private)
    assert result.returncode == 0, result.stderr


def test_a_target_without_folders_for_others_is_left_alone(
    repository: Path, tmp_path: Path
) -> None:
    private = "dvsnet_keep_private(own)"
    result = configure(repository, tmp_path, EXPORT, scope="PRIVATE", private=private)
    assert result.returncode == 0, result.stderr
