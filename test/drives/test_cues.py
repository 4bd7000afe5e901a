"""When the frames of a drive, or of a part of it, are due."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from dvsnet_ros.drives import DriveError, Frame
from dvsnet_ros.drives.cues import Section, cues

SECOND = 1_000_000_000
BLACK = np.zeros((2, 2, 3), np.uint8)


@dataclass(frozen=True)
class Stamps:
    """A drive of black frames with these stamps, in seconds."""

    stamps: tuple[float, ...]
    rate: float = 10.0
    name: str = "stamps"

    def __len__(self) -> int:
        return len(self.stamps)

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Frame:
        return Frame(BLACK, round(self.stamps[index] * SECOND))


REGULAR = Stamps((7.0, 7.1, 7.2, 7.3, 7.4))


def seconds(*values: float) -> list[int]:
    return [round(value * SECOND) for value in values]


def test_times_are_the_stamps_from_the_first_on() -> None:
    played = list(cues(Stamps((7.0, 7.1, 7.15, 9.0)), Section()))
    assert [cue.time for cue in played] == seconds(0.0, 0.1, 0.15, 2.0)
    assert [cue.stamp for cue in played] == seconds(7.0, 7.1, 7.15, 9.0)
    assert [cue.content.stamp for cue in played] == [cue.stamp for cue in played]


def test_a_stamp_that_falls_is_due_with_the_one_before() -> None:
    played = list(cues(Stamps((7.0, 7.1, 3.0, 3.1)), Section()))
    assert [cue.time for cue in played] == seconds(0.0, 0.1, 0.1, 0.2)
    assert [cue.stamp for cue in played] == seconds(7.0, 7.1, 3.0, 3.1)


@pytest.mark.parametrize(
    ("section", "stamps"),
    [
        (Section(start=0.1), (7.1, 7.2, 7.3, 7.4)),
        (Section(start=0.05), (7.1, 7.2, 7.3, 7.4)),
        (Section(duration=0.2), (7.0, 7.1)),
        (Section(start=0.1, duration=0.2), (7.1, 7.2)),
        (Section(duration=100.0), REGULAR.stamps),
    ],
)
def test_a_section_has_the_frames_of_its_time(section: Section, stamps: tuple[float, ...]) -> None:
    played = list(cues(REGULAR, section))
    assert [cue.stamp for cue in played] == seconds(*stamps)
    assert [cue.place for cue in played] == seconds(*(stamp - 7 for stamp in stamps))
    assert [cue.time for cue in played] == seconds(*(stamp - stamps[0] for stamp in stamps))
    assert section.count(len(REGULAR), REGULAR.rate) == len(stamps)


def test_a_loop_begins_anew_one_frame_after_the_last() -> None:
    played = list(itertools.islice(cues(REGULAR, Section(0.1, 0.2), loop=True), 5))
    assert [cue.time for cue in played] == seconds(0.0, 0.1, 0.2, 0.3, 0.4)
    assert [cue.stamp for cue in played] == seconds(7.1, 7.2, 7.1, 7.2, 7.1)
    assert [cue.round for cue in played] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize("loop", [False, True])
def test_a_section_without_a_frame_is_said(loop: bool) -> None:
    sentence = (
        "^stamps has no frame that can be read from 20 s to 25 s; it has 5 frames, which last "
        "about 0.5 s$"
    )
    with pytest.raises(DriveError, match=sentence):
        next(cues(REGULAR, Section(20.0, 5.0), loop=loop))


def test_a_drive_without_a_frame_is_said() -> None:
    with pytest.raises(DriveError, match=r"^no frame of stamps can be read$"):
        next(cues(Stamps(()), Section()))
