"""From image messages to arrays, for the node and for bags alike.

Messages of any ROS library will do: only their fields are looked at. One that contradicts itself is
refused before a library sees it; what is left is brought into one plain form (rows without padding,
8 bit), and the colours are left to the library.
"""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.drives.compressed_header import refusal
from dvsnet_ros.drives.image_library import PlainImage, library_bgr

Pixels: TypeAlias = NDArray[np.uint8]
ErrorKind: TypeAlias = Literal["unknown_encoding", "inconsistent_size", "zero_size", "undecodable"]


class RawFields(Protocol):
    """The fields of a `sensor_msgs/Image` that say what it shows."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


class CompressedFields(Protocol):
    """The fields of a `sensor_msgs/CompressedImage` that say what it shows."""

    format: str
    data: Any


class ImageError(ValueError):
    """An image message that holds no usable image; ``str()`` says why and what would work."""

    def __init__(self, kind: ErrorKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind: ErrorKind = kind


class _Layout(NamedTuple):
    """How the pixels of an encoding lie in memory.

    Attributes:
        channels: of a row's pixels.
        bytes_per_channel: of these.
        width_multiple: what the width must be divisible by.
        smallest_side: pixels that width and height must have at least.
        rows_of_two: rows in memory for two of the image; if not two, its height must be even.
    """

    channels: int
    bytes_per_channel: int = 1
    width_multiple: int = 1
    smallest_side: int = 1
    rows_of_two: int = 2

    def rows(self, height: int) -> int:
        """Rows in memory of an image of this height."""
        return height * self.rows_of_two // 2


_YUV422: Final = _Layout(channels=2, width_multiple=2)
_YUV420: Final = _Layout(channels=1, width_multiple=2, rows_of_two=3)
_BAYER: Final = _Layout(channels=1, smallest_side=3)  # OpenCV paints smaller ones black

_OF_8_BITS: Final = {
    "rgb8": _Layout(channels=3),
    "bgr8": _Layout(channels=3),
    "rgba8": _Layout(channels=4),
    "bgra8": _Layout(channels=4),
    "mono8": _Layout(channels=1),
    "bayer_rggb8": _BAYER,
    "bayer_bggr8": _BAYER,
    "bayer_gbrg8": _BAYER,
    "bayer_grbg8": _BAYER,
}

_OF_16_BITS: Final = {f"{encoding.removesuffix('8')}16": encoding for encoding in _OF_8_BITS}
"""Encodings of two bytes a channel, and the one that each becomes when it is scaled to one."""

ENCODINGS: Final[dict[str, _Layout]] = {
    **_OF_8_BITS,
    **{
        deep: _OF_8_BITS[plain]._replace(bytes_per_channel=2) for deep, plain in _OF_16_BITS.items()
    },
    "yuv422": _YUV422,
    "yuv422_yuy2": _YUV422,
    "uyvy": _YUV422,
    "yuyv": _YUV422,
    "nv12": _YUV420,
    "nv21": _YUV420,
    "8UC1": _Layout(channels=1),
    "8UC3": _Layout(channels=3),
    "8UC4": _Layout(channels=4),
}
"""Every encoding of ``sensor_msgs/Image`` that ``raw_to_bgr`` takes."""

_OTHER_NAMES: Final = {
    "uyvy": "yuv422",  # what cv_bridge calls them
    "yuyv": "yuv422_yuy2",
    "8UC1": "mono8",  # what says nothing of colours is in OpenCV's own order
    "8UC3": "bgr8",
    "8UC4": "bgra8",
}
_OF_TWO_PLANES: Final = {"nv12": cv2.COLOR_YUV2BGR_NV12, "nv21": cv2.COLOR_YUV2BGR_NV21}
"""What neither library knows: OpenCV's codes for them."""


def raw_to_bgr(message: RawFields) -> Pixels:
    """Convert a raw image to an array.

    Args:
        message: in one of ``ENCODINGS``; its data is a buffer of bytes.

    Returns:
        Array uint8 [H, W, 3] in BGR order; it may share the message's memory.

    Raises:
        ImageError: the message holds no usable image; its ``kind`` says in which way.
    """
    return _colours(_pixels(message), message.encoding)


