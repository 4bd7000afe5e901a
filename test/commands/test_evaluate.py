"""`dvsnet evaluate` on small stills and drives, with a tiny untrained checkpoint."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands.evaluate import run
from dvsnet_ros.core.checkpoint import Checkpoint, save_checkpoint, untrained_checkpoint
from dvsnet_ros.core.label_sets import CITYSCAPES
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from helpers.blinding import WHITE, blind_flow, blind_segmentation
from helpers.drives import drifting_frames

SETTINGS = ["--overlap", "16", "--device", "cpu", "--precision", "float32"]
VOID_ROWS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint; frames of two sequences, with its own masks as labels, void at the top."""
    folder = tmp_path_factory.mktemp("evaluate")
    checkpoint = untrained_checkpoint()
    save_checkpoint(folder / "tiny.safetensors", checkpoint)
    save_checkpoint(folder / "cityscapes.safetensors", untrained_checkpoint(CITYSCAPES))
    segmentation = {"segmentation": checkpoint.networks["segmentation"]}
    specs = {"segmentation": checkpoint.specs["segmentation"]}
    alone = Checkpoint(segmentation, specs, checkpoint.label_set, checkpoint.input)
    save_checkpoint(folder / "segmenter.safetensors", alone)
    segmenter = VideoSegmenter(checkpoint, overlap=16, device="cpu", precision="float32")
    for name in ("town", "town_labels"):
        (folder / name).mkdir()
    for index, image in enumerate(drifting_frames(5)):
        name = f"{'ab'[index // 3]}_{index}.png"
        segmenter.reset()
        labels = segmenter.segment(image).mask
        labels[:VOID_ROWS] = 11
        cv2.imwrite(str(folder / "town" / name), image)
        cv2.imwrite(str(folder / "town_labels" / name), labels)
    return folder


def evaluate(folder: Path, out: Path, *more: str, checkpoint: str = "tiny") -> int:
    weights = str(folder / f"{checkpoint}.safetensors")
    return run(["--restore-from", weights, "--out", str(out), *SETTINGS, *more])


def stills(folder: Path) -> list[str]:
    return ["--data-dir", str(folder / "town"), "--labels-dir", str(folder / "town_labels")]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("checkpoint", ["tiny", "segmenter"])
