import os
from pathlib import Path

import numpy as np
import pytest

from dvsnet_ros.training.case_files import CaseWriter, load_cases
from dvsnet_ros.training.data import DataError


def make_cases(seed: int, count: int = 4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, 4, 8, 6)).astype(np.float32)
    return features, random.uniform(0, 100, count)


def write(folder: Path, seeds: range, *, finish: bool, resume: bool = False) -> None:
    with CaseWriter(folder, 6, {"clip": 0.0}, resume=resume) as writer:
        for seed in seeds:
            writer.add(*make_cases(seed))
            writer.save()
        if finish:
            writer.finish()


def test_written_as_the_original_writes_them(tmp_path: Path) -> None:
    write(tmp_path / "ours", range(3), finish=True)
    cases = [make_cases(seed) for seed in range(3)]
    features = [row for case in cases for row in case[0]]
    scores = [score for case in cases for score in case[1]]
    np.save(tmp_path / "X", features)  # as gentestcase.py does
    np.save(tmp_path / "Y", scores)
    for name in ("X.npy", "Y.npy"):
        ours, original = np.load(tmp_path / "ours" / name), np.load(tmp_path / name)
        assert ours.dtype == original.dtype
        assert np.array_equal(ours, original)


def test_reads_what_the_original_writes(tmp_path: Path) -> None:
    features, scores = make_cases(0)
    np.save(tmp_path / "X", features)
    np.save(tmp_path / "Y", scores)
    read_features, read_scores = load_cases([tmp_path])
    assert np.array_equal(read_features[:], features)
    assert np.array_equal(read_scores, scores)


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    write(tmp_path / "whole", range(4), finish=True)
    write(tmp_path / "cut", range(2), finish=False)
    with CaseWriter(tmp_path / "cut", 6, {"clip": 0.0}, resume=True) as writer:
        writer.add(*make_cases(9))  # not saved: lost
    with CaseWriter(tmp_path / "cut", 6, {"clip": 0.0}, resume=True) as writer:
        assert (writer.steps, writer.cases, writer.finished) == (2, 8, False)
    write(tmp_path / "cut", range(2, 4), finish=True, resume=True)
    for name in ("X.npy", "Y.npy"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_goes_on_from_between_the_two_files(tmp_path: Path) -> None:
    write(tmp_path / "whole", range(2), finish=True)
    write(tmp_path / "cut", range(2), finish=False)
    (tmp_path / "cut" / "X.npy.part").replace(tmp_path / "cut" / "X.npy")
    write(tmp_path / "cut", range(0), finish=True, resume=True)
    for name in ("X.npy", "Y.npy"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("name", ["X.npy", "Y.npy"])
def test_does_not_go_on_from_fewer_than_were_saved(tmp_path: Path, name: str) -> None:
    write(tmp_path, range(2), finish=False)
    part = tmp_path / f"{name}.part"
    os.truncate(part, part.stat().st_size - 1)
    with pytest.raises(DataError, match=rf"{name}\.part' holds fewer than the 8 testcases"):
        write(tmp_path, range(0), finish=True, resume=True)
    part.unlink()
    with pytest.raises(DataError, match=rf"{name}\.part' holds fewer than the 8 testcases"):
        write(tmp_path, range(0), finish=True, resume=True)


def test_what_is_finished_is_not_begun_again(tmp_path: Path) -> None:
    write(tmp_path, range(2), finish=True)
    with pytest.raises(DataError, match="--resume"):
        CaseWriter(tmp_path, 6, {"clip": 0.0}, resume=False)
    with CaseWriter(tmp_path, 6, {"clip": 0.0}, resume=True) as writer:
        assert writer.finished
    whole = (tmp_path / "testcases.json").read_text()
    (tmp_path / "testcases.json").write_text("")
    with pytest.raises(ValueError, match=r"testcases\.json' can't be read"):
        CaseWriter(tmp_path, 6, {"clip": 0.0}, resume=True)
    (tmp_path / "testcases.json").write_text(whole)
    with pytest.raises(ValueError, match=r"clip 0\.0 instead of 0\.5"):
        CaseWriter(tmp_path, 6, {"clip": 0.5}, resume=True)


def test_what_is_no_testcase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no"):
        load_cases([tmp_path])
    features, scores = make_cases(0)
    np.save(tmp_path / "X", features[:, 0])
    np.save(tmp_path / "Y", scores)
    with pytest.raises(DataError, match="testcases are floats"):
        load_cases([tmp_path])
    np.save(tmp_path / "X", features[:2])
    with pytest.raises(DataError, match="different runs"):
        load_cases([tmp_path])
    (tmp_path / "X.npy").write_bytes(b"not an array")
    with pytest.raises(DataError, match="can't be read"):
        load_cases([tmp_path])


def test_several_folders_are_one_set_of_testcases(tmp_path: Path) -> None:
    for name, seeds in (("a", range(2)), ("b", range(2, 3))):
        write(tmp_path / name, seeds, finish=True)
    features, scores = load_cases([tmp_path / "a", tmp_path / "b"])
    whole = np.concatenate([make_cases(seed)[0] for seed in range(3)])
    assert features.shape == whole.shape
    assert np.array_equal(features[:], whole)
    chosen = np.array([11, 0, 8, 7, 0])
    assert np.array_equal(features[chosen], whole[chosen])
    assert np.array_equal(scores, np.concatenate([make_cases(seed)[1] for seed in range(3)]))
    np.save(tmp_path / "b" / "X.npy", features[:4][..., :3])
    with pytest.raises(DataError, match="3 and 6 channels"):
        load_cases([tmp_path / "a", tmp_path / "b"])
