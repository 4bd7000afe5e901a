"""Files of images and of their labels."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives import cityscapes
from dvsnet_ros.drives.compressed_header import JPEG_START, PNG_START, refusal
from dvsnet_ros.drives.frame import DriveError

# A PNG's first chunk is its header. In it are its depth (bits a channel) and its type of colours.
_PNG_HEADER: Final = PNG_START + b"\0\0\0\rIHDR"
_HEADER_END: Final = 33
_DEPTH: Final = 24
_TYPE: Final = 25
_GREY: Final = 0
_PALETTE: Final = 3

_STEPS: Final = {1: 255, 2: 85, 4: 17}
"""What decoders take a grey and the next one apart, where these are of less than 8 bits."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """The image of a file, uint8 [H, W, 3] BGR; raises DriveError where there is none."""
    return np.asarray(_decoded(_whole(path), path, cv2.IMREAD_COLOR), np.uint8)


def read_labels(path: Path, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The class ids of a file for this image [H, W, 3], uint8 [H, W].

    The ids are the file's one channel, or what picks the colours in its palette; those that 8 bits
    do not hold become 255. The ids in Cityscapes' own files become those of its label set, 255
    where it has none.

    Raises:
        DriveError: the file holds no such thing, or one of another size.
    """
    data = _whole(path)
    step = 1
    if data.startswith(_PNG_HEADER) and data[_TYPE] in (_GREY, _PALETTE):
        data = _ids_as_grey(data)
        step = _STEPS.get(data[_DEPTH], 1)
    labels = _decoded(data, path, cv2.IMREAD_UNCHANGED)
    if labels.ndim != 2 or labels.dtype not in (np.uint8, np.uint16):
        channels = 1 if labels.ndim == 2 else labels.shape[2]
        raise DriveError(
            f"the labels {path} have {channels} channels of {labels.dtype}; labels are class ids "
            "in one channel of 8 or 16 bits, or with a palette ('Label images' in docs/training.md "
            "turns colours into ids)"
        )
    if labels.shape != image.shape[:2]:
        raise DriveError(
            f"the labels {path} are {labels.shape[1]}×{labels.shape[0]}, "
            f"their image is {image.shape[1]}×{image.shape[0]}"
        )
    ids = np.minimum(labels // step, cityscapes.VOID).astype(np.uint8)
    return cityscapes.class_ids(ids, path.name)


def _ids_as_grey(png: bytes) -> bytes:
    """A PNG of one channel, without what would make anything but its numbers of it.

    What picks the colours in a palette lies in a file as the greys of a grey PNG do, so it is
    called one here, and the palette is left out. So is what may be transparent.
    """
    header = bytearray(png[: _HEADER_END - 4])
    header[_TYPE] = _GREY
    checked = header[len(PNG_START) + 4 :]
    chunks = [bytes(header), struct.pack(">I", zlib.crc32(checked))]
    position, name = _HEADER_END, b""
    while name != b"IEND":  # it is there, in a whole PNG
        length, name = struct.unpack_from(">I4s", png, position)
        end = position + 12 + length
        if name in (b"IDAT", b"IEND"):
            chunks.append(png[position:end])
        position = end
    return b"".join(chunks)


def _whole(path: Path) -> bytes:
    """The bytes of a file that may be decoded."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DriveError(f"{path} can't be read: {error.strerror or error}") from error
    if not data:
        raise DriveError(f"{path} is empty")
    refused = refusal(data) if data.startswith((JPEG_START, PNG_START)) else None
    if refused is not None:
        raise DriveError(f"{path} can't be decoded: {refused.reason}")
    return data


def _decoded(data: bytes, path: Path, mode: int) -> NDArray[np.generic]:
    # From bytes, because cv2.imread tells a missing file from a broken one only on stderr.
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), mode)
    except cv2.error as error:
        raise DriveError(f"{path} can't be decoded: {error.err}") from error
    if image is None:
        raise DriveError(f"{path} is no image that OpenCV can decode")
    return image
