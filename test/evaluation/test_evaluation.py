"""The sweep's figures against plain runs of the video segmenter, and by hand."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dvsnet_ros.core.checkpoint import Checkpoint, CheckpointError, untrained_checkpoint
from dvsnet_ros.core.label_sets import CAMVID, CITYSCAPES
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.drives.frame import Frame
from dvsnet_ros.evaluation.fixed_schedules import IntervalSchedule
from dvsnet_ros.evaluation.label_ids import check_has_label_ids, save_label_ids
from dvsnet_ros.evaluation.segmenters import Segmenters
from dvsnet_ros.evaluation.speed import measure_frame_seconds
from dvsnet_ros.evaluation.stand_ins import with_stand_ins
from dvsnet_ros.evaluation.sweep import (
    JudgedScores,
    Outcome,
    Sweep,
    interval_setting,
    target_setting,
)
from dvsnet_ros.evaluation.tables import (
    format_confusion,
    format_matches,
    format_tradeoff,
    write_confusion,
    write_scores,
    write_tradeoff,
)
from dvsnet_ros.evaluation.target_search import Pass, TargetSearch
from dvsnet_ros.evaluation.tradeoff_plot import draw_tradeoff
from dvsnet_ros.evaluation.true_scores import TrueScores
from dvsnet_ros.training.calibration import calibration_table
from dvsnet_ros.training.confusion import Confusion
from helpers.blinding import WHITE, blind_flow, blind_segmentation
from helpers.corrected import with_correction
from helpers.drives import drifting_frames

VOID = 11


@pytest.fixture(scope="module")
def segmenters() -> Segmenters:
    return Segmenters(untrained_checkpoint(), overlap=16, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def footage() -> list[Frame]:
    """Seven frames; the labels of the even ones are random, void at the left."""
    random = np.random.default_rng(1)
    frames = []
    for index, image in enumerate(drifting_frames(7)):
        labels = random.integers(0, 11, image.shape[:2], np.uint8)
        labels[:, :40] = VOID
        frames.append(Frame(image, index * 10**8, labels=None if index % 2 else labels))
    return frames


def swept(segmenters: Segmenters, footage: list[Frame], settings: list) -> Sweep:
    sweep = Sweep(segmenters, settings)
    for frame in footage:
        sweep.add(frame)
    return sweep


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 1), (3, 3)])
def test_scores_are_held_against_the_regions_own(
    segmenters: Segmenters, footage: list[Frame], rows: int, columns: int
) -> None:
    gridded = replace(segmenters, rows=rows, columns=columns)
    setting = target_setting(0.0)
    sweep = swept(gridded, footage, [setting])
    assert len(sweep.scores.true) == (len(footage) - 1) * rows * columns
    true: list[float] = []
    networks = gridded.networks(RegionNetworks)
    truth = TrueScores(networks, gridded.layout)
    for age, frame in enumerate(footage):
        truth.add(frame.image)
        if age:
            scores = truth.of(age)
            assert scores is not None
            assert len(scores) == rows * columns
            true += scores.tolist()
    assert sweep.scores.true.tolist() == pytest.approx(true)


def test_key_frames_are_forgotten_over_a_gap(segmenters: Segmenters, footage: list[Frame]) -> None:
    later = [replace(frame, stamp=frame.stamp + 60 * 10**9) for frame in footage]
    sweep = swept(segmenters, [*footage, *later], [target_setting(0.0)])
    (outcome,) = sweep.outcomes
    assert outcome.segmented == 2 * 4
    unlimited = swept(replace(segmenters, max_gap=0.0), [*footage, *later], [target_setting(0.0)])
    assert unlimited.outcomes[0].segmented == 4


def plain_run(segmenters: Segmenters, footage: list[Frame], schedule) -> list[Segmentation]:
    segmenter = segmenters.new(schedule)
    return [segmenter.segment(frame.image, frame.stamp) for frame in footage]


def test_a_sweep_counts_what_a_plain_run_gives(
    segmenters: Segmenters, footage: list[Frame]
) -> None:
    settings = [
        target_setting(87.38),
        target_setting(88.0, "dynamic"),
        target_setting(87.0, "rising"),
        interval_setting(3),
    ]
    sweep = swept(segmenters, footage, settings)
    reference = plain_run(segmenters, footage, IntervalSchedule(1))
    assert sweep.labelled == 4
    assert (sweep.per_frame.share, sweep.per_frame.agreement) == (1.0, 1.0)
    for setting, outcome in zip(settings, sweep.outcomes, strict=True):
        run = plain_run(segmenters, footage, setting.schedule)
        paths = [decision.path for frame in run for decision in frame.decisions]
        assert 4 < paths.count(RegionPath.SEGMENTATION) < len(paths)
        assert outcome.share == paths.count(RegionPath.SEGMENTATION) / len(paths)
        agree = [one.mask == other.mask for one, other in zip(run, reference, strict=True)]
        assert outcome.agreement == pytest.approx(np.mean(agree))
        confusion = Confusion(11)
        for one, frame in zip(run, footage, strict=True):
            if frame.labels is not None:
                confusion.add(one.mask, frame.labels)
        assert np.array_equal(outcome.confusion.counts, confusion.counts)
        assert confusion.counts.sum() == 4 * 96 * (128 - 40)  # no void


def test_shares_of_intervals_are_exact(segmenters: Segmenters, footage: list[Frame]) -> None:
    intervals = (1, 2, 3, 4, 6, 7, 20)
    sweep = swept(segmenters, footage, [interval_setting(n) for n in intervals])
    assert [outcome.segmented for outcome in sweep.outcomes] == [
        4 * math.ceil(7 / n) for n in intervals
    ]
    assert not sweep.scores.true
    with pytest.raises(ValueError, match="1 or more"):
        interval_setting(0)


def test_true_scores_are_the_agreement_of_each_region(footage: list[Frame]) -> None:
    """Without overlap, a region's own labels can be seen in the mask."""
    segmenters = Segmenters(untrained_checkpoint(), overlap=0, device="cpu", precision="float32")
    sweep = swept(segmenters, footage, [target_setting(0.0)])
    flowing = plain_run(segmenters, footage, Schedule("fixed", 0.0))[1:]
    exact = plain_run(segmenters, footage, IntervalSchedule(1))[1:]
    expected, true = [], []
    for one, other in zip(flowing, exact, strict=True):
        for decision in one.decisions:
            place = decision.region.slices
            expected.append(decision.expected_confidence)
            true.append(100.0 * (one.mask[place] == other.mask[place]).mean())
    assert sweep.scores.expected.tolist() == expected
    assert sweep.scores.true.tolist() == pytest.approx(true)
    assert sweep.scores.error == pytest.approx(np.abs(np.subtract(expected, true)).mean())


