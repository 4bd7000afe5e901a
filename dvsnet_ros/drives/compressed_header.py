"""What the headers of JPEG and PNG files claim, read without a decoder.

A decoder believes them, and allocates: what comes from others must be checked before.
"""

from __future__ import annotations

import struct
from typing import Final, Literal, NamedTuple

JPEG_START: Final = b"\xff\xd8"
PNG_START: Final = b"\x89PNG\r\n\x1a\n"

# A JPEG spends a bit on each block of 8x8 at least; a PNG's zlib packs up to 1032 to one.
JPEG_PIXELS_PER_BYTE: Final = 8 * 64
PNG_PIXELS_PER_BYTE: Final = 8 * 1032

_JPEG_BARE: Final = frozenset((0x00, 0x01, *range(0xD0, 0xD8)))
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_SCAN_OR_ENDS: Final = frozenset((0xD8, 0xD9, 0xDA))


MAX_COMPRESSED_PIXELS: Final = 2**26
"""Largest compressed image that is decoded: a file of a few bytes may claim any size."""


class Refusal(NamedTuple):
    """Why a file must not be given to a decoder."""

    kind: Literal["zero_size", "undecodable"]
    reason: str


def refusal(data: bytes) -> Refusal | None:
    """Say why data is no whole JPEG or PNG of a size that may be decoded; None where it is one."""
    if not data:
        return Refusal("undecodable", "it has no data")
    size = whole_image_size(data)
    if size is None:
        return Refusal("undecodable", "it is no whole JPEG or PNG")
    width, height = size
    claim = f"its header claims {width}x{height} pixels"
    if width == 0 or height == 0:
        return Refusal("zero_size", f"it has no pixels: {claim}")
    if width * height > MAX_COMPRESSED_PIXELS:
        limit = f"{claim}, over the limit of {MAX_COMPRESSED_PIXELS}; make it smaller"
        return Refusal("undecodable", limit)
    if width * height > most_pixels(data):
        return Refusal("undecodable", f"{claim}, more than its {len(data)} bytes can hold")
    return None


def whole_image_size(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) as the header claims it, or None where data is no whole JPEG or PNG."""
    if data.startswith(JPEG_START):
        return _jpeg_size(data)
    return _png_size(data) if data.startswith(PNG_START) else None


def most_pixels(data: bytes) -> int:
    """Bound how many pixels a JPEG or PNG of so many bytes can hold."""
    per_byte = JPEG_PIXELS_PER_BYTE if data.startswith(JPEG_START) else PNG_PIXELS_PER_BYTE
    return len(data) * per_byte


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) from a PNG's first chunk, or None where it is not whole.

    Walks all chunks: OpenCV 5 allocates the length that a chunk claims before it reads it.
    """
    if data[12:16] != b"IHDR":
        return None
    position = 8
    while position + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        if position + 12 + length > len(data):
            return None
        if name == b"IEND":
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        position += 12 + length
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Read (width, height) from a JPEG's frame header, or None where it is not whole.

    Walks the markers as libjpeg does, so that both find the same frame header.
    """
    position = 2
    while (position := data.find(b"\xff", position)) >= 0:
        while data[position : position + 1] == b"\xff":
            position += 1
        if position + 8 > len(data):
            return None
        marker = data[position]
        position += 1
        if marker in _JPEG_BARE:
            continue
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 3)
            return (width, height) if _jpeg_ends(data, position) else None
        if marker in _JPEG_SCAN_OR_ENDS:
            return None
        position += struct.unpack_from(">H", data, position)[0]
    return None


def _jpeg_ends(data: bytes, position: int) -> bool:
    """Say whether a scan and the end marker follow; older OpenCVs fill what a cut one lacks."""
    scan = data.find(b"\xff\xda", position)
    return scan >= 0 and data.find(b"\xff\xd9", scan) >= 0
