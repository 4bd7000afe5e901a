"""The video segmenter's state, sizes and refusals; what it computes is held against the goldens."""

import itertools
import math
from pathlib import Path as FilePath

import numpy as np
import pytest
import torch
from torch import Tensor

from dvsnet_ros.core.checkpoint import Checkpoint, CheckpointError, untrained_checkpoint
from dvsnet_ros.core.label_sets import CAMVID, CITYSCAPES
from dvsnet_ros.core.region_networks import FlowPathResult, RegionNetworks
from dvsnet_ros.core.schedule import MODES, Path, Schedule
from dvsnet_ros.core.segmentation import ResetReason
from dvsnet_ros.core.segmenter_state import load_state, save_state
from dvsnet_ros.core.tracking import Track
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from helpers.tracked import with_track

SECOND = 1_000_000_000
ALWAYS_FLOW = Schedule("fixed", 0.0)
ALWAYS_SEGMENTATION = Schedule("fixed", 100.0)


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return untrained_checkpoint()


@pytest.fixture(scope="module")
def tracked(checkpoint: Checkpoint) -> Checkpoint:
    return with_track(checkpoint)


def new_segmenter(checkpoint: Checkpoint, **arguments: object) -> VideoSegmenter:
    defaults = {"overlap": 16, "device": "cpu", "precision": "float32"}
    return VideoSegmenter(checkpoint, **{**defaults, **arguments})  # type: ignore[arg-type]


def frames(count: int, height: int = 96, width: int = 128) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


def paths(segmentation: object) -> list[Path]:
    return [decision.path for decision in segmentation.decisions]  # type: ignore[attr-defined]


def test_the_first_frame_is_segmented_whole(checkpoint: Checkpoint) -> None:
    first = new_segmenter(checkpoint).segment(frames(1)[0], 7 * SECOND)
    assert paths(first) == [Path.SEGMENTATION] * 4
    assert all(math.isnan(decision.expected_confidence) for decision in first.decisions)
    assert [(d.key_stamp, d.key_age) for d in first.decisions] == [(7 * SECOND, 0)] * 4
    assert first.reset_reason is None


def test_a_frame_that_can_not_be_written_to_is_copied_without_a_word(
    checkpoint: Checkpoint, recwarn: pytest.WarningsRecorder
) -> None:
    (frame,) = frames(1)
    plain = new_segmenter(checkpoint).segment(frame)
    frame.flags.writeable = False
    torch.set_warn_always(True)  # not once a process
    try:
        assert np.array_equal(new_segmenter(checkpoint).segment(frame).mask, plain.mask)
    finally:
        torch.set_warn_always(False)
    assert not [warning for warning in recwarn if "not writable" in str(warning.message)]


def test_key_frames_age_on_the_flow_path(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_FLOW)
    ages = []
    for index, frame in enumerate(frames(4)):
        result = segmenter.segment(frame, index * SECOND)
        ages.append({(d.key_age, d.key_stamp) for d in result.decisions})
    assert ages == [{(age, 0)} for age in range(4)]


def test_segmented_regions_do_not_depend_on_the_past(checkpoint: Checkpoint) -> None:
    first, second = frames(2)
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_SEGMENTATION)
    segmenter.segment(first)
    again = segmenter.segment(second)
    alone = new_segmenter(checkpoint).segment(second)
    assert paths(again) == [Path.SEGMENTATION] * 4
    np.testing.assert_array_equal(again.mask, alone.mask)


class _LastRegionAlways:
    """Segments the last of four regions in every frame, the others never again."""

    mode = "of a test"
    target = 50.0
    max_share = 1.0

    def __init__(self) -> None:
        self.ages: list[int] = []

    def path(self, score: float, target: float, key_age: int) -> Path:  # noqa: ARG002
        self.ages.append(key_age)
        return Path.FLOW if len(self.ages) % 4 else Path.SEGMENTATION

    def next_target(self, target: float, path: Path, score: float) -> float:  # noqa: ARG002
        return target


def test_where_regions_overlap_the_younger_key_frame_counts_for_more(
    checkpoint: Checkpoint,
) -> None:
    masks = []
    for discount in (0.0, 1e6):
        segmenter = new_segmenter(checkpoint, schedule=_LastRegionAlways(), age_discount=discount)
        for frame in frames(3):
            result = segmenter.segment(frame)
        assert [d.key_age for d in result.decisions] == [2, 2, 2, 0]
        masks.append(result.mask)
    changed = masks[0] != masks[1]
    youngest = result.grid.regions[3].slices
    assert changed[youngest].any()
    changed[youngest] = False
    assert not changed.any()


