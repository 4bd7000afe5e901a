"""What is known of an output before there is anything to write."""

import os
from pathlib import Path

import pytest

from dvsnet_ros.drives.whole import check_folder, check_new


def test_a_folder_that_is_there_or_can_be_made(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "deeper")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(OSError, match=f"'{tmp_path}/file' is a file; give a folder"):
            check_folder(out)


def test_a_link_to_nothing_in_the_way(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("no")
    with pytest.raises(OSError, match="link' is there already; choose another name"):
        check_new(link)
    for out in (link, link / "deeper"):
        with pytest.raises(OSError, match="link' is a link to what is not there; give a folder"):
            check_folder(out)


def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    if os.access(tmp_path, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(OSError, match=f"write to the folder '{tmp_path}'"):
        check_folder(tmp_path / "new")
