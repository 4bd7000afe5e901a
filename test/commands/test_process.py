"""`dvsnet process` on small drives, with a tiny untrained checkpoint."""

import csv
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dvsnet_ros.commands import process
from dvsnet_ros.commands.segmentation_store import MOST_FRAMES
from dvsnet_ros.core.checkpoint import load_checkpoint, save_checkpoint, untrained_checkpoint
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.core.schedule import Schedule
from dvsnet_ros.core.segmentation import Segmentation
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives import drive
from dvsnet_ros.drives.bag_writer import BagWriter
from helpers import bags
from helpers.bag_contents import file_bytes, read_bag
from helpers.limits import largest_file
from helpers.processes import running

SIZE = (96, 128)
LONG = 5 * MOST_FRAMES
SECOND = bags.SECOND
SCHEDULE = Schedule("dynamic", 89.0, 1.0, 0.7)
SETTINGS = [
    "--overlap=16",
    "--device=cpu",
    "--precision=float32",
    "--target=89",
    "--dynamic",
    "--dynamic-increase=0.7",
]


def noise(index: int) -> np.ndarray:
    picture = np.random.default_rng(7).integers(0, 256, (*SIZE, 3), np.uint8)
    return np.roll(picture, (index, 3 * index), axis=(0, 1))


def new_bag(path: Path, count: int) -> Path:
    """Noise that moves, with a word before each frame, and a gap over 10 s in the middle."""

    def messages() -> Iterator[tuple[str, int, object]]:
        for index in range(count):
            stamp = SECOND + index * SECOND // 10 + (index >= count // 2) * 11 * SECOND
            yield "/words", stamp + 1_000_000, bags.text(f"frame {index}")
            yield bags.IMAGE, stamp + 3_000_000, bags.raw(noise(index), stamp)

    return bags.write_bag(path, messages())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    save_checkpoint(path, untrained_checkpoint())
    return path


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_bag(tmp_path_factory.mktemp("bags") / "in.bag", 8)


@pytest.fixture(scope="module")
def long_bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_bag(tmp_path_factory.mktemp("bags") / "long.bag", LONG)


def arguments(source: object, out: Path, checkpoint: Path, *more: str) -> list[str]:
    return [str(source), str(out), "--checkpoint", str(checkpoint), *SETTINGS, *more]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def expected(source: Path, checkpoint: Path) -> list[Segmentation]:
    """What the video segmenter says of a drive, at its frames' size."""
    segmenter = VideoSegmenter(
        load_checkpoint(checkpoint),
        overlap=16,
        schedule=SCHEDULE,
        max_gap=10.0,
        device="cpu",
        precision="float32",
    )
    return [segmenter.segment(frame.image, frame.stamp, confidence=True) for frame in drive(source)]


