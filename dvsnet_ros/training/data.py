"""Labelled stills: a folder of images and a folder of label images, Cityscapes' by city."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.drives import cityscapes
from dvsnet_ros.drives.frame import Drive, DriveError
from dvsnet_ros.drives.image_files import read_image, read_labels

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


class DataError(ValueError):
    """Training data that does not fit; the message says what was found and what would work."""


@dataclass(frozen=True)
class LabelledImage:
    """One still with its labels.

    Attributes:
        name: file name without its ending.
        image: BGR [H, W, 3].
        labels: class ids [H, W]; ids outside the label set are void.
    """

    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def sequence(self) -> str:
        """The drive this still is of, see `sequence_of`."""
        return sequence_of(self.name)


@dataclass(frozen=True)
class LabelledFiles:
    """One still with its labels, still to be read.

    Attributes:
        image: file of the image.
        labels: PNG of its class ids, or of Cityscapes' ids.
    """

    image: Path
    labels: Path

    @property
    def sequence(self) -> str:
        """The drive this still is of, see `sequence_of`."""
        return sequence_of(self.image.stem)

    def load(self) -> LabelledImage:
        """Read both; raises DataError if one can't be read, or if they differ in size."""
        return _load_pair(self.image, self.labels)


def sequence_of(name: str) -> str:
    """The drive or city that a still is of: its name up to the first underscore.

    So are CamVid's and Cityscapes' named.
    """
    return name.partition("_")[0]


def labelled_files(images: Path, labels: Path, label_set: LabelSet) -> list[LabelledFiles]:
    """Every image of a folder and its label image, sorted by name.

    That is the PNG of the same name. An image called as Cityscapes' may have one of its `gtFine`
    instead; such images may lie in a folder a city, and their labels then do, too.

    Raises:
        DataError: if the folder has no images, or one has no labels, or those of another label set.
    """
    paths = _images(images, "*")
    paths = paths or list(filter(cityscapes.has_its_name, _images(images, "*/*")))
    if not paths:
        raise DataError(
            f"no images in '{images}'; expected files ending in .jpg or .png, or a folder for each "
            "of Cityscapes' cities"
        )
    files = [
        LabelledFiles(path, _labels_of(path, labels / path.parent.relative_to(images)))
        for path in paths
    ]
    for each in files:
        if not each.labels.exists():
            raise DataError(
                f"no labels for '{each.image.name}': expected '{each.labels}'; "
                f"{_content_of(each.labels.parent)}"
            )
        known = cityscapes.label_set_of(each.labels)
        if known not in ("", label_set.name):
            raise DataError(
                f"the labels in '{labels}' are of the label set {known}, not {label_set.name}; "
                f"train with --classes {known}, or give a checkpoint of its classes"
            )
    return files


def load_labelled(images: Path, labels: Path, label_set: LabelSet) -> list[LabelledImage]:
    """Read every image of a folder with its label image, see `labelled_files`.

    All are held in memory: 367 frames of 480x360 take 250 MB.

    Raises:
        DataError: if the folder has no images, or one has no labels of its size and label set.
    """
    return [files.load() for files in labelled_files(images, labels, label_set)]


def stills_of_drive(drive: Drive, count: int, label_set: LabelSet) -> list[LabelledImage]:
    """`count` frames of a labelled drive, evenly spaced; their sequence is the drive's name.

    Raises:
        DataError: if the drive has fewer frames, or one of them has no labels of the label set.
    """
    if not 1 <= count <= len(drive):
        raise DataError(f"{count} frames of '{drive.name}' do not work; it has {len(drive)}")
    sequence = drive.name.replace("_", "-")
    stills = []
    for index in evenly_spaced(len(drive), count):
        frame = drive[index]
        if frame.labels is None:
            raise DataError(f"frame {index} of '{drive.name}' has no labels to learn from")
        if frame.label_set not in ("", label_set.name):
            raise DataError(
                f"the labels of '{drive.name}' are of the label set {frame.label_set}; give a "
                f"drive with labels of {label_set.name}"
            )
        stills.append(LabelledImage(f"{sequence}_{index:06d}", frame.image, frame.labels))
    return stills


def evenly_spaced(length: int, count: int) -> list[int]:
    """`count` indices into `length` frames, the first of them 0."""
    return [place * length // count for place in range(count)]


def split_sequences(
    stills: Sequence[LabelledImage], held_back: Collection[str]
) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Split into (for training, held back), by whole sequences.

    Raises:
        DataError: if a sequence to hold back is not there, or nothing is left to train on.
    """
    check_sequences((still.sequence for still in stills), held_back)
    training = [still for still in stills if still.sequence not in held_back]
    if not training:
        raise DataError("every sequence is held back; leave at least one to train on")
    return training, [still for still in stills if still.sequence in held_back]


def check_sequences(sequences: Iterable[str], wanted: Collection[str]) -> None:
    """Check that each of those that are wanted is among the sequences of some images.

    Raises:
        DataError: if there are not, naming those there are.
    """
    present = set(sequences)
    unknown = sorted(set(wanted) - present)
    if unknown:
        raise DataError(
            f"no images of sequence {', '.join(unknown)}; there are {', '.join(sorted(present))}"
        )


def class_frequencies(stills: Sequence[LabelledImage], num_classes: int) -> NDArray[np.float64]:
    """Each class's share of the pixels that are not void, [classes]."""
    counts = sum(
        np.bincount(still.labels.reshape(-1), minlength=256)[:num_classes] for still in stills
    )
    shares: NDArray[np.float64] = np.asarray(counts) / max(1, np.sum(counts))
    return shares


def _load_pair(image_path: Path, labels_path: Path) -> LabelledImage:
    try:
        image = read_image(image_path)
        return LabelledImage(image_path.stem, image, read_labels(labels_path, image))
    except DriveError as error:
        raise DataError(str(error)) from error


def _images(folder: Path, pattern: str) -> list[Path]:
    return sorted(p for p in folder.glob(pattern) if p.suffix.lower() in IMAGE_SUFFIXES)


def _labels_of(image: Path, folder: Path) -> Path:
    """Where an image's labels are in the folder that is to hold them, or would be."""
    labels = folder / f"{image.stem}.png"
    if cityscapes.has_its_name(image) and not labels.exists():
        return cityscapes.labels_path(image, folder)
    return labels


def _content_of(labels: Path) -> str:
    """What a folder of labels holds, of which some are missing."""
    if not labels.is_dir():
        return f"'{labels}' is no folder"
    names = sorted(path.name for path in labels.iterdir())
    if not names:
        return f"'{labels}' is empty"
    return (
        f"'{labels}' holds '{names[0]}' and {len(names) - 1} more, and labels are PNGs of their "
        "images' names, or Cityscapes' gtFine ('Label images' in docs/training.md)"
    )