def compressed_to_bgr(message: CompressedFields) -> Pixels:
    """Convert a compressed image to an array.

    Args:
        message: a JPEG or PNG; its data is a buffer of bytes.

    Returns:
        Array uint8 [H, W, 3] in BGR order.

    Raises:
        ImageError: the message holds no usable image; its ``kind`` says in which way.
    """
    # Both libraries only wrap OpenCV here, and neither minds a size, a truncation or a grey image.
    data = np.frombuffer(message.data, np.uint8)
    refused = refusal(data.tobytes())
    if refused is not None:
        raise _undecodable(message.format, refused.reason, refused.kind)
    # As every other ROS subscriber sees it: a camera's calibration knows nothing of EXIF.
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(data, flags)
    except cv2.error as error:
        raise _undecodable(message.format, f"OpenCV says {error.err}") from error
    if decoded is None:
        raise _undecodable(message.format, "it is corrupt")
    pixels = _to_8_bit(decoded) if decoded.dtype == np.uint16 else np.asarray(decoded, np.uint8)
    if pixels.ndim == 3:
        return pixels
    # image_transport compresses a Bayer image as it is, and names its pattern before the ";".
    pattern = message.format.partition(";")[0].strip()
    return _colours(pixels, pattern if _fits_bayer(pattern, pixels) else "mono8")


def _pixels(message: RawFields) -> Pixels:
    """Return a raw message's pixels, uint8 [rows, W] or [H, W, C], once its numbers agree."""
    layout = ENCODINGS.get(message.encoding)
    if layout is None:
        raise ImageError(
            "unknown_encoding",
            f"the image has the encoding {_quoted(message.encoding)}; publish one of "
            f"{', '.join(ENCODINGS)}",
        )
    _check_size(message, layout)
    height, width = message.height, message.width
    row_bytes = width * layout.channels * layout.bytes_per_channel
    rows: Pixels = np.frombuffer(message.data, np.uint8)
    rows = rows.reshape(layout.rows(height), message.step)
    rows = np.ascontiguousarray(rows[:, :row_bytes])
    if layout.bytes_per_channel == 2:
        words = rows.view(">u2" if message.is_bigendian else "<u2").astype(np.uint16, copy=False)
        rows = _to_8_bit(words)
    return rows if layout.channels == 1 else rows.reshape(height, width, layout.channels)


def _check_size(message: RawFields, layout: _Layout) -> None:
    """Raise ImageError unless a raw message's size, step and data agree."""
    height, width, step = message.height, message.width, message.step
    what = f"the {message.encoding} image of {width}x{height}"
    if height == 0 or width == 0:
        raise ImageError("zero_size", f"{what} has no pixels; check the camera driver's settings")
    if min(height, width) < layout.smallest_side:
        raise ImageError(
            "inconsistent_size",
            f"{what} is smaller than the pattern; it takes at least "
            f"{layout.smallest_side}x{layout.smallest_side} pixels",
        )
    if width % layout.width_multiple:
        raise ImageError(
            "inconsistent_size",
            f"{what} has an odd width, but its pixels come in pairs; publish an even width",
        )
    if layout.rows_of_two != 2 and height % 2:
        raise ImageError(
            "inconsistent_size",
            f"{what} has an odd height, but its rows come in pairs; publish an even height",
        )
    row_bytes = width * layout.channels * layout.bytes_per_channel
    if step < row_bytes:
        raise ImageError(
            "inconsistent_size", f"{what} needs a step of at least {row_bytes} bytes, not {step}"
        )
    needed = step * layout.rows(height)
    if needed != len(message.data):
        raise ImageError(
            "inconsistent_size",
            f"{what} with a step of {step} needs {needed} bytes of data, but carries "
            f"{len(message.data)}",
        )


def _colours(pixels: Pixels, encoding: str) -> Pixels:
    """Convert uint8 [rows, W] or [H, W, C] of a raw encoding to BGR uint8 [H, W, 3]."""
    height, width = pixels.shape[:2]
    encoding = _OF_16_BITS.get(encoding, encoding)
    encoding = _OTHER_NAMES.get(encoding, encoding)
    plain = PlainImage(height, width, encoding, pixels.nbytes // height, pixels)
    try:
        if encoding in _OF_TWO_PLANES:
            return np.asarray(cv2.cvtColor(pixels, _OF_TWO_PLANES[encoding]), np.uint8)
        return library_bgr(plain)
    # Each library has errors of its own, and OpenCV's; a frame must not cost the node its life.
    except Exception as error:
        raise ImageError(
            "undecodable", f"the {encoding} image can't be converted: {error}"
        ) from error


def _fits_bayer(pattern: str, pixels: Pixels) -> bool:
    is_bayer = _OF_8_BITS.get(_OF_16_BITS.get(pattern, pattern)) is _BAYER
    return is_bayer and min(pixels.shape) >= _BAYER.smallest_side


def _to_8_bit(words: NDArray[Any]) -> Pixels:
    """Scale uint16 to uint8, 65535 becoming 255, rounded: what cv_bridge does."""
    return np.asarray(cv2.convertScaleAbs(words, alpha=255.0 / 65535.0), np.uint8)


def _undecodable(format_name: str, reason: str, kind: ErrorKind = "undecodable") -> ImageError:
    return ImageError(
        kind,
        f"the compressed image of format {_quoted(format_name)} can't be decoded: {reason}",
    )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