def test_stills_labelled_by_the_network_itself(
    folder: Path, tmp_path: Path, checkpoint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sequences = ["--sequences", "a"]
    assert evaluate(folder, tmp_path, *stills(folder), *sequences, checkpoint=checkpoint) == 0
    (summary,) = read(tmp_path / "summary.csv")
    assert (summary["images"], summary["mean_iou"], summary["pixel_accuracy"]) == ("3", "1", "1")
    assert int(summary["labelled_pixels"]) == 3 * (96 - VOID_ROWS) * 128
    assert "mIoU 100.0 %, pixel accuracy 100.0 %" in capsys.readouterr().out
    assert len(read(tmp_path / "confusion.csv")) == 11


def test_a_drive(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--targets", "0", "87.38", "--intervals", "1", "2", "--shares", "0.6"]
    assert evaluate(folder, tmp_path, str(folder / "town"), *flags) == 0
    rows = {(row["kind"], row["value"]): row for row in read(tmp_path / "tradeoff.csv")}
    kinds = [kind for kind, _ in rows]
    assert [kinds.count(kind) for kind in ("target", "rising", "interval")] == [3, 3, 2]
    per_frame = rows["interval", "1"]
    assert [per_frame[name] for name in ("share_of_segmentation", "agreement", "mean_iou")] == [
        "1", "1", "1",
    ]  # fmt: skip
    assert rows["interval", "2"]["segmented_regions"] == "12"  # frames 0, 2 and 4
    assert rows["target", "0"]["segmented_regions"] == "4"
    assert float(rows["target", "0"]["mean_iou"]) < 1
    printed = capsys.readouterr().out
    assert "5 frames, 5 with labels" in printed
    assert "mean absolute error" in printed
    assert {path.name for path in tmp_path.iterdir()} == {
        "tradeoff.csv", "tradeoff.png", "decision.csv", "calibration.csv",
    }  # fmt: skip


def test_labels_of_another_label_set_are_left_aside(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    street = "synthetic:seed=1,duration=1,rate=3,width=128,height=96"
    flags = ["--targets", "--intervals", "1", "2", "--shares", "0.7"]
    assert evaluate(folder, tmp_path, street, *flags, checkpoint="cityscapes") == 0
    assert {row["mean_iou"] for row in read(tmp_path / "tradeoff.csv")} == {"nan"}
    assert [record.message for record in caplog.records if "left aside" in record.message] == [
        "synthetic-1: its labels are of the label set camvid, the checkpoint's classes of "
        "cityscapes, so its labels are left aside"
    ]


def test_a_name_that_looks_like_a_formula(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "town", tmp_path / "p$_$q")
    flags = ["--targets", "--intervals", "1", "2"]
    assert evaluate(folder, tmp_path / "out", str(tmp_path / "p$_$q"), *flags) == 0


def test_why_no_frame_can_be_read_is_said(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "broken").mkdir()
    for number in range(2):
        (tmp_path / "broken" / f"{number}.png").write_bytes(b"broken")
    assert evaluate(folder, tmp_path / "out", str(tmp_path / "broken")) == 2
    assert "frame 0 is skipped: " in caplog.text


def test_a_drive_in_other_regions(folder: Path, tmp_path: Path) -> None:
    flags = ["--targets", "0", "--intervals", "2", "--rows", "1", "--columns", "3"]
    assert evaluate(folder, tmp_path, str(folder / "town"), *flags) == 0
    segmented = {row["kind"]: row["segmented_regions"] for row in read(tmp_path / "tradeoff.csv")}
    assert (segmented["interval"], segmented["target"]) == ("9", "3")


def test_intervals_are_matched_by_targets_of_their_shares(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--targets", "--intervals", "1", "2", "5", "--match-intervals"]
    assert evaluate(folder, tmp_path, str(folder / "town"), *flags) == 0
    segmented: dict[str, list[int]] = {"interval": [], "target": [], "rising": []}
    for row in read(tmp_path / "tradeoff.csv"):
        segmented[row["kind"]].append(int(row["segmented_regions"]))
    assert sorted(segmented["interval"]) == [4, 12, 20]
    for kind in ("target", "rising"):
        assert sorted(segmented[kind]) == pytest.approx([4, 12], abs=1)
    _, *tables = capsys.readouterr().out.split("at equal shares")
    for table, kind in zip(tables, ("rising", "target"), strict=True):
        rows = [line.split() for line in table.splitlines()[1:]]
        assert [row[:2] for row in rows] == [["interval", "2"], ["interval", "5"]]
        assert all(kind in row for row in rows)


def test_largest_shares(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default target of 95.1 is over all scores here, so by itself it segments everything."""
    flags = ["--targets", "95.1", "--schedules", "rising", "--intervals", "1", "2"]
    flags += ["--max-shares", "0", "0.25", "1", "--match-intervals"]
    assert evaluate(folder, tmp_path, str(folder / "town"), *flags) == 0
    rows = read(tmp_path / "tradeoff.csv")
    segmented = {(row["kind"], row["value"]): int(row["segmented_regions"]) for row in rows}
    assert segmented["rising", "95.1"] == segmented["max_share", "1"] == 20
    assert segmented["max_share", "0"] == 4  # the first frame
    assert segmented["max_share", "0.25"] == 4 + 4
    _, *tables = capsys.readouterr().out.split("at equal shares")
    assert len(tables) == 1  # not of these, whose targets nobody searched


def test_a_broken_frame_is_reported_once_and_left_out(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(folder / "town", tmp_path / "town")
    (tmp_path / "town" / "a_1.png").write_bytes(b"broken")
    flags = ["--targets", "--intervals", "2", "--shares", "0.5"]
    assert evaluate(folder, tmp_path / "out", str(tmp_path / "town"), *flags) == 0
    assert [record.message for record in caplog.records if "skipped" in record.message] == [
        f"town: frame 1 is skipped: {tmp_path / 'town' / 'a_1.png'} is no image that OpenCV can "
        "decode"
    ]
    rows = read(tmp_path / "out" / "tradeoff.csv")
    assert {row["regions"] for row in rows} == {"16"}
    assert {row["mean_iou"] for row in rows} == {"nan"}


def test_a_frame_that_is_too_small_is_reported_once_and_costs_the_key_frames(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(folder / "town", tmp_path / "town")
    small = str(tmp_path / "town" / "a_1.png")
    cv2.imwrite(small, cv2.imread(small)[:16])
    flags = ["--targets", "0", "--intervals", "4", "--shares", "0.5", "--schedules", "fixed"]
    assert evaluate(folder, tmp_path / "out", str(tmp_path / "town"), *flags) == 0
    said = [message for message in caplog.messages if "skipped" in message]
    assert len(said) == 1
    assert said[0].startswith("town: frame 1 is skipped: 2 rows on a height of 16 pixels")
    rows = read(tmp_path / "out" / "tradeoff.csv")
    assert {row["regions"] for row in rows} == {"16"}
    # One key frame before it and one after it, and no others; the searched one is as it comes.
    segmented = {(row["kind"], float(row["value"])): row["segmented_regions"] for row in rows}
    assert (segmented["interval", 4.0], segmented["target", 0.0]) == ("8", "8")


@pytest.mark.parametrize(("place", "keys"), [(0, "4"), (1, "8")])
def test_a_frame_without_finite_logits_is_reported_once_and_costs_the_key_frames(
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    keys: str,
) -> None:
    blind_segmentation(monkeypatch)
    shutil.copytree(folder / "town", tmp_path / "town")
    blinding = str(tmp_path / "town" / f"a_{place}.png")
    cv2.imwrite(blinding, np.full_like(cv2.imread(blinding), WHITE))
    flags = ["--targets", "0", "--intervals", "4", "--shares", "0.5", "--schedules", "fixed"]
    assert evaluate(folder, tmp_path / "out", str(tmp_path / "town"), *flags) == 0
    (said,) = (message for message in caplog.messages if "skipped" in message)
    assert said.startswith(f"town: frame {place} is skipped: the networks gave logits that are not")
    rows = read(tmp_path / "out" / "tradeoff.csv")
    assert {row["regions"] for row in rows} == {"16"}
    segmented = {(row["kind"], float(row["value"])): row["segmented_regions"] for row in rows}
    assert (segmented["interval", 4.0], segmented["target", 0.0]) == (keys, keys)


def test_what_a_setting_lost_is_said(
    folder: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blind_flow(monkeypatch)
    shutil.copytree(folder / "town", tmp_path / "town")
    blinding = str(tmp_path / "town" / "a_1.png")
    cv2.imwrite(blinding, np.full_like(cv2.imread(blinding), WHITE))
    flags = ["--targets", "100", "--intervals", "4", "--schedules", "fixed"]
    assert evaluate(folder, tmp_path / "out", str(tmp_path / "town"), *flags) == 0
    (said,) = (message for message in caplog.messages if "has no mask" in message)
    assert said.startswith("town: interval 4 has no mask of 1 of the frames")
    rows = {row["kind"]: row["regions"] for row in read(tmp_path / "out" / "tradeoff.csv")}
    assert rows == {"interval": "16", "target": "20"}


def test_where_all_logits_are_not_finite_the_first_ones_end_it(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blind_segmentation(monkeypatch)
    (tmp_path / "white").mkdir()
    for number in range(2):
        white = np.full((96, 128, 3), WHITE, np.uint8)
        cv2.imwrite(str(tmp_path / "white" / f"{number}.png"), white)
    shutil.copy(folder / "town" / "a_0.png", tmp_path / "white" / "2.png")
    flags = ["--targets", "0", "--intervals", "2"]
    for message in ("fewer than two frames that can be segmented", "logits that are not finite"):
        assert evaluate(folder, tmp_path / "out", str(tmp_path / "white"), *flags) == 2
        assert message in capsys.readouterr().err
        (tmp_path / "white" / "2.png").unlink(missing_ok=True)
    assert not (tmp_path / "out").exists()


def test_a_still_that_is_too_small_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("town", "town_labels"):
        shutil.copytree(folder / name, tmp_path / name)
        small = str(tmp_path / name / "a_1.png")
        cv2.imwrite(small, cv2.imread(small, cv2.IMREAD_UNCHANGED)[:16])
    assert evaluate(folder, tmp_path / "out", *stills(tmp_path)) == 2
    assert f"'a_1' in {tmp_path / 'town'}: 2 rows on" in capsys.readouterr().err


def test_a_still_is_read_when_its_turn_comes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("town", "town_labels"):
        shutil.copytree(folder / name, tmp_path / name)
    broken = tmp_path / "town" / "b_4.png"
    broken.write_bytes(b"broken")
    cityscapes = ["--save-label-ids", str(tmp_path / "ids")]
    assert evaluate(folder, tmp_path, *stills(tmp_path), *cityscapes, checkpoint="cityscapes") == 2
    assert f"{broken} is no image that OpenCV can decode" in capsys.readouterr().err
    assert len(list((tmp_path / "ids").iterdir())) == 4
    assert evaluate(folder, tmp_path / "out", *stills(tmp_path), "--sequences", "a") == 0


def test_intervals_need_no_decision_network(folder: Path, tmp_path: Path) -> None:
    whole = untrained_checkpoint()
    del whole.networks["decision"], whole.specs["decision"]
    save_checkpoint(tmp_path / "tiny.safetensors", whole)
    drive = str(folder / "town")
    assert evaluate(tmp_path, tmp_path / "out", drive) == 2
    flags = ["--targets", "--intervals", "3", "--frames", "3"]
    assert evaluate(tmp_path, tmp_path / "out", drive, *flags) == 0
    (row,) = read(tmp_path / "out" / "tradeoff.csv")
    assert (row["regions"], row["segmented_regions"]) == ("12", "4")


def test_label_ids(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [*stills(folder), "--save-label-ids", str(tmp_path / "ids"), "--sequences", "b"]
    assert evaluate(folder, tmp_path / "out", *flags) == 2
    assert "label set is 'camvid'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
    assert evaluate(folder, tmp_path / "out", *flags, checkpoint="cityscapes") == 0
    assert sorted(path.name for path in (tmp_path / "ids").iterdir()) == ["b_3.png", "b_4.png"]
    ids = cv2.imread(str(tmp_path / "ids" / "b_3.png"), cv2.IMREAD_UNCHANGED)
    assert ids.shape == (96, 128)
    assert set(np.unique(ids)) <= {*range(7, 9), *range(11, 14), 17, *range(19, 29), 31, 32, 33}


def test_labels_that_are_all_void_are_nothing_to_measure(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "town", tmp_path / "town")
    (tmp_path / "town_labels").mkdir()
    for image in (tmp_path / "town").iterdir():
        void = np.full((96, 128), 255, np.uint8)
        cv2.imwrite(str(tmp_path / "town_labels" / image.name), void)
    flags = [*stills(tmp_path), "--save-label-ids", str(tmp_path / "ids")]
    assert evaluate(folder, tmp_path / "out", *flags, checkpoint="cityscapes") == 0
    shown = capsys.readouterr().out
    assert "no pixel of the labels has an id of label set 'cityscapes': all is void" in shown
    assert "nan" not in shown
    assert len(list((tmp_path / "ids").iterdir())) == 5


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ("", "evaluate on what?"),
        ("--data-dir {town}", "give both --data-dir and --labels-dir"),
        ("--data-dir {town} --labels-dir {town}_labels --sequences c", "there are a, b"),
        ("{town} --sequences a", "--sequences speaks of stills"),
        ("{town} --targets 101", "from 0 to 100"),
        ("{town} --intervals 0", "1 or more"),
        ("{town} --shares 2", "more than 0 and at most 1"),
        ("{town} --max-shares 2", "max_share is 2.0; it must be from 0 to 1"),
        ("{town} --targets --intervals", "nothing to evaluate"),
        ("{town} --frames 1", "at least 2"),
        ("{town} --out {town}/a_1.png", "is a file; give a folder"),
        ("{town} --overlap 12", "divisible by 8"),
        ("{town} --overlap 96", "at most 48"),
        ("{town}/no", "there is no"),
    ],
)
def test_wrong_input_is_one_sentence(
    flags: str, sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = flags.format(town=folder / "town").split()
    assert evaluate(folder, tmp_path, *words) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("dvsnet evaluate: ")
    assert sentence in said
    assert not list(tmp_path.iterdir())
