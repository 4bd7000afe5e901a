"""A label set from a text file."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.core.classes_file import read_classes
from dvsnet_ros.core.label_sets import CAMVID, CITYSCAPES, LabelSet


def read(folder: Path, text: str, name: str = "shop.txt") -> LabelSet:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_classes(path)


def test_a_line_is_a_class_in_the_order_of_the_ids(tmp_path: Path) -> None:
    labels = read(tmp_path, "\ufefffloor: 128 64 128\r\ntraffic cone\r\nTür :0 0  255\r\n\r\n")
    assert labels.name == "shop"
    assert labels.classes == ("floor", "traffic cone", "Tür")
    assert labels.colors[0] == (128, 64, 128)
    assert labels.colors[2] == (0, 0, 255)


def test_colours_that_are_missing_are_well_apart_and_the_same_each_time(tmp_path: Path) -> None:
    text = "a: 255 255 255\n" + "\n".join("bcdefghijkl")
    labels = read(tmp_path, text)
    assert read(tmp_path, text).colors == labels.colors
    black = (0, 0, 0)  # what ids of no class are shown in
    pairs = combinations((black, *labels.colors), 2)
    assert min(np.linalg.norm(np.subtract(*pair)) for pair in pairs) > 100


def test_as_many_classes_as_a_mask_can_hold(tmp_path: Path) -> None:
    labels = read(tmp_path, "\n".join(map(str, range(255))))
    assert len(labels.classes) == 255
    assert len(set(labels.colors)) == 255


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has 0 lines; give 2 to 255 classes"),
        ("floor\n", "has 1 lines; give 2 to 255 classes"),
        ("\n".join(map(str, range(256))), "has 256 lines; give 2 to 255 classes"),
        ("floor\nwall\nfloor: 1 2 3", "line 3 of .*: 'floor' is the name of line 1 already"),
        ("floor\n\nwall", "line 2 of .*: there is no name"),
        ("floor: 1 2\nwall", "line 1 of .*: '1 2' is no colour; give red, green and blue"),
        ("floor: 1 2 256\nwall", "'1 2 256' is no colour"),
        ("floor: red\nwall", "'red' is no colour"),
        ("floor: -1 2 3\nwall", "'-1 2 3' is no colour"),
        ("floor: ²  2 3\nwall", "'²  2 3' is no colour"),
        (": 1 2 3\nwall", "line 1 of .*: there is no name"),
    ],
)
def test_what_is_no_classes_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize("label_set", [CAMVID, CITYSCAPES])
def test_a_built_in_label_set_needs_no_file(label_set: LabelSet) -> None:
    assert read_classes(Path(label_set.name)) is label_set


def test_other_bytes_and_known_names_are_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes("Tür\nWand".encode("latin-1"))
    with pytest.raises(ValueError, match="no text in UTF-8"):
        read_classes(tmp_path / "latin.txt")
    with pytest.raises(
        ValueError,
        match=r"'camvid' is a label set already; give it by that name alone, or .* another name",
    ):
        read(tmp_path, "floor\nwall", "camvid.txt")
    with pytest.raises(ValueError, match=r"there is no file .*; give a text file"):
        read_classes(tmp_path / "none.txt")