def test_a_segmented_region_alone_has_a_new_key_frame(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint, schedule=_LastRegionAlways())
    fresh = new_segmenter(checkpoint)
    first, second = frames(2)
    segmenter.segment(first)
    before = segmenter.state().keys
    segmenter.segment(second, SECOND)
    fresh.segment(second, SECOND)
    after, new = segmenter.state().keys, fresh.state().keys
    assert before is not None
    assert after is not None
    assert new is not None
    for name in ("images", "logits"):
        one, two, three = (getattr(keys, name) for keys in (before, after, new))
        assert two[:3].equal(one[:3])
        assert torch.allclose(two[3], three[3], rtol=1e-3, atol=0.1)
    assert (after.stamps, after.ages) == ([0, 0, 0, SECOND], [1, 1, 1, 0])


def test_schedule_and_networks_are_told_how_old_a_key_frame_is_by_now(
    tracked: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    flow_path = RegionNetworks.flow_path

    def listening(
        self: RegionNetworks, current: Tensor, key: Tensor, logits: Tensor, track: Track
    ) -> FlowPathResult:
        told.extend(track.ages)
        return flow_path(self, current, key, logits, track)

    monkeypatch.setattr(RegionNetworks, "flow_path", listening)
    schedule = _LastRegionAlways()
    segmenter = new_segmenter(tracked, schedule=schedule)
    for frame in frames(4):
        segmenter.segment(frame)
    assert told == schedule.ages == [1, 1, 1, 1, 2, 2, 2, 1, 3, 3, 3, 1]


def test_reset_forgets_everything(checkpoint: Checkpoint) -> None:
    drive = frames(3)
    segmenter = new_segmenter(checkpoint, schedule=Schedule("dynamic", 50.0))
    before = [segmenter.segment(frame).mask for frame in drive]
    segmenter.reset()
    after = [segmenter.segment(frame).mask for frame in drive]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("size", "stamp", "reason"),
    [
        ((96, 128), 11 * SECOND, None),
        ((96, 144), 11 * SECOND, ResetReason.NEW_IMAGE_SIZE),
        ((96, 128), 9 * SECOND, ResetReason.STAMP_JUMPED_BACK),
        ((96, 128), 13 * SECOND, ResetReason.GAP),
    ],
)
def test_what_breaks_the_drive_resets(
    checkpoint: Checkpoint, size: tuple[int, int], stamp: int, reason: ResetReason | None
) -> None:
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_FLOW, max_gap=2.0)
    segmenter.segment(frames(1)[0], 10 * SECOND)
    result = segmenter.segment(frames(1, *size)[0], stamp)
    assert result.reset_reason is reason
    assert paths(result) == [Path.SEGMENTATION if reason else Path.FLOW] * 4
    assert result.mask.shape == size


def test_a_dynamic_target_is_each_regions_own(checkpoint: Checkpoint) -> None:
    schedule = Schedule("dynamic", 90.0, decrease=1.0, increase=0.25)
    segmenter = new_segmenter(checkpoint, schedule=schedule)
    drive = frames(6)
    targets = [90.0] * 4
    for index, frame in enumerate(drive):
        result = segmenter.segment(frame)
        assert [d.target for d in result.decisions] == targets
        if index:
            targets = [
                target - 1.0 if d.expected_confidence < target else target + 0.25
                for target, d in zip(targets, result.decisions, strict=True)
            ]


def test_a_new_schedule_holds_from_the_next_frame_on(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_FLOW)
    first, second, third = frames(3)
    segmenter.segment(first)
    assert paths(segmenter.segment(second)) == [Path.FLOW] * 4
    segmenter.schedule = ALWAYS_SEGMENTATION
    result = segmenter.segment(third)
    assert {d.target for d in result.decisions} == {100.0}
    assert paths(result) == [Path.SEGMENTATION] * 4


def test_a_schedule_that_is_set_before_the_first_frame_holds_from_there(
    checkpoint: Checkpoint,
) -> None:
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_FLOW)
    segmenter.schedule = ALWAYS_SEGMENTATION
    for frame in frames(2):
        assert {d.target for d in segmenter.segment(frame).decisions} == {100.0}


