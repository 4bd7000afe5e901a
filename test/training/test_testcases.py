import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dvsnet_ros.commands import gentestcase
from dvsnet_ros.commands.flags import INTERRUPTED
from dvsnet_ros.core.checkpoint import (
    Checkpoint,
    InputFormat,
    load_checkpoint,
    new_checkpoint,
    save_checkpoint,
    untrained_checkpoint,
)
from dvsnet_ros.core.networks import NetworkSpec
from dvsnet_ros.core.networks.resize import resize_bilinear
from dvsnet_ros.core.networks.warp import warp
from dvsnet_ros.core.region_networks import RegionNetworks
from dvsnet_ros.core.regions import RegionGrid, RegionLayout
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.tracking import Track
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import DriveError, drive
from dvsnet_ros.training.augmentation import relight
from dvsnet_ros.training.case_files import load_cases
from dvsnet_ros.training.data import DataError
from dvsnet_ros.training.flow import initialise
from dvsnet_ros.training.key_frames import KeyReach
from dvsnet_ros.training.testcases import (
    ORIGINAL_MEAN,
    CaseMaker,
    Shot,
    ShotPair,
    input_of_testcases,
    pairs_of_drive,
    read_pair_list,
    shot_of_image,
)
from helpers.drives import drifting_frames
from helpers.stills import make_still, write_still
from helpers.tracked import with_track

HEIGHT, WIDTH = 64, 96


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """Random weights with which classes vary, and the flow is a small one."""
    checkpoint = untrained_checkpoint()
    image = torch.from_numpy(make_images(1)[0]).permute(2, 0, 1)[None].float()
    last = checkpoint.networks["segmentation"].get_submodule("classify")
    seen: list[torch.Tensor] = []
    hook = last.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].mean((0, 2, 3))))
    with torch.no_grad():
        checkpoint.networks["segmentation"](image - 115)
        hook.remove()
        mean = seen[0] / seen[0].norm()  # without it, one class is the largest everywhere
        last.weight -= (last.weight[:, :, 0, 0] @ mean)[:, None, None, None] * mean[:, None, None]
        flow = checkpoint.networks["flow"]
        torch.manual_seed(0)
        initialise(flow)
        flow.predict_flow2.weight *= 0.05
    return checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, checkpoint: Checkpoint) -> Path:
    """Five frames, a list of triples of them, and the checkpoint."""
    path = tmp_path_factory.mktemp("drive")
    (path / "frames").mkdir()
    for index, image in enumerate(make_images(5)):
        cv2.imwrite(str(path / "frames" / f"{index}.png"), image)
    lines = [f"frames/{key}.png /frames/4.png labels/4.png\n" for key in range(4)]
    (path / "list.txt").write_text("".join(lines))
    save_checkpoint(path / "checkpoint.safetensors", checkpoint)
    return path


