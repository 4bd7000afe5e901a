"""Between ROS images and arrays."""

from __future__ import annotations

import array as stdlib_array
import sys
from typing import Final

import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from dvsnet_ros.drives.image_decoding import Pixels, compressed_to_bgr, raw_to_bgr

_CHANNELS_OUT: Final = {"mono8": 1, "bgr8": 3, "rgb8": 3}


def to_bgr(message: Image | CompressedImage) -> Pixels:
    """Convert an image message to an array, as bags are read too.

    Args:
        message: a raw image in one of ``image_decoding.ENCODINGS``, or a JPEG or PNG.

    Returns:
        Array uint8 [H, W, 3] in BGR order; it may share the message's memory.

    Raises:
        ImageError: the message holds no usable image; its ``kind`` says in which way.
    """
    if isinstance(message, CompressedImage):
        return compressed_to_bgr(message)
    return raw_to_bgr(message)


def from_array(pixels: Pixels, encoding: str, header: Header) -> Image:
    """Make an image message of an array.

    Args:
        pixels: uint8 [H, W] for ``mono8``, uint8 [H, W, 3] for ``bgr8`` and ``rgb8``.
        encoding: ``mono8``, ``bgr8`` or ``rgb8``.
        header: header of the message, taken as it is.

    Raises:
        ValueError: the array does not fit the encoding, or the encoding is another one.
    """
    if encoding not in _CHANNELS_OUT:
        raise ValueError(f"encoding {encoding!r} is not one of {', '.join(_CHANNELS_OUT)}")
    channels = _CHANNELS_OUT[encoding]
    if pixels.dtype != np.uint8 or pixels.shape[2:] != (() if channels == 1 else (channels,)):
        raise ValueError(
            f"{encoding} takes a uint8 array of {channels} channel(s), not {pixels.dtype} of "
            f"shape {pixels.shape}"
        )
    height, width = pixels.shape[:2]
    data = stdlib_array.array("B")  # the message takes this one as it is, without looking at items
    data.frombytes(np.ascontiguousarray(pixels).data)
    return Image(
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(sys.byteorder == "big"),
        step=width * channels,
        data=data,
    )