def test_a_bag(
    bag: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.bag"
    assert process.run(arguments(bag, out, checkpoint, "--confidence")) == 0
    assert names(tmp_path) == ["out.bag"]
    received = read_bag(out)
    topics = {topic: [each for each in received if each.topic == topic] for topic, *_ in received}
    copied = [each[:3] for each in received if not each.topic.startswith("/dvsnet/")]
    assert copied == [each[:3] for each in read_bag(bag)]
    answers = zip(
        expected(bag, checkpoint),
        topics[bags.IMAGE],
        topics["/dvsnet/mask"],
        topics["/dvsnet/confidence"],
        topics["/dvsnet/decisions"],
        topics["/dvsnet/overlay"],
        strict=True,
    )
    paths = []
    for segmentation, image, mask, confidence, decisions, overlay in answers:
        assert mask.message.data.tobytes() == segmentation.mask.tobytes()
        assert confidence.message.data.tobytes() == segmentation.confidence.tobytes()
        for each in (mask, confidence, decisions, overlay):
            assert each.stamp == image.stamp
            assert each.message.header == image.message.header
        paths.append([decision.path for decision in decisions.message.decisions])
        assert paths[-1] == [decision.path for decision in segmentation.decisions]
        assert decisions.message.schedule == "dynamic"
    whole = [RegionPath.SEGMENTATION] * 4
    assert paths[0] == paths[4] == whole  # after the gap, too
    assert any(RegionPath.FLOW in frame for frame in paths)
    printed = capsys.readouterr().out
    assert printed.startswith(f"8 frames in {out}; segmentation path ")


def test_a_smaller_processing_size_gives_masks_of_the_frames_size(
    bag: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.mcap"
    more = ("--height", "64", "--width", "96", "--no-overlay", "--rows", "1")
    assert process.run(arguments(bag, out, checkpoint, *more)) == 0
    received = read_bag(out)
    assert "/dvsnet/overlay" not in {each.topic for each in received}
    mask = next(each.message for each in received if each.topic == "/dvsnet/mask")
    assert (mask.height, mask.width) == SIZE
    decisions = next(each.message for each in received if each.topic == "/dvsnet/decisions")
    assert (decisions.rows, decisions.columns) == (1, 2)
    assert decisions.decisions[0].region.height == SIZE[0]


def test_a_folder(bag: Path, checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert process.run(arguments(bag, out, checkpoint)) == 0
    rows = list(csv.DictReader((out / "decisions.csv").open()))
    for index, segmentation in enumerate(expected(bag, checkpoint)):
        ids = cv2.imread(str(out / f"ids{index:06}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(ids, segmentation.mask)
        paths = [row["path"] for row in rows if int(row["frame"]) == index]
        assert paths == [decision.path.label for decision in segmentation.decisions]


def test_a_video(checkpoint: Path, tmp_path: Path) -> None:
    source, out = "synthetic:width=128,height=96,duration=0.3,rate=10", tmp_path / "out.mp4"
    assert process.run(arguments(source, out, checkpoint)) == 0
    video = drive(out)
    assert (len(video), video.rate, video[0].image.shape) == (3, 10.0, (96, 128, 3))


@pytest.mark.parametrize("source", ["data/camvid/drive_15hz", "data/kitti/drive_10hz"])
def test_real_drives(shared_data: Path, checkpoint: Path, tmp_path: Path, source: str) -> None:
    folder = tmp_path / "drive"
    folder.mkdir()
    for file in sorted((shared_data / source).iterdir())[:4]:
        shutil.copy(file, folder)
    out = tmp_path / "out.bag"
    assert process.run(arguments(folder, out, checkpoint)) == 0
    received = read_bag(out)
    masks = [each for each in received if each.topic == "/dvsnet/mask"]
    images = [each for each in received if each.topic == "/camera/image_raw"]
    for frame, image, mask in zip(drive(folder), images, masks, strict=True):
        assert image.message.data.tobytes() == frame.image.tobytes()
        assert mask.stamp == image.stamp == frame.stamp
        assert mask.message.header == image.message.header
        assert (mask.message.height, mask.message.width) == frame.image.shape[:2]


@pytest.fixture(scope="module")
def uninterrupted(
    long_bag: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("uninterrupted") / "out.bag"
    assert process.run(arguments(long_bag, out, checkpoint)) == 0
    return file_bytes(out)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_interrupted_it_goes_on_to_the_same_bytes(
    long_bag: Path,
    checkpoint: Path,
    uninterrupted: dict[str, bytes],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    out, progress = tmp_path / "out.bag", tmp_path / "out.bag.part/progress.json"
    words = arguments(long_bag, out, checkpoint)
    command = [sys.executable, "-m", "dvsnet_ros.commands.main", "process", *words]
    with running(command) as running_process:
        deadline = time.monotonic() + 100
        while not (progress.exists() and json.loads(progress.read_text())["frames"]):
            assert time.monotonic() < deadline, running_process.output
            assert running_process.returncode is None, running_process.output
            time.sleep(0.001)
        running_process.send(number)
        assert running_process.wait() == (-number if number == signal.SIGKILL else 130)
    assert names(tmp_path) == ["out.bag.part"]
    stand = json.loads(progress.read_text())
    assert 0 < stand["frames"] < LONG
    if number != signal.SIGKILL:
        assert f"what is done is kept in '{out}.part', and --resume" in running_process.output
    # What a kill while the output is written leaves behind must not matter.
    half_written = tmp_path / "out.bag.part/scratch/.out.bag.1234/out.bag/out.bag.mcap"
    half_written.parent.mkdir(parents=True, exist_ok=True)
    half_written.write_bytes(b"half")
    assert process.run([*words, "--resume"]) == 0
    assert names(tmp_path) == ["out.bag"]
    assert file_bytes(out) == uninterrupted


def test_interrupted_while_other_messages_are_copied(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = [("/words", index * SECOND, bags.text("so on")) for index in range(2, 50)]
    image = (bags.IMAGE, SECOND, bags.raw(noise(0), SECOND))
    bag, out = bags.write_bag(tmp_path / "in.bag", [image, *words]), tmp_path / "out.bag"
    copied = []
    copy = BagWriter.copy

    def copy_and_interrupt(writer: BagWriter, connection: object, stamp: int, data: bytes) -> None:
        copy(writer, connection, stamp, data)
        copied.append(stamp)
        if stamp == 10 * SECOND:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(BagWriter, "copy", copy_and_interrupt)
        assert process.run(arguments(bag, out, checkpoint)) == 130
    assert copied[-1] == 10 * SECOND
    assert f"what is done is kept in '{out}.part'" in capsys.readouterr().err
    assert process.run([*arguments(bag, out, checkpoint), "--resume"]) == 0


def test_a_full_disk_keeps_what_is_done(
    bag: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.bag"
    words = arguments(bag, out, checkpoint)
    with largest_file(2**18):  # enough for the segmentations, not for the bag
        assert process.run(words) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"dvsnet process: '{out}' can't be written: File too large")
    assert error.endswith(f"kept in '{out}.part', and --resume goes on with it")
    assert names(tmp_path) == ["out.bag.part"]
    assert process.run(words) == 2
    assert "--resume goes on with it, or remove it" in capsys.readouterr().err
    assert process.run([*words, "--rows", "1", "--resume"]) == 2
    assert "of other settings: rows 2 instead of 1; go on with" in capsys.readouterr().err
    assert process.run([*words, "--max-share", "0.5", "--resume"]) == 2
    assert "of other settings: max share 1.0 instead of 0.5;" in capsys.readouterr().err
    assert process.run([*words, "--resume"]) == 0
    assert process.run([*words, "--resume"]) == 0
    assert "is whole already" in capsys.readouterr().out


def test_a_full_disk_from_the_start_leaves_nothing(
    bag: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with largest_file(2**10):
        assert process.run(arguments(bag, tmp_path / "out.bag", checkpoint)) == 2
    assert "can't be written: File too large" in capsys.readouterr().err
    assert not names(tmp_path)


def test_what_an_interrupted_run_left_may_be_damaged(
    bag: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*arguments(bag, tmp_path / "out.bag", checkpoint), "--resume"]
    with largest_file(2**18):
        assert process.run(words) == 2
    for pattern in ("stretch*", "state*", "progress.json"):
        (file,) = (tmp_path / "out.bag.part").glob(pattern)
        content = file.read_bytes()
        damaged = [b"", content[: len(content) // 2]]
        if pattern == "stretch*":  # the only one with sums to be wrong
            damaged.append(damaged[1] + bytes(100) + content[len(damaged[1]) + 100 :])
        for each in damaged:
            file.write_bytes(each)
            capsys.readouterr()
            assert process.run(words) == 2
            assert "is damaged (" in capsys.readouterr().err.splitlines()[-1]
        file.write_bytes(content)
    assert process.run(words) == 0


def test_a_drive_that_changes_is_not_gone_on_with(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "drive"
    source.mkdir()
    for index in range(4):
        cv2.imwrite(str(source / f"{index}.png"), noise(index))
    words = arguments(source, tmp_path / "out.bag", checkpoint)
    with largest_file(2**17):
        assert process.run(words) == 2
    (source / "3.png").unlink()
    assert process.run([*words, "--resume"]) == 2
    assert "the drive has changed since" in capsys.readouterr().err


def test_broken_frames_are_reported_once_and_left_out(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "drive"
    source.mkdir()
    for index in range(3):
        cv2.imwrite(str(source / f"{index}.png"), noise(index))
    (source / "1.png").write_bytes(b"no image")
    assert process.run(arguments(source, tmp_path / "out.bag", checkpoint)) == 0
    assert [record.getMessage().count("frame 1 is skipped") for record in caplog.records] == [1]
    masks = [each for each in read_bag(tmp_path / "out.bag") if each.topic == "/dvsnet/mask"]
    assert [each.stamp for each in masks] == [0, 2 * SECOND // 10]


@pytest.mark.parametrize("name", ["out.bag", "out.mcap", "out.mp4", "12:00.mp4", "out"])
def test_what_is_whole_is_not_made_again(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.chdir(tmp_path)  # by a name without a slash, a colon could be a protocol's
    source, out = "synthetic:width=128,height=96,duration=0.2,rate=10", Path(name)
    words = arguments(source, out, checkpoint)
    assert process.run(words) == 0
    before = file_bytes(out)
    assert process.run([*words, "--resume"]) == 0
    assert capsys.readouterr().out.endswith(f"'{out}' is whole already\n")
    assert file_bytes(out) == before


def write_timed_video(path: Path) -> None:
    """A video with a track of time codes beside it, as cameras write them."""
    with av.open(str(path), "w") as container:
        container.metadata["timecode"] = "01:02:03:04"
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width = SIZE
        container.mux(stream.encode(av.VideoFrame.from_ndarray(noise(0), format="bgr24")))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    "name", ["folder", "masks", "bag.bag", "broken.mcap", "video.mp4", "camera.mov"]
)
def test_what_something_else_made_is_not_taken_for_whole(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "masks").mkdir()
    for file in ("decisions.csv", "ids000000.png", "mask000000.png"):  # as of `inference`
        (tmp_path / "masks" / file).touch()
    bags.write_bag(tmp_path / "bag.bag", bags.greys(2))
    (tmp_path / "broken.mcap").write_bytes(b"no bag")
    video = cv2.VideoWriter(
        str(tmp_path / "video.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, SIZE[::-1]
    )
    video.write(noise(0))
    video.release()
    write_timed_video(tmp_path / "camera.mov")
    assert process.run([*arguments("synthetic", tmp_path / name, checkpoint), "--resume"]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"dvsnet process: '{tmp_path / name}' is there already, and does")
    assert said.out == ""


def test_a_drive_is_the_same_by_whatever_path(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = small_frames(tmp_path / "drive"), tmp_path / "out.bag"
    with largest_file(2**17):
        assert process.run(arguments(source, out, checkpoint)) == 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("drive")
    assert process.run([*arguments("link?rate=5", out, checkpoint), "--resume"]) == 2
    assert process.run([*arguments("./link/", out, checkpoint), "--resume"]) == 0


def small_frames(folder: Path) -> Path:
    """Five frames: the second is broken, and the fourth too small for the regions."""
    folder.mkdir()
    for index in range(5):
        cv2.imwrite(str(folder / f"{index}.png"), noise(index)[: 16 if index == 3 else None])
    (folder / "1.png").write_bytes(b"no image")
    return folder


def test_a_frame_that_is_too_small_counts_as_broken(
    checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, out = small_frames(tmp_path / "drive"), tmp_path / "out"
    assert process.run(arguments(source, out, checkpoint, "--target=0")) == 0
    assert names(out) == ["decisions.csv", *(f"ids{n:06}.png" for n in (0, 2, 4))]
    rows = list(csv.DictReader((out / "decisions.csv").open()))
    # A target of 0 keeps to the key frames, which are forgotten where a frame is skipped.
    assert [(row["frame"], row["path"]) for row in rows[::4]] == [
        ("0", "segmentation"),
        ("2", "flow"),
        ("4", "segmentation"),
    ]
    said = [message for message in caplog.messages if "is skipped" in message]
    assert len(said) == 2
    assert said[1].startswith("drive: frame 3 is skipped: 2 rows on a height of 16 pixels")


def test_a_frame_that_is_too_small_does_not_keep_a_run_from_being_resumed(
    checkpoint: Path, tmp_path: Path
) -> None:
    source = small_frames(tmp_path / "drive")
    words = arguments(source, tmp_path / "out.bag", checkpoint)
    assert process.run(words) == 0
    uninterrupted = file_bytes(tmp_path / "out.bag")
    shutil.rmtree(tmp_path / "out.bag")
    with largest_file(2**17):  # enough for the segmentations, not for the bag
        assert process.run(words) == 2
    assert process.run([*words, "--resume"]) == 0
    assert file_bytes(tmp_path / "out.bag") == uninterrupted


def test_an_error_that_resuming_can_not_mend_does_not_advise_it(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = small_frames(tmp_path / "drive")
    words = arguments(source, tmp_path / "out.bag", checkpoint)
    with largest_file(2**17):
        assert process.run(words) == 2
    (source / "4.png").unlink()
    assert process.run([*words, "--resume"]) == 2
    assert capsys.readouterr().err.endswith("out.bag.part' and start again\n")
    assert process.run([*words, "--rate=-1"]) == 2
    assert capsys.readouterr().err.endswith("0.000001 frames a second, not -1.0\n")


def test_stamps_that_no_message_can_have_are_seen_before_the_work(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = small_frames(tmp_path / "drive")
    lines = (f"2040-01-01 00:00:00.{number}" for number in range(5))
    (source / "timestamps.txt").write_text("\n".join(lines))
    assert process.run(arguments(source, tmp_path / "out.bag", checkpoint)) == 2
    said = capsys.readouterr().err
    assert said.endswith("give the drive a rate, as with ?rate=10 after its name\n")
    early = [(bags.IMAGE, SECOND, bags.raw(noise(0), -5 * SECOND))]
    bag = bags.write_bag(tmp_path / "early.bag", early)
    assert process.run(arguments(bag, tmp_path / "out.bag", checkpoint)) == 2
    said = capsys.readouterr().err
    assert said.endswith("a video or a folder of this drive, but no bag; give OUT another name\n")
    assert names(tmp_path) == ["drive", "early.bag"]
    assert process.run(arguments(bag, tmp_path / "out", checkpoint)) == 0


def test_what_is_left_by_an_error_that_comes_late_is_said(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stamps = [*(index * SECOND for index in range(MOST_FRAMES)), -5 * SECOND]
    sent = [(bags.IMAGE, i * SECOND, bags.raw(noise(0), s)) for i, s in enumerate(stamps)]
    bag, out = bags.write_bag(tmp_path / "in.bag", sent), tmp_path / "out.bag"
    assert process.run(arguments(bag, out, checkpoint)) == 2
    assert capsys.readouterr().err.endswith(
        f"give OUT another name; what is done lies in '{out}.part', which can be removed\n"
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("{bag} {out}.bag --checkpoint no.safetensors", "does not exist"),
        ("{bag}/no {out}.bag --checkpoint {checkpoint}", "there is no"),
        ("{bag}?topic=/no {out}.bag --checkpoint {checkpoint}", "no images on the topic /no"),
        ("{bag} {out}.bag --checkpoint {checkpoint} --rate 5", "stamps of its own"),
        ("{bag}?rate=5 {out}.mcap --checkpoint {checkpoint}", "to another bag; give no rate"),
        ("{bag} {out}.mp4 --checkpoint {checkpoint} --rate 1e5", "can have 0.01 to 1000; give"),
        ("{bag} {out}.bag --checkpoint {checkpoint} --overlap 10", "divisible by 8"),
        ("{bag} {out}.bag --checkpoint {checkpoint} --overlap 64", "at most 48"),
        ("{bag} {out}.bag --checkpoint {checkpoint} --rows 0", "needs at least 1"),
        ("{bag} {out}.bag --checkpoint {checkpoint} --target 101", "from 0 to 100"),
        ("{bag} {out}.bag --checkpoint {checkpoint} --max-gap nan", "give seconds"),
        ("{bag} {out}.txt --checkpoint {checkpoint}", "neither a bag"),
        ("{bag} {out}/no/out.bag --checkpoint {checkpoint}", "there is no folder"),
        ("{bag} {bag} --checkpoint {checkpoint}", "is there already"),
        (f"{{bag}} {{out}}{'x' * 250} --checkpoint {{checkpoint}}", "at most 240 bytes"),
        ("{bag} {out} --checkpoint {checkpoint} --confidence", "--confidence is for a bag"),
        ("{bag} {out}.mp4 --checkpoint {checkpoint} --no-overlay", "--no-overlay is for a bag"),
        ("{bag} {out} --checkpoint {checkpoint} --storage mcap", "--storage is for a bag"),
        ("{street} {out}.mp4 --checkpoint {checkpoint} --rate 1e5", "can have 0.01 to 1000; give"),
        ("{street} {out}.mkv --checkpoint {checkpoint} --rate 4e-4", "has 0.0004 frames a second"),
        ("{words} {out}.bag --checkpoint {checkpoint}", "holds no images"),
        ("{cut} {out}.bag --checkpoint {checkpoint}", "can't be read"),
        ("{empty} {out}.bag --checkpoint {checkpoint}", "holds no images"),
    ],
)
def test_wrong_input_gets_a_sentence(
    words: str,
    sentence: str,
    bag: Path,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, inputs = tmp_path / "outputs/out", tmp_path / "inputs"
    out.parent.mkdir()
    (inputs / "empty").mkdir(parents=True)
    cut = shutil.copytree(bag, inputs / "cut.bag")
    os.truncate(bags.storage_file(cut), 100_000)
    only_words = bags.write_bag(inputs / "words.bag", [("/words", SECOND, bags.text("alone"))])
    (inputs / "street").mkdir()
    cv2.imwrite(str(inputs / "street/0.png"), noise(0))
    places = {
        "street": inputs / "street",
        "bag": bag,
        "cut": cut,
        "words": only_words,
        "empty": inputs / "empty",
    }
    arguments = words.format(out=out, checkpoint=checkpoint, **places).split()
    defaults = [] if "--overlap" in arguments else ["--overlap", "16"]
    assert process.run([*arguments, *defaults]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("dvsnet process: ")
    assert sentence in error
    assert not names(out.parent)