def test_a_decision_met_under_two_targets_counts_once(
    segmenters: Segmenters, footage: list[Frame]
) -> None:
    sweep = swept(segmenters, footage, [target_setting(0.0), target_setting(0.5)])
    counts = [len(outcome.scores.true) for outcome in sweep.outcomes]
    assert counts == [24, 24]
    assert len(sweep.scores.true) == 24


def test_another_size_begins_anew(segmenters: Segmenters, footage: list[Frame]) -> None:
    other = [Frame(image, 10**9 + n) for n, image in enumerate(drifting_frames(2, 64, 96))]
    sweep = swept(segmenters, [*footage[:2], *other], [target_setting(0.0)])
    assert sweep.outcomes[0].frames == Counter({4: 2, 0: 2})
    assert len(sweep.scores.true) == 8


def blinding(footage: list[Frame], *places: int) -> list[Frame]:
    """The footage with white frames in these places."""
    return [
        replace(frame, image=np.full_like(frame.image, WHITE)) if place in places else frame
        for place, frame in enumerate(footage)
    ]


def test_a_setting_loses_what_its_flow_path_can_not_tell(
    segmenters: Segmenters, footage: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind_flow(monkeypatch)
    settings = [interval_setting(10), target_setting(100.0)]
    sweep = swept(segmenters, blinding(footage, 3), settings)
    interval, target = sweep.outcomes
    assert (interval.lost, interval.frames) == (1, Counter({4: 2, 0: 4}))  # keys: 0, 4
    assert (target.lost, target.frames) == (0, Counter({4: 7}))
    assert interval.confusion.counts.sum() == target.confusion.counts.sum()  # 3 has no labels
    times = measure_frame_seconds(segmenters.new(), [f.image for f in blinding(footage, 1)[:2]])
    assert (times > 0).all()


def test_what_can_not_be_segmented_is_not_taken(
    segmenters: Segmenters, footage: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind_segmentation(monkeypatch)
    sweep = Sweep(segmenters, [target_setting(0.0)])
    for place, frame in enumerate(blinding(footage, 2)):
        if place == 2:
            with pytest.raises(ValueError, match="not finite"):
                sweep.add(frame)
            sweep.reset()
        else:
            sweep.add(frame)
    assert sweep.labelled == 3
    assert sweep.per_frame.frames == Counter({4: 6})
    assert sweep.outcomes[0].frames == Counter({4: 2, 0: 4})
    assert len(sweep.scores.true) == 4 * 4


def passes(footage: list[Frame], resets: tuple[int, ...] = ()) -> Pass:
    """Passes over a drive that forget key frames before these places."""

    def footage_pass(take: Callable[[Frame], None], forget: Callable[[], None]) -> None:
        for place, frame in enumerate(footage):
            if place in resets:
                forget()
            take(frame)

    return footage_pass


def test_where_key_frames_are_forgotten_each_setting_begins_anew(
    segmenters: Segmenters, footage: list[Frame]
) -> None:
    sweep = Sweep(segmenters, [target_setting(0.0), interval_setting(9)])
    for index, frame in enumerate(footage[:5]):
        if index == 3:
            sweep.reset()
        sweep.add(frame)
    assert [outcome.frames for outcome in sweep.outcomes] == [Counter({4: 2, 0: 3})] * 2
    assert len(sweep.scores.true) == 3 * 4  # none of the frame after the reset


def test_without_a_decision_there_is_nothing_to_say_of_scores() -> None:
    assert math.isnan(JudgedScores().error)
    assert math.isnan(JudgedScores().rank_correlation)


def test_targets_are_found_for_shares(segmenters: Segmenters, footage: list[Frame]) -> None:
    low, high = TargetSearch(segmenters).find(passes(footage), [0.01, 0.5])
    shares = [outcome.share for outcome in swept(
        segmenters, footage, [target_setting(low), target_setting(high)]
    ).outcomes]  # fmt: skip
    assert shares[0] == 1 / 7  # the first frame's; no target gives less
    assert abs(shares[1] - 0.5) <= 2 / 28


def test_targets_are_found_where_scores_depend_on_the_labels(footage: list[Frame]) -> None:
    checkpoint = with_correction(untrained_checkpoint())
    segmenters = Segmenters(checkpoint, overlap=16, device="cpu", precision="float32")
    (target,) = TargetSearch(segmenters).find(passes(footage), [0.5])
    (outcome,) = swept(segmenters, footage, [target_setting(target)]).outcomes
    assert abs(outcome.share - 0.5) <= 2 / 28


def test_intervals_are_matched_in_their_own_shares(
    segmenters: Segmenters, footage: list[Frame]
) -> None:
    """Key frames are forgotten before frame 3, so 0, 2, 3 and 5 are key frames, not every 2nd."""
    search = TargetSearch(segmenters)
    _, matched = search.find(passes(footage, resets=(3,)), [0.01], [2])
    sweep = Sweep(segmenters, [target_setting(matched)])
    for place, frame in enumerate(footage):
        if place == 3:
            sweep.reset()
        sweep.add(frame)
    assert abs(sweep.outcomes[0].share - 4 / 7) <= 1 / 28


def test_a_search_goes_on_where_one_schedule_gives_no_mask(
    segmenters: Segmenters, footage: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    blind_flow(monkeypatch)
    blinding_pass = passes(blinding(footage, 3))
    (matched,) = TargetSearch(segmenters).find(blinding_pass, [], [10])  # key frames 0 and 4, of 6
    (outcome,) = swept(segmenters, blinding(footage, 3), [target_setting(matched)]).outcomes
    assert abs(outcome.share - 2 / 6) <= 1 / 12


def test_frames_per_second_follow_from_the_frames_counts() -> None:
    frames = Counter({4: 1, 0: 2, 1: 1})
    outcome = Outcome(target_setting(90.0), Confusion(2), frames, regions=16)
    assert outcome.segmented == 5
    assert outcome.frames_per_second(np.array([0.1, 0.3, 9.0, 9.0, 1.5])) == pytest.approx(4 / 2.0)


def test_a_frame_is_timed_by_its_segmented_regions(
    segmenters: Segmenters, footage: list[Frame]
) -> None:
    segmenter = segmenters.new()
    seconds = measure_frame_seconds(segmenter, [frame.image for frame in footage[:2]])
    assert seconds.shape == (5,)
    assert (seconds > 0).all()
    assert [d.path for d in segmenter.segment(footage[2].image).decisions] == [0, 0, 0, 0]


def test_frames_of_another_size_are_not_timed(
    segmenters: Segmenters, footage: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = segmenters.new()
    segment, resets = segmenter.segment, []

    def watched(image: np.ndarray) -> Segmentation:
        segmentation = segment(image)
        resets.append(segmentation.reset_reason)
        return segmentation

    monkeypatch.setattr(segmenter, "segment", watched)
    first, second = (frame.image for frame in footage[:2])
    measure_frame_seconds(segmenter, [first, second[:-16], second])
    assert not any(resets)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def judged(expected: list[float], true: list[float]) -> JudgedScores:
    scores = JudgedScores()
    for one, other in zip(expected, true, strict=True):
        scores.add(one, other)
    return scores


def make_outcome(kind_setting, confusion: Confusion, segmented: int) -> Outcome:
    scores = judged([90.0, 95.0, 99.0], [91.0, 93.0, 99.0])
    return Outcome(kind_setting, confusion, Counter({segmented: 2}), 8, 30, 40, scores)


@pytest.fixture
def confusion() -> Confusion:
    """Class 0: 3 of 4 hit, once predicted for class 1; class 1: 1 of 2 hit."""
    confusion = Confusion(len(CAMVID.classes))
    confusion.add(
        np.array([[0, 0, 0, 1, 1, 0, 5]], np.uint8), np.array([[0, 0, 0, 0, 1, 1, VOID]], np.uint8)
    )
    return confusion


def test_the_table_of_a_tradeoff(confusion: Confusion, tmp_path: Path) -> None:
    outcomes = [make_outcome(target_setting(90.0), confusion, 1)]
    seconds = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    write_tradeoff(tmp_path / "tradeoff.csv", outcomes, seconds)
    (row,) = read(tmp_path / "tradeoff.csv")
    assert row.pop("kind") == "target"
    assert {name: float(value) for name, value in row.items()} == pytest.approx(
        {
            "value": 90.0,
            "share_of_segmentation": 0.25,
            "agreement": 0.75,
            "mean_iou": (3 / 5 + 1 / 3) / 2,
            "pixel_accuracy": 4 / 6,
            "frames_per_second": 5.0,
            "regions": 8,
            "segmented_regions": 2,
            "score_error": 1.0,
            "score_rank_correlation": 1.0,
        },
        rel=1e-5,
    )
    head, line = format_tradeoff(outcomes, seconds, labelled=True).splitlines()
    assert "agreement %   mIoU %   pixel accuracy %   frames/s" in head
    shown = line.split()
    assert shown == ["target", "90", "25.00", "75.00", "46.67", "66.67", "5.00"]
    outcomes += [make_outcome(interval_setting(4), confusion, 2)]
    outcomes += [make_outcome(target_setting(95.0), confusion, 3)]
    match = format_matches(outcomes, labelled=True).splitlines()[1].split()
    assert match == [
        "interval",
        "4",
        "50.00",
        "75.00",
        "46.67",
        "target",
        "90",
        "25.00",
        *match[8:],
    ]
    assert "mIoU" not in format_tradeoff(outcomes, seconds, labelled=False)
    draw_tradeoff(
        outcomes,
        make_outcome(interval_setting(1), confusion, 4),
        "a drive",
        tmp_path / "tradeoff.png",
        labelled=True,
    )
    assert cv2.imread(str(tmp_path / "tradeoff.png")).std() > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tradeoff.csv", "tradeoff.png"]


def test_an_interval_stands_beside_the_target_of_the_nearest_share(confusion: Confusion) -> None:
    outcomes = [
        make_outcome(interval_setting(2), confusion, 3),
        make_outcome(target_setting(80.0), confusion, 1),
        make_outcome(target_setting(99.0), confusion, 4),
    ]
    head, line = format_matches(outcomes, labelled=False).splitlines()
    assert "mIoU" not in head
    assert line.split() == ["interval", "2", "75.00", "75.00", "target", "99", "100.00", "75.00"]


def test_the_tables_of_stills(confusion: Confusion, tmp_path: Path) -> None:
    write_confusion(tmp_path, confusion, CAMVID, 1)
    classes = {row["class"]: row for row in read(tmp_path / "classes.csv")}
    assert classes["sky"] == {
        "class": "sky", "iou": "0.6", "labelled_pixels": "4", "predicted_pixels": "4",
    }  # fmt: skip
    assert classes["car"]["iou"] == "nan"
    counts = {row["labelled \\ predicted"]: row for row in read(tmp_path / "confusion.csv")}
    assert (counts["sky"]["building"], counts["building"]["sky"]) == ("1", "1")
    (summary,) = read(tmp_path / "summary.csv")
    assert (summary["images"], summary["labelled_pixels"]) == ("1", "6")
    assert float(summary["pixel_accuracy"]) == pytest.approx(4 / 6, rel=1e-5)
    _, sky, building, *others, means = format_confusion(confusion, CAMVID).splitlines()
    assert sky.split() == ["sky", "60.0", "66.7"]
    assert building.split() == ["building", "33.3", "33.3"]
    assert all(line.endswith("    –     0.0") for line in others)
    assert means == "mIoU 46.7 %, pixel accuracy 66.7 %"


def test_the_tables_of_decisions(tmp_path: Path) -> None:
    scores = judged([90.0, 96.0], [91.0, 93.0])
    table = calibration_table(np.array(scores.expected), np.array(scores.true))
    write_scores(tmp_path, scores, table)
    (figures,) = read(tmp_path / "decision.csv")
    assert (figures["decisions"], figures["mean_absolute_error"]) == ("2", "2")
    rows = [row for row in read(tmp_path / "calibration.csv") if row["decisions"] != "0"]
    assert list(rows[0]) == [
        "expected_from", "expected_to", "decisions", "mean_expected", "mean_true",
    ]  # fmt: skip
    assert [row["mean_true"] for row in rows] == ["91", "93"]


def test_label_ids_are_those_of_cityscapesscripts(tmp_path: Path) -> None:
    mask = np.arange(19, dtype=np.uint8)[None]
    save_label_ids(tmp_path / "ids" / "a.png", mask)
    ids = cv2.imread(str(tmp_path / "ids" / "a.png"), cv2.IMREAD_UNCHANGED)
    names = dict(zip(CITYSCAPES.classes, ids[0].tolist(), strict=True))
    assert names["road"] == 7
    assert (names["traffic sign"], names["person"], names["bicycle"]) == (20, 24, 33)
    assert sorted(set(ids[0].tolist())) == ids[0].tolist()
    check_has_label_ids(CITYSCAPES)
    with pytest.raises(ValueError, match="label set is 'camvid'"):
        check_has_label_ids(CAMVID)


def test_stand_ins_change_nothing_of_first_frames(
    segmenters: Segmenters, footage: list[Frame]
) -> None:
    whole = segmenters.checkpoint
    alone = Checkpoint(
        {"segmentation": whole.networks["segmentation"]},
        {"segmentation": whole.specs["segmentation"]},
        whole.label_set,
        whole.input,
    )
    with pytest.raises(CheckpointError, match="lacks the flow and the decision"):
        replace(segmenters, checkpoint=alone).new()
    stood_in = replace(segmenters, checkpoint=with_stand_ins(alone)).new()
    expected = segmenters.new().segment(footage[0].image).mask
    np.testing.assert_array_equal(stood_in.segment(footage[0].image).mask, expected)
    assert with_stand_ins(whole).networks == whole.networks
