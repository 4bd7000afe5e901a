"""A frame of a bag is, byte for byte, what the node makes of the same message."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from dvsnet_ros.drives import drive
from dvsnet_ros.drives.image_decoding import ENCODINGS
from dvsnet_ros.nodes.image_conversion import to_bgr
from helpers.bags import MCAP, SQLITE, write_bag

SECONDS = 1_700_000_000
HEIGHT, WIDTH = 10, 12


def raw_images() -> list[Image]:
    """Noise in every encoding, with padded rows and without, of both byte orders."""
    random = np.random.default_rng(3)
    images = []
    for encoding, layout in ENCODINGS.items():
        for padding, bigendian in ((0, 0), (5, 0), (0, 1)):
            step = WIDTH * layout.channels * layout.bytes_per_channel + padding
            image = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=step)
            image.is_bigendian = bigendian
            image.data = random.integers(0, 256, layout.rows(HEIGHT) * step, np.uint8).tobytes()
            images.append(image)
    return images


def compressed_images() -> list[CompressedImage]:
    pixels = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    kinds = [(".jpg", "bgr8; jpeg compressed bgr8", pixels), (".png", "png", pixels)]
    kinds += [(".png", "mono16; png compressed", pixels[..., 0].astype(np.uint16) * 200)]
    kinds += [(".png", "bayer_gbrg8; png compressed ", pixels[..., 0])]
    return [
        CompressedImage(format=name, data=cv2.imencode(suffix, image)[1].tobytes())
        for suffix, name, image in kinds
    ]


@pytest.mark.parametrize("storage", [MCAP, SQLITE])
@pytest.mark.parametrize("images", [raw_images(), compressed_images()])
def test_bag_frames_are_what_the_node_gets(
    tmp_path: Path, images: list[Image] | list[CompressedImage], storage: object
) -> None:
    sent = []
    for index, image in enumerate(images):
        image.header = Header(frame_id=f"camera_{index}")
        image.header.stamp.sec, image.header.stamp.nanosec = SECONDS + index, 999_999_999 - index
        sent.append(("/image", index, serialize_message(image)))
    name = f"sensor_msgs/msg/{type(images[0]).__name__}"
    frames = list(drive(write_bag(tmp_path / "town", sent, storage, name)))
    assert len(frames) == len(images)
    for index, (image, frame) in enumerate(zip(images, frames, strict=True)):
        np.testing.assert_array_equal(frame.image, to_bgr(image), err_msg=str(index))
        assert frame.frame_id == f"camera_{index}"
        assert frame.stamp == (SECONDS + index) * 10**9 + 999_999_999 - index
