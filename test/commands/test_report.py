"""`dvsnet report` without a browser: what the page holds, and what is refused."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dvsnet_ros.commands.flags import INTERRUPTED
from dvsnet_ros.commands.report import run
from dvsnet_ros.commands.report.binning import MOST_BINS, bin_edges, binned
from dvsnet_ros.commands.report.drive_record import DriveRecord
from dvsnet_ros.commands.report.page import render, write_page
from dvsnet_ros.commands.report.recommendation import Wish, recommend
from dvsnet_ros.commands.report.worst_frames import WIDEST, WorstFrames
from dvsnet_ros.core.checkpoint import load_checkpoint
from dvsnet_ros.core.label_sets import CAMVID
from dvsnet_ros.core.regions import RegionGrid
from dvsnet_ros.core.schedule import MODES, Schedule
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.segmentation import RegionDecision, Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import drive
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.evaluation.sweep import Outcome, Sweep, interval_setting, target_setting
from dvsnet_ros.training.confusion import Confusion
from helpers.blinding import WHITE, blind_segmentation
from helpers.reports import SETTINGS, make_report, write_drive

GRID = RegionGrid(32, 48, 1, 1, 0)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(town: Path) -> str:
    return make_report(town, town / "town.html", "--agreement", "0.9").read_text()


@pytest.fixture(scope="module")
def data(page: str) -> dict[str, Any]:
    return data_of(page)


def data_of(page: str) -> dict[str, Any]:
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert embedded
    values: dict[str, Any] = json.loads(embedded[1])
    return values


def test_the_page_holds_all_it_needs(town: Path, page: str) -> None:
    assert [path.name for path in town.iterdir() if "html" in path.name] == ["town.html"]
    addresses = set(
        re.findall(r"(?:https?:)?//[\w.]+\.\w+", re.sub(r"^\s*//.*$", "", page, flags=re.M))
    )
    assert addresses == {"http://www.w3.org"}  # the name of SVG's namespace, which nobody opens
    assert "default-src 'none'" in page
    assert page.count("<script") == 2


def test_the_frames_are_the_worst_of_a_plain_run(town: Path, data: dict[str, Any]) -> None:
    checkpoint = load_checkpoint(town / "tiny.safetensors")
    options: dict[str, Any] = {"overlap": 16, "device": "cpu", "precision": "float32"}
    target = data["run"]["value"]
    segmenter = VideoSegmenter(checkpoint, schedule=Schedule("rising", target), **options)
    reference = VideoSegmenter(checkpoint, schedule=Schedule("fixed", 100.0), **options)
    agreement = [
        (segmenter.segment(frame.image).mask == reference.segment(frame.image).mask).mean()
        for frame in drive(town / "town")
    ]
    worst = np.argsort(agreement, kind="stable")[:3]
    assert [frame["number"] for frame in data["frames"]] == worst.tolist()
    assert [frame["agreement"] for frame in data["frames"]] == pytest.approx(
        np.array(agreement)[worst], abs=1e-4
    )
    assert data["timeline"]["agreement"] == pytest.approx(agreement, abs=1e-4)
    assert data["run"]["agreement"] == pytest.approx(np.mean(agreement), abs=1e-4)


def test_every_view_is_a_picture(data: dict[str, Any]) -> None:
    for frame in data["frames"]:
        assert list(frame["views"]) == [
            "as processed", "per frame", "where they differ", "labels", "camera",
        ]  # fmt: skip
        for view in frame["views"].values():
            start, _, content = view.partition(",")
            assert start == "data:image/jpeg;base64"
            raw = np.frombuffer(base64.b64decode(content), np.uint8)
            assert cv2.imdecode(raw, cv2.IMREAD_COLOR).shape == (96, 128, 3)


def test_the_figures_agree_with_each_other(town: Path, data: dict[str, Any]) -> None:
    timeline = data["timeline"]
    assert len(timeline["seconds"]) == data["run"]["frames"] == 8
    share = np.mean(timeline["segmented"])
    assert data["run"]["share"] == pytest.approx(share, abs=1e-4)
    assert timeline["scores"][0][0] is None
    assert np.sum(timeline["class_shares"], axis=0) == pytest.approx(np.ones(8), abs=1e-2)
    assert sum(map(sum, data["latency"]["counts"])) == 8
    (best,) = [setting for setting in data["settings"] if setting["recommended"]]
    assert best["agreement"] >= 0.9
    assert all(
        setting["share"] >= best["share"]
        for setting in data["settings"]
        if setting["kind"] == "target" and setting["agreement"] >= 0.9
    )
    assert data["decision"]["count"] > 0
    headings = {entry["heading"]: dict(entry["entries"]) for entry in data["origin"]}
    assert headings["Drive"]["frames"] == "8 · 8 with labels"
    assert headings["Checkpoint"]["file"].startswith("tiny.safetensors · sha256 ")
    parameters = load_checkpoint(town / "tiny.safetensors").networks["decision"].parameters()
    count = f" · {sum(values.numel() for values in parameters):,} parameters"
    assert headings["Checkpoint"]["decision network"].endswith(count)
    assert str(Path.home()) not in json.dumps(data["origin"])


def test_other_regions(town: Path, tmp_path: Path) -> None:
    grid = ["--rows", "1", "--columns", "3"]
    data = data_of(make_report(town, tmp_path / "wide.html", "--frames", "3", *grid).read_text())
    assert len(data["timeline"]["segmented"]) == len(data["timeline"]["scores"]) == 3
    (settings,) = [each["entries"] for each in data["origin"] if each["heading"] == "Settings"]
    assert dict(settings)["regions"] == "1 × 3 · overlap 16 px"
    assert data["grid"] == {"rows": 1, "columns": 3}


def test_frames_that_are_too_small_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = write_drive(tmp_path)
    for name in ("town/3.png", "town_labels/3.png"):
        image = cv2.imread(str(town / name), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(town / name), image[:16])
    page = make_report(town, town / "town.html", "--target", "0", "--shown", "7").read_text()
    data = data_of(page)
    assert "7 · 7 with labels" in json.dumps(data, ensure_ascii=False)
    kept = [0, 1, 2, 4, 5, 6, 7]  # by their numbers in the drive, as masks are called
    assert sorted(frame["number"] for frame in data["frames"]) == kept
    assert data["timeline"]["first_frames"] == data["timeline"]["last_frames"] == kept
    assert (
        "target 0: 28.6 % of the regions on" in capsys.readouterr().out
    )  # 2 of 7: before and after


def test_frames_without_finite_logits_are_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind_segmentation(monkeypatch)
    town = write_drive(tmp_path)
    cv2.imwrite(str(town / "town" / "3.png"), np.full((96, 128, 3), WHITE, np.uint8))
    page = make_report(town, town / "town.html", "--target", "0").read_text()
    assert "7 · 7 with labels" in json.dumps(data_of(page), ensure_ascii=False)
    assert "target 0: 28.6 % of the regions on" in capsys.readouterr().out


def test_another_target_can_be_shown(
    town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = make_report(town, tmp_path / "other.html", "--target", "87.4", "--frames", "4")
    shown = data_of(out.read_text())
    assert shown["run"]["value"] == 87.4
    assert shown["run"]["frames"] == 4
    assert "the page shows target 87.4" in capsys.readouterr().out


def test_a_target_that_saves_nothing_is_not_praised(
    town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = make_report(town, tmp_path / "all.html", "--agreement", "1", "--targets", "0", "100")
    caveat = data_of(page.read_text())["caveat"]
    assert caveat.startswith("it segments nearly all regions and saves next to nothing; of")
    assert f"gives at least 100 % agreement, and of target 100 mind that {caveat};" in (
        capsys.readouterr().out
    )


def test_names_cannot_break_the_page(data: dict[str, Any]) -> None:
    name = "</script><script>alert(1)</script><!-- & \u2028 $data"
    page = render({**data, "title": name})
    assert "<script>alert" not in page
    assert data_of(page)["title"] == name


def test_a_page_that_cannot_be_written_leaves_nothing(
    data: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.html").write_text("before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_page(tmp_path / "a.html", data)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_interrupted_leaves_nothing(
    town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Sweep, "add", interrupt)
    flags = ["--restore-from", str(town / "tiny.safetensors"), *SETTINGS]
    assert run([str(town / "town"), str(tmp_path / "a.html"), *flags]) == INTERRUPTED
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("{town}/no {out}/a.html", "there is no"),
        ("{town} {out}/a.png", "ends in .html"),
        ("{town} {out}/no/a.html", "in a folder that is there"),
        ("{town} {out}/a.html --agreement 97", "more than 0 and at most 1"),
        ("{town} {out}/a.html --fps 0", "more than 0 frames"),
        ("{town} {out}/a.html --target 101", "from 0 to 100"),
        ("{town} {out}/a.html --targets", "--targets is empty"),
        ("{town} {out}/a.html --shown 0", "at least 1 frame"),
        ("{town} {out}/a.html --frames 1", "at least 2"),
        ("{town} {out}/a.html --overlap 12", "divisible by 8"),
    ],
)
def test_wrong_input_is_one_sentence(
    arguments: str, sentence: str, town: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments.format(town=town / "town", out=tmp_path).split()
    checkpoint = ["--checkpoint", str(town / "tiny.safetensors")]
    assert run([*words[:2], *checkpoint, *SETTINGS, *words[2:]]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("dvsnet report: ")
    assert sentence in said
    assert not list(tmp_path.iterdir())


def outcome(target: float, segmented: int, agreeing: int) -> Outcome:
    """Of a hundred frames of one region and ten pixels."""
    frames = Counter({1: segmented, 0: 100 - segmented})
    return Outcome(target_setting(target), Confusion(2), frames, 100, agreeing, 1000)


def test_recommendations() -> None:
    outcomes = [outcome(80, 5, 900), outcome(90, 20, 960), outcome(95, 50, 990)]
    seconds = np.array([0.01, 0.11])  # frames a second: 66.7, 33.3, 16.7

    def chosen(wish: Wish) -> tuple[float, bool]:
        recommended = recommend(outcomes, wish, seconds)
        return recommended.outcome.setting.value, recommended.fulfils

    assert chosen(Wish(agreement=0.95)) == (90, True)
    assert chosen(Wish(agreement=0.999)) == (95, False)
    assert chosen(Wish(fps=30.0)) == (90, True)
    assert chosen(Wish(fps=100.0)) == (80, False)
    costly = [outcome(80, 91, 990), outcome(90, 100, 1000)]
    assert not recommend(outcomes, Wish(agreement=0.95), seconds).caveat
    said = recommend([*outcomes, *costly], Wish(agreement=0.995), seconds).caveat
    assert said.endswith("that do save, 95 agrees best: 99.00 % at 50.0 % of the regions")
    assert recommend(costly, Wish(agreement=0.5), seconds).caveat.endswith("all targets tried do")
    assert not recommend(costly, Wish(fps=1.0), seconds).caveat
    assert str(Wish(fps=30.0)) == "at least 30 frames/s"


def segmentation(mask: np.ndarray, score: float = math.nan) -> Segmentation:
    decision = RegionDecision(GRID.regions[0], RegionPath.FLOW, score, 90.0, 0, 1)
    return Segmentation(mask, None, (decision,), GRID, {}, None)


def test_only_the_worst_frames_are_kept() -> None:
    image = np.zeros((32, 48, 3), np.uint8)
    reference = segmentation(np.zeros((32, 48), np.uint8))
    kept = WorstFrames(3, CAMVID)
    wrong_rows = [0, 4, 9, 4, 12, 1, 9, 0]
    for index, rows in enumerate(wrong_rows):
        mask = np.zeros((32, 48), np.uint8)
        mask[:rows] = 3
        kept.add(index, Frame(image, index), segmentation(mask), reference)
        assert len(kept.frames) <= 3
    assert [frame.index for frame in kept.frames] == [4, 2, 6]
    assert kept.frames[0].agreement == 1 - 12 / 32


def test_wide_frames_are_shown_smaller() -> None:
    grid = RegionGrid(32, 2 * WIDEST, 1, 1, 0)
    mask = np.zeros((32, 2 * WIDEST), np.uint8)
    decision = RegionDecision(grid.regions[0], RegionPath.FLOW, 90.0, 90.0, 0, 1)
    wide = Segmentation(mask, None, (decision,), grid, {}, None)
    kept = WorstFrames(1, CAMVID)
    kept.add(0, Frame(np.zeros((*mask.shape, 3), np.uint8), 0), wide, wide)
    content = kept.frames[0].views["camera"].partition(",")[2]
    raw = np.frombuffer(base64.b64decode(content), np.uint8)
    assert cv2.imdecode(raw, cv2.IMREAD_COLOR).shape == (16, WIDEST, 3)


def test_a_record_of_many_frames_keeps_numbers_alone() -> None:
    record = DriveRecord(CAMVID, shown=2)
    image = np.zeros((32, 48, 3), np.uint8)
    mask = np.zeros((32, 48), np.uint8)
    for index in range(600):
        answer = segmentation(mask, 90.0 + index / 100)
        record.add(Frame(image, index * 10**8), answer, answer, 0.01)
    assert len(record) == 600
    assert record.seconds[-1] == pytest.approx(59.9)
    assert record.scores[:, 0] == pytest.approx(90 + np.arange(600) / 100)
    assert len(record.worst.frames) == 2


def test_long_series_are_averaged() -> None:
    edges = bin_edges(10_000)
    assert len(edges) == MOST_BINS + 1
    assert (edges[0], edges[-1]) == (0, 10_000)
    assert binned(np.arange(10_000.0), edges)[0] == np.arange(edges[1]).mean()
    few = bin_edges(3)
    with_gap = np.array([[math.nan, 1.0], [2.0, 3.0], [4.0, math.nan]])
    np.testing.assert_array_equal(binned(with_gap, few), with_gap)
    np.testing.assert_array_equal(binned(with_gap, np.array([0, 3])), [[3.0, 2.0]])


def test_intervals_are_never_recommended(data: dict[str, Any]) -> None:
    kinds = {setting["kind"] for setting in data["settings"]}
    assert kinds == {"rising", "interval"}
    assert interval_setting(1).name == "interval 1"
    assert [s["kind"] for s in data["settings"] if s["recommended"]] == ["rising"]


def test_the_curve_knows_every_schedule(repository: Path) -> None:
    charts = (repository / "dvsnet_ros/commands/report/figures.js").read_text(encoding="utf-8")
    kinds = re.search(r"const KINDS = {(.*?)^};", charts, re.S | re.M)
    assert kinds
    known = set(re.findall(r"^  (\w+): ", kinds[1], re.M))
    assert known == {target_setting(90.0, mode).kind for mode in MODES} | {"interval"}
