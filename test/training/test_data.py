from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.core.label_sets import CAMVID, CITYSCAPES
from dvsnet_ros.drives import drive
from dvsnet_ros.training.data import (
    DataError,
    class_frequencies,
    load_labelled,
    split_sequences,
    stills_of_drive,
)
from helpers.stills import make_still, write_still


def write_pair(folder: Path, name: str, size: tuple[int, int] = (4, 6)) -> None:
    for kind in ("images", "labels"):
        (folder / kind).mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "images" / f"{name}.jpg"), np.zeros((4, 6, 3), np.uint8))
    cv2.imwrite(str(folder / "labels" / f"{name}.png"), np.full(size, 3, np.uint8))


def test_reads_pairs_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b_2", "a_1"):
        write_pair(tmp_path, name)
    stills = load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    assert [still.name for still in stills] == ["a_1", "b_2"]
    assert [still.sequence for still in stills] == ["a", "b"]
    assert stills[0].image.shape == (4, 6, 3)
    assert (stills[0].labels == 3).all()


def test_says_what_is_wrong_with_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images in"):
        load_labelled(tmp_path, tmp_path, CAMVID)
    write_pair(tmp_path, "a_1", size=(5, 6))
    with pytest.raises(DataError, match=r"a_1\.png are 6×5, their image is 6×4"):
        load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    (tmp_path / "labels" / "a_1.png").unlink()
    with pytest.raises(DataError, match=r"no labels for 'a_1\.jpg': .*labels' is empty"):
        load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    with pytest.raises(DataError, match="nowhere' is no folder"):
        load_labelled(tmp_path / "images", tmp_path / "nowhere", CAMVID)
    (tmp_path / "labels" / "a_1_mask.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds 'a_1_mask\.png' and 0 more, and labels are PNGs"):
        load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    cv2.imwrite(str(tmp_path / "labels" / "a_1.png"), np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(DataError, match=r"a_1\.png have 3 channels of uint8"):
        load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    (tmp_path / "labels" / "a_1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a_1\.png is no image"):
        load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    (tmp_path / "images" / "a_1.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a_1\.jpg is no image"):
        load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)


def write_cityscapes(
    folder: Path, split: str, name: str, label: int, kind: str = "gtFine_labelIds"
) -> None:
    city = name.partition("_")[0]
    image = folder / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png"
    labels = folder / "gtFine" / split / city / f"{name}_{kind}.png"
    for path, values in ((image, np.zeros((4, 6, 3), np.uint8)), (labels, np.full((4, 6), label))):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), values.astype(np.uint8))


def test_reads_a_split_of_cityscapes(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, "train", "ulm_000000_000019", 26)
    write_cityscapes(tmp_path, "train", "aachen_000000_000019", 26)
    write_cityscapes(tmp_path, "train", "aachen_000000_000019", 5, "gtFine_labelTrainIds")
    write_cityscapes(tmp_path, "val", "lindau_000000_000019", 7)
    images, labels = tmp_path / "leftImg8bit" / "train", tmp_path / "gtFine" / "train"
    stills = load_labelled(images, labels, CITYSCAPES)
    assert [(still.name, still.sequence, still.labels[0, 0]) for still in stills] == [
        ("aachen_000000_000019_leftImg8bit", "aachen", 5),
        ("ulm_000000_000019_leftImg8bit", "ulm", CITYSCAPES.classes.index("car")),
    ]
    (still,) = load_labelled(images / "ulm", labels / "ulm", CITYSCAPES)
    assert still.sequence == "ulm"
    with pytest.raises(DataError, match="label set cityscapes, not camvid; train with --classes"):
        load_labelled(images, labels, CAMVID)


def test_names_of_cityscapes_with_labels_of_their_own(tmp_path: Path) -> None:
    write_pair(tmp_path, "ulm_000000_000019_leftImg8bit")
    (still,) = load_labelled(tmp_path / "images", tmp_path / "labels", CAMVID)
    assert (still.labels == 3).all()


def test_says_what_is_wrong_with_a_split_of_cityscapes(tmp_path: Path) -> None:
    write_cityscapes(tmp_path, "val", "ulm_000000_000019", 26, "gtCoarse_labelIds")
    images, labels = tmp_path / "leftImg8bit" / "val", tmp_path / "gtFine" / "val"
    missing = r"expected '.*val/ulm/ulm_000000_000019_gtFine_labelIds\.png'; '.*val/ulm' "
    holds = r"holds 'ulm_000000_000019_gtCoarse_labelIds\.png' and .* or Cityscapes' gtFine"
    with pytest.raises(DataError, match=missing + holds):
        load_labelled(images, labels, CITYSCAPES)
    with pytest.raises(DataError, match=r"gtFine/ulm' is no folder"):
        load_labelled(images, tmp_path / "gtFine", CITYSCAPES)
    with pytest.raises(DataError, match=r"no images in '.*leftImg8bit'; .* Cityscapes' cities"):
        load_labelled(tmp_path / "leftImg8bit", labels, CITYSCAPES)


def test_ids_that_8_bits_do_not_hold_are_void(tmp_path: Path) -> None:
    write_still(make_still("a", 0), tmp_path)
    path = tmp_path / "labels" / "a.png"
    wide = make_still("a", 0).labels.astype(np.uint16)
    wide[0, :2] = 256 + 3, 4
    cv2.imwrite(str(path), wide)
    (still,) = load_labelled(tmp_path / "stills", tmp_path / "labels", CAMVID)
    assert still.labels[0, :2].tolist() == [255, 4]


def test_holds_back_whole_sequences() -> None:
    stills = [make_still(name, 0) for name in ("a_1", "a_2", "b_1")]
    training, held_back = split_sequences(stills, ["a"])
    assert [still.name for still in training] == ["b_1"]
    assert [still.name for still in held_back] == ["a_1", "a_2"]
    with pytest.raises(DataError, match="no images of sequence c; there are a, b"):
        split_sequences(stills, ["c"])
    with pytest.raises(DataError, match="leave at least one"):
        split_sequences(stills, ["a", "b"])


def test_frequencies_leave_void_out() -> None:
    shares = class_frequencies([make_still("a_1", 0)], 11)
    assert shares.sum() == pytest.approx(1.0)
    assert set(np.nonzero(shares)[0]) == {0, 3, 8}


def test_takes_evenly_spaced_frames_of_a_labelled_drive() -> None:
    street = drive("synthetic:width=64,height=48,duration=1")
    stills = stills_of_drive(street, 3, CAMVID)
    assert [still.image.shape for still in stills] == [(48, 64, 3)] * 3
    assert (stills[1].image == street[len(street) // 3].image).all()
    assert len({still.sequence for still in stills}) == 1
    with pytest.raises(DataError, match="it has"):
        stills_of_drive(street, len(street) + 1, CAMVID)
    with pytest.raises(DataError, match="label set camvid; give a drive with labels of cityscapes"):
        stills_of_drive(street, 3, CITYSCAPES)


def test_a_drive_without_labels_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, "a_1")
    with pytest.raises(DataError, match="has no labels to learn from"):
        stills_of_drive(drive(tmp_path / "images"), 1, CAMVID)