def test_a_schedule_that_starts_where_the_last_one_did_leaves_the_targets(
    checkpoint: Checkpoint,
) -> None:
    segmenter = new_segmenter(checkpoint, schedule=Schedule("dynamic", 0.0, increase=0.5))
    first, second, third, fourth = frames(4)
    segmenter.segment(first)
    segmenter.segment(second)
    segmenter.schedule = Schedule("dynamic", 0.0, increase=0.25)
    assert {d.target for d in segmenter.segment(third).decisions} == {0.5}
    segmenter.schedule = Schedule("rising", 0.0)
    assert {d.target for d in segmenter.segment(fourth).decisions} == {0.0}


@pytest.mark.parametrize("mode", MODES)
def test_a_largest_share_is_kept_to_whatever_the_target(checkpoint: Checkpoint, mode: str) -> None:
    schedule = Schedule(mode, 100.0, share=0.3, max_share=0.375)  # one and a half of four regions
    segmenter = new_segmenter(checkpoint, schedule=schedule)
    first, *drive = frames(21)
    assert paths(segmenter.segment(first)) == [Path.SEGMENTATION] * 4
    ages, counts = [0] * 4, []
    for frame in drive:
        decisions = segmenter.segment(frame).decisions
        lacks = [d.target - d.expected_confidence for d in decisions]
        segmented = [d.path is Path.SEGMENTATION for d in decisions]
        assert min(itertools.compress(lacks, segmented)) >= max(
            itertools.compress(lacks, [not s for s in segmented])
        )
        ages = [0 if s else age + 1 for age, s in zip(ages, segmented, strict=True)]
        assert [d.key_age for d in decisions] == ages
        counts.append(sum(segmented))
    assert counts == [1, 2] * 10


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 2), (3, 4), (1, 3)])
@pytest.mark.parametrize("size", [(96, 128), (101, 75), (124, 413)])
def test_any_grid_and_any_size(
    checkpoint: Checkpoint, rows: int, columns: int, size: tuple[int, int]
) -> None:
    segmenter = new_segmenter(
        checkpoint, rows=rows, columns=columns, schedule=Schedule("fixed", 90)
    )
    for frame in frames(3, *size):
        result = segmenter.segment(frame, confidence=True)
        assert result.mask.shape == size
        assert len(result.decisions) == rows * columns
        assert result.confidence is not None
        assert result.confidence.shape == size
        assert result.mask.max() < 11


def test_what_the_paths_take_is_within_the_whole(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint)
    for frame in frames(2):
        timings = dict(segmenter.segment(frame).timings)
        assert timings.keys() == {"flow", "segmentation", "decode", "total"}
        total = timings.pop("total")
        assert total > sum(timings.values()) > 0.0


def test_any_number_of_classes() -> None:
    segmenter = new_segmenter(untrained_checkpoint(CITYSCAPES))
    assert segmenter.segment(frames(1)[0]).mask.max() < 19
    assert segmenter.label_set is CITYSCAPES


def test_a_processing_size_and_back(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint, height=64, width=96)
    frame = frames(1, 120, 200)[0]
    result = segmenter.segment(frame, confidence=True)
    assert result.mask.shape == (64, 96)
    whole = result.resized(120, 200)
    assert whole.mask.shape == (120, 200)
    assert whole.confidence is not None
    assert whole.confidence.shape == (120, 200)
    last = whole.decisions[-1].region
    assert (last.y + last.height, last.x + last.width) == (120, 200)
    assert set(np.unique(whole.mask)) <= set(np.unique(result.mask))
    assert result.resized(64, 96) is result