def make_images(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    whole = cv2.GaussianBlur(random.integers(0, 256, (HEIGHT, 160, 3), np.uint8), (0, 0), 3)
    return [np.ascontiguousarray(whole[:, 3 * n : 3 * n + WIDTH]) for n in range(count)]


def make_maker(checkpoint: Checkpoint, **options: float) -> CaseMaker:
    networks = RegionNetworks(
        checkpoint, torch.device("cpu"), torch.float32, input_of_testcases(checkpoint)
    )
    return CaseMaker(networks, **options)


def pair_of(key: np.ndarray, current: np.ndarray) -> ShotPair:
    return ShotPair(shot_of_image("key", key), shot_of_image("current", current))


@torch.inference_mode()
def test_cases_are_the_original_computation(checkpoint: Checkpoint) -> None:
    """Spelled out as in computation 10: whole resizes and maxima, no overlap, the other mean."""
    key, current = make_images(4)[::3]
    features, scores = make_maker(checkpoint).cases(pair_of(key, current))
    mean = torch.tensor(ORIGINAL_MEAN).view(1, 3, 1, 1)
    halves = []
    logits = []
    for image in (current, key):
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
        grid = RegionGrid(HEIGHT, WIDTH, overlap=0)
        batch = torch.cat([pixels[:, :, r.slices[0], r.slices[1]] for r in grid.regions])
        halves.append(resize_bilinear(batch / 255, HEIGHT // 4, WIDTH // 4))
        logits.append(checkpoint.networks["segmentation"](batch - mean))
    fields = checkpoint.networks["flow"](*halves)
    warped = warp(resize_bilinear(logits[1], *fields.flow.shape[2:]), fields.flow) * fields.scale
    masks = [
        resize_bilinear(value, HEIGHT // 2, WIDTH // 2).argmax(1) for value in (warped, logits[0])
    ]
    expected = 100 * (masks[0] == masks[1]).double().mean((1, 2)).numpy()
    assert scores.dtype == np.float64
    assert scores == pytest.approx(expected, abs=0.1)  # a pixel on an edge may round elsewhere
    resized = resize_bilinear(fields.features, 4, 8).permute(0, 2, 3, 1).numpy()
    assert features.shape == (4, 4, 8, 64)
    assert features.dtype == np.float32
    assert np.allclose(features, resized, rtol=1e-4, atol=1e-4 * np.abs(resized).max())


def test_identical_frames_agree_wholly(checkpoint: Checkpoint) -> None:
    """Where the flow network sees no motion, and the logits have its grid already."""
    spec = NetworkSpec("compact", {"num_classes": 11, "width": 4})
    still = new_checkpoint({**checkpoint.specs, "segmentation": spec}, checkpoint.label_set)
    initialise(still.networks["flow"])
    torch.nn.init.zeros_(still.networks["flow"].predict_flow2.weight)
    image = make_images(1)[0]
    _, scores = make_maker(still).cases(pair_of(image, image))
    assert scores.tolist() == [100.0] * 4


def test_clip_drops(checkpoint: Checkpoint) -> None:
    pair = pair_of(*make_images(4)[::3])
    features, scores = make_maker(checkpoint).cases(pair)
    clip = float(np.sort(scores)[1]) / 100
    kept_features, kept = make_maker(checkpoint, clip=clip).cases(pair)
    assert kept.tolist() == scores[scores / 100 > clip].tolist()
    assert len(kept) == 2
    assert np.array_equal(kept_features, features[scores / 100 > clip])


def test_other_sizes_are_refused(checkpoint: Checkpoint) -> None:
    image = make_images(1)[0]
    with pytest.raises(DataError, match="differ in size"):
        make_maker(checkpoint).cases(pair_of(image, image[:48]))


def test_the_mean_is_the_originals_for_its_weights_only(checkpoint: Checkpoint) -> None:
    assert input_of_testcases(checkpoint).mean == ORIGINAL_MEAN
    own = replace(checkpoint, input=InputFormat(scale=1 / 64))
    assert input_of_testcases(own) == own.input


def test_pairs_of_a_drive(folder: Path) -> None:
    pairs = list(pairs_of_drive(drive(folder / "frames"), KeyReach(2)))
    names = [(pair.key.name[-3], pair.current.name[-3]) for pair in pairs]
    assert names == [
        ("0", "1"), ("0", "2"), ("1", "2"), ("1", "3"), ("2", "3"), ("2", "4"), ("3", "4"),
    ]  # fmt: skip
    near = pairs_of_drive(drive(folder / "frames"), KeyReach(2, seconds=0.1))
    assert [pair.key.name[-3] for pair in near] == ["0", "1", "2", "3"]


def test_a_frame_that_is_too_small_costs_the_key_frames(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for index, image in enumerate(make_images(5)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image[: 16 if index == 2 else None])
    pairs = pairs_of_drive(drive(tmp_path), KeyReach(4))
    assert [(pair.key.load().shape, len(pair.between)) for pair in pairs] == 2 * [
        ((HEIGHT, WIDTH, 3), 0)
    ]
    assert "frame 2 is skipped: 2 rows on a height of 16 pixels" in caplog.text


def test_a_new_size_costs_the_key_frames(tmp_path: Path) -> None:
    for index, image in enumerate(make_images(5)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), image[: HEIGHT - 16 if index > 1 else None])
    pairs = pairs_of_drive(drive(tmp_path), KeyReach(4))
    sizes = [(pair.key.load().shape[0], pair.current.load().shape[0]) for pair in pairs]
    assert sizes == [(HEIGHT, HEIGHT)] + 3 * [(HEIGHT - 16, HEIGHT - 16)]
    # At one processing size, all frames make pairs with each other.
    together = pairs_of_drive(drive(tmp_path), KeyReach(4), layout=RegionLayout(48, 64, overlap=0))
    assert len(list(together)) == 4 + 3 + 2 + 1


def test_a_listed_image_that_is_too_small_is_named(folder: Path, tmp_path: Path) -> None:
    for name, image in zip("ab", make_images(2), strict=True):
        cv2.imwrite(str(tmp_path / f"{name}.png"), image[:16])
    (tmp_path / "list.txt").write_text("a.png b.png\n")
    (pair,) = read_pair_list(tmp_path / "list.txt", None) or []
    maker = make_maker(load_checkpoint(folder / "checkpoint.safetensors"))
    with pytest.raises(DataError, match=r"a\.png': 2 rows on a height of 16 pixels"):
        maker.cases(pair)


def test_a_pair_is_tracked_as_the_frames_of_a_drive_are(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    tracks: list[Track] = []

    class Recording(RegionNetworks):
        def flow_path(self, current, key, logits, track=None):  # type: ignore[no-untyped-def]
            tracks.append(Track(track.motion.clone(), track.ages))
            return super().flow_path(current, key, logits, track)

    frames = drifting_frames(4, step=6)
    for number, frame in enumerate(frames):
        cv2.imwrite(str(tmp_path / f"{number}.png"), frame)
    networks = Recording(with_track(checkpoint), torch.device("cpu"), torch.float32)
    segmenter = VideoSegmenter(
        with_track(checkpoint), overlap=16, schedule=Schedule("fixed", 0.0), networks=networks
    )
    for frame in frames:
        segmenter.segment(frame)
    driven, tracks[:] = tracks[:], []
    maker = CaseMaker(networks, RegionLayout(overlap=16), remembered=4)
    pairs = list(pairs_of_drive(drive(tmp_path), KeyReach(3)))
    for pair in pairs:
        maker.cases(pair)
    from_the_first = [
        track for pair, track in zip(pairs, tracks, strict=True) if pair.key.name[-3] == "0"
    ]
    assert len(from_the_first) == len(driven) == 3
    for one, other in zip(from_the_first, driven, strict=True):
        assert torch.allclose(one.motion, other.motion, atol=1e-4)
        assert one.ages == other.ages


@pytest.mark.parametrize("tracked", [False, True])
def test_no_frame_is_loaded_twice(checkpoint: Checkpoint, tracked: bool) -> None:
    """And without a track, none of those between."""
    loaded: list[str] = []

    def shot(name: str, image: np.ndarray) -> Shot:
        return Shot(name, lambda: (loaded.append(name), image)[1])

    key, between, current = (
        shot(name, frame) for name, frame in zip("abc", drifting_frames(3), strict=True)
    )
    used = with_track(checkpoint) if tracked else checkpoint
    networks = RegionNetworks(used, torch.device("cpu"), torch.float32)
    maker = CaseMaker(networks, RegionLayout(overlap=16))
    maker.cases(ShotPair(key, current, (between,)))
    assert sorted(loaded) == (["a", "b", "c"] if tracked else ["a", "c"])


def test_another_light_is_the_same_for_a_whole_drive(folder: Path) -> None:
    frames = drive(folder / "frames")
    plain, lit, other = (list(pairs_of_drive(frames, KeyReach(1), light)) for light in (0, 1, 2))
    shots = [pair.key.name for pairs in (plain, lit, other) for pair in pairs]
    assert len(set(shots)) == len(shots) == 3 * (len(frames) - 1)
    assert np.array_equal(plain[0].key.load(), frames[0].image)
    assert not np.array_equal(lit[0].key.load(), frames[0].image)
    assert not np.array_equal(lit[0].key.load(), other[0].key.load())
    for number in range(2):
        expected = relight(frames[number].image, np.random.default_rng(1))
        assert np.array_equal(lit[number].key.load(), expected)


def test_drives_of_one_name_are_told_apart(folder: Path, tmp_path: Path) -> None:
    for day, images in (("monday", drifting_frames(3)), ("tuesday", make_images(3))):
        (tmp_path / day / "images").mkdir(parents=True)
        for number, image in enumerate(images):
            cv2.imwrite(str(tmp_path / day / "images" / f"{number}.png"), image[:HEIGHT, :WIDTH])
    drives = [str(tmp_path / day / "images") for day in ("monday", "tuesday")]
    both, alone = tmp_path / "both", tmp_path / "alone"
    assert gentestcase_of(folder, both, *drives, "--max-distance", "3") == 0
    assert gentestcase_of(folder, alone, drives[1], "--max-distance", "3") == 0
    expected = load_cases([alone])
    for made, wanted in zip(load_cases([both]), expected, strict=True):
        assert np.array_equal(made[made.shape[0] // 2 :], wanted[:])


def test_lists(folder: Path, tmp_path: Path) -> None:
    pairs = read_pair_list(folder / "list.txt", folder)
    assert pairs is not None
    assert [Path(pair.key.name).name for pair in pairs] == ["0.png", "1.png", "2.png", "3.png"]
    assert {pair.current.name for pair in pairs} == {str(folder / "frames" / "4.png")}
    drive_list = tmp_path / "drive.txt"
    drive_list.write_text("a.png\nb.png\n")
    assert read_pair_list(drive_list, None) is None
    drive_list.write_text("a.png b.png\nc.png\n")
    with pytest.raises(DataError, match="line 2"):
        read_pair_list(drive_list, None)
    drive_list.write_text("a.png münchen.png\n", encoding="latin-1")
    with pytest.raises(DriveError, match="is no list of images: it is not text"):
        read_pair_list(drive_list, None)


def gentestcase_of(folder: Path, out: Path, *more: str) -> int:
    checkpoint = str(folder / "checkpoint.safetensors")
    return gentestcase.run(["--restore_from", checkpoint, "--save_dir", str(out), *more])


def test_command_on_a_list(
    folder: Path, tmp_path: Path, checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data_dir", str(folder), "--data_list", str(folder / "list.txt"), "--num_steps", "3"]
    data += ["--device", "cpu"]  # what is expected is, too
    assert gentestcase_of(folder, tmp_path / "out", *data) == 0
    assert "12 testcases of 3 pairs" in capsys.readouterr().out
    features, scores = load_cases([tmp_path / "out"])
    images = make_images(5)
    expected = make_maker(checkpoint).cases(pair_of(images[2], images[4]))
    assert np.array_equal(features[8:], expected[0])
    assert np.array_equal(scores[8:], expected[1])


def test_another_list_of_the_same_name_is_not_gone_on_with(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "list.txt").read_text().splitlines(keepends=True)
    (tmp_path / "list.txt").write_text("".join(lines[:2]))
    data = ["--data-dir", str(folder), "--data-list", str(tmp_path / "list.txt")]
    assert gentestcase_of(folder, tmp_path / "out", *data) == 0
    assert gentestcase_of(folder, tmp_path / "out", *data, "--resume") == 0
    (tmp_path / "list.txt").write_text("".join(lines[1:]))
    assert gentestcase_of(folder, tmp_path / "out", *data, "--resume") == 2
    assert "of other settings: data list file with sha256" in capsys.readouterr().err


class StoppedError(Exception):
    """What a crash is like."""


def stop_at(number: int, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have something happen when the number-th pair is worked on; returns the pairs' names."""
    cases = CaseMaker.cases
    done: list[str] = []

    def watched(self: CaseMaker, pair: ShotPair) -> tuple[np.ndarray, np.ndarray]:
        done.append(f"{pair.key.name}, {pair.current.name}")
        if len(done) == number:
            stop()
        return cases(self, pair)

    monkeypatch.setattr(CaseMaker, "cases", watched)
    return done


def same_cases(folder: Path, other: Path) -> bool:
    return all(
        (folder / name).read_bytes() == (other / name).read_bytes() for name in ("X.npy", "Y.npy")
    )


def test_crashed_ends_as_uninterrupted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [str(folder / "frames"), "--max-distance", "2"]
    assert gentestcase_of(folder, tmp_path / "whole", *frames) == 0

    def crash() -> None:
        raise StoppedError

    monkeypatch.setattr(gentestcase, "SAVE_EVERY", 2)
    done = stop_at(6, crash, monkeypatch)
    with pytest.raises(StoppedError):
        gentestcase_of(folder, tmp_path / "cut", *frames)
    assert gentestcase_of(folder, tmp_path / "cut", *frames) == 2  # not without --resume
    assert gentestcase_of(folder, tmp_path / "cut", *frames, "--resume") == 0
    assert len(done) == 6 + 3  # pair 5 was done but not saved
    assert same_cases(tmp_path / "cut", tmp_path / "whole")


def test_interrupted_ends_as_uninterrupted(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = [str(folder / "frames"), "--max-distance", "2"]
    assert gentestcase_of(folder, tmp_path / "whole", *frames) == 0
    done = stop_at(3, lambda: os.kill(os.getpid(), signal.SIGINT), monkeypatch)
    assert gentestcase_of(folder, tmp_path / "cut", *frames) == INTERRUPTED
    assert gentestcase_of(folder, tmp_path / "cut", *frames, "--resume") == 0
    assert len(done) == len(set(done)) == 7
    assert same_cases(tmp_path / "cut", tmp_path / "whole")


def test_command_on_stills(folder: Path, tmp_path: Path) -> None:
    write_still(make_still("a", 0, HEIGHT, WIDTH), tmp_path)
    flags = ["--stills-dir", str(tmp_path / "stills"), "--stills-pairs", "2", "--clip", "0"]
    assert gentestcase_of(folder, tmp_path / "out", *flags) == 2  # not without labels
    flags += ["--labels-dir", str(tmp_path / "labels")]
    assert gentestcase_of(folder, tmp_path / "out", *flags) == 0
    assert load_cases([tmp_path / "out"])[0].shape[1:] == (4, 8, 64)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "testcases of what?"),
        (["--clip", "1.5", "x"], "--clip is 1.5"),
        (["--lights", "0", "x"], "--lights is 0"),
        (["--max-distance", "0", "x"], "--max-distance is 0"),
        (["--overlap", "12", "x"], "must be divisible by 8"),
        (["nowhere"], "there is no nowhere"),
        (["synthetic:duration=1,rate=1"], "there is no pair of frames"),
        (
            ["synthetic:duration=2,rate=2", "--max-seconds", "0.1"],
            "no two frames that can be segmented",
        ),
    ],
)
def test_command_refuses(
    folder: Path,
    tmp_path: Path,
    flags: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert gentestcase_of(folder, tmp_path / "out", *flags) == 2
    assert message in capsys.readouterr().err
    assert not any((tmp_path / "out").glob("*"))


def test_checkpoint_without_decision_network_will_do(folder: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(folder / "checkpoint.safetensors")
    del checkpoint.networks["decision"], checkpoint.specs["decision"]
    save_checkpoint(tmp_path / "checkpoint.safetensors", checkpoint)
    assert gentestcase_of(tmp_path, tmp_path / "out", str(folder / "frames")) == 0