def test_bfloat16_agrees_with_float32(checkpoint: Checkpoint) -> None:
    frame = frames(1)[0]
    exact = new_segmenter(checkpoint).segment(frame).mask
    rounded = new_segmenter(checkpoint, precision="bfloat16").segment(frame).mask
    assert (exact == rounded).mean() > 0.9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"overlap": 12}, "divisible by 8"),
        ({"height": 64}, "give both"),
        ({"height": 64, "width": 64, "overlap": 40}, "at most 32"),
        ({"device": "tpu"}, "auto, cpu, cuda"),
        ({"device": "cuda:99"}, "cuda"),
        ({"precision": "float8"}, "float32"),
        ({"precision": "float16"}, "CUDA"),
        ({"max_gap": -0.5}, "a gap of -0.5 s does not work"),
        ({"max_gap": math.inf}, "0 for no limit"),
    ],
)
def test_what_cannot_work_is_refused(
    checkpoint: Checkpoint, arguments: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        new_segmenter(checkpoint, **arguments)


def test_a_missing_network_is_named() -> None:
    checkpoint = untrained_checkpoint()
    del checkpoint.networks["decision"]
    with pytest.raises(CheckpointError, match="lacks the decision network"):
        new_segmenter(checkpoint)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((96, 128), np.uint8),
        np.zeros((96, 128, 4), np.uint8),
        np.zeros((96, 128, 3), np.float32),
        np.zeros((20, 20, 3), np.uint8),
    ],
)
def test_a_frame_that_cannot_be_leaves_the_state_alone(
    checkpoint: Checkpoint, frame: np.ndarray
) -> None:
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_FLOW)
    first, second = frames(2)
    segmenter.segment(first)
    with pytest.raises(ValueError, match=r"frame|overlap|regions"):
        segmenter.segment(frame)
    assert paths(segmenter.segment(second)) == [Path.FLOW] * 4


def test_logits_that_are_not_finite_give_no_mask() -> None:
    broken = untrained_checkpoint()
    broken.networks["segmentation"].get_parameter("classify.weight").data.fill_(math.nan)
    with pytest.raises(ValueError, match="not finite"):
        new_segmenter(broken).segment(frames(1)[0])


def test_labels_are_camvids(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint)
    assert segmenter.label_set == CAMVID
    mask = segmenter.segment(frames(1)[0]).mask
    colored = CAMVID.colorize(mask)
    y, x = 5, 9
    assert tuple(colored[y, x, ::-1]) == CAMVID.colors[mask[y, x]]


@pytest.mark.parametrize("kind", ["checkpoint", "tracked"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_saved_state_goes_on_as_if_nothing_had_been(
    kind: str, precision: str, request: pytest.FixtureRequest, tmp_path: FilePath
) -> None:
    checkpoint = request.getfixturevalue(kind)
    schedule = Schedule("dynamic", 89.0, 1.0, 0.7, max_share=0.3)
    settings = {"schedule": schedule, "precision": precision}
    segmenter = new_segmenter(checkpoint, max_gap=1.5, **settings)
    drive = frames(8)
    for index in range(4):
        segmenter.segment(drive[index], index * SECOND)
    save_state(tmp_path / "state", segmenter.state())
    other = new_segmenter(checkpoint, max_gap=1.5, **settings)
    other.restore(load_state(tmp_path / "state"))
    taken = set()
    for index in range(4, 8):
        one = segmenter.segment(drive[index], index * SECOND)
        two = other.segment(drive[index], index * SECOND)
        np.testing.assert_array_equal(one.mask, two.mask)
        assert one.decisions == two.decisions
        taken.update(paths(one))
    assert taken == {Path.SEGMENTATION, Path.FLOW}
    for segmenters in (segmenter, other):
        late = segmenters.segment(drive[0], 20 * SECOND)
        assert late.reset_reason is ResetReason.GAP


def test_a_state_is_a_copy(checkpoint: Checkpoint) -> None:
    segmenter = new_segmenter(checkpoint, schedule=ALWAYS_SEGMENTATION)
    first, second = frames(2)
    segmenter.segment(first)
    state = segmenter.state()
    assert state.keys is not None
    images, logits = state.keys.images.clone(), state.keys.logits.clone()
    other = new_segmenter(checkpoint, schedule=ALWAYS_SEGMENTATION)
    other.restore(state)
    for each in (segmenter, other):
        each.segment(second, SECOND)
        assert state.keys.images.equal(images)
        assert state.keys.logits.equal(logits)
        assert state.keys.stamps == [0] * 4


def test_the_state_before_the_first_frame(checkpoint: Checkpoint, tmp_path: FilePath) -> None:
    segmenter = new_segmenter(checkpoint)
    save_state(tmp_path / "state", segmenter.state())
    state = load_state(tmp_path / "state")
    assert state == segmenter.state()
    (frame,) = frames(1)
    segmenter.segment(frame)
    segmenter.restore(state)
    assert all(math.isnan(d.expected_confidence) for d in segmenter.segment(frame).decisions)
