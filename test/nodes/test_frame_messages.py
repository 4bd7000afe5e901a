"""A frame's messages carry its picture, stamp, frame id and calibration."""

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from dvsnet_ros.drives import Calibration, Frame
from dvsnet_ros.nodes.frame_messages import frame_messages
from dvsnet_ros.nodes.image_conversion import to_bgr
from dvsnet_ros.nodes.messages import nanoseconds
from helpers.peer import frame

STAMP = 1_317_048_145_964_389_445
CALIBRATION = Calibration(
    height=96,
    width=128,
    distortion_model="plumb_bob",
    d=(-0.37, 0.2, 0.001, -0.002, -0.07),
    k=(98.5, 0.0, 64.0, 0.0, 98.5, 48.0, 0.0, 0.0, 1.0),
    r=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    p=(72.1, 0.0, 61.0, 4.5, 0.0, 72.1, 44.0, 0.0, 0.0, 0.0, 1.0, 0.0),
)


def a_frame(calibration: Calibration | None = None) -> Frame:
    return Frame(frame(3), STAMP, "front", calibration=calibration)


def test_picture_stamp_and_frame_id() -> None:
    messages = frame_messages(a_frame())
    assert messages.image.encoding == "bgr8"
    assert np.array_equal(to_bgr(messages.image), frame(3))
    for header in (messages.image.header, messages.camera_info.header):
        assert (nanoseconds(header.stamp), header.frame_id) == (STAMP, "front")


def test_compressed_is_a_jpeg_of_the_picture() -> None:
    grey = np.full((60, 81, 3), 90, np.uint8)
    messages = frame_messages(Frame(grey, STAMP, "front"), compressed=True)
    assert isinstance(messages.image, CompressedImage)
    assert messages.image.format == "bgr8; jpeg compressed bgr8"
    assert bytes(messages.image.data[:3]) == b"\xff\xd8\xff"
    assert np.abs(to_bgr(messages.image).astype(int) - grey).max() <= 1
    assert nanoseconds(messages.image.header.stamp) == STAMP


def test_calibration_is_passed_on_as_it_is() -> None:
    info = frame_messages(a_frame(CALIBRATION)).camera_info
    assert (info.height, info.width) == (96, 128)
    assert info.distortion_model == "plumb_bob"
    for name in ("d", "k", "r", "p"):
        assert tuple(getattr(info, name)) == getattr(CALIBRATION, name)


@pytest.mark.parametrize("calibration", [None, Calibration(480, 640, k=(1.0,) * 9)])
def test_without_a_calibration_of_this_size_only_the_size_is_known(
    calibration: Calibration | None,
) -> None:
    info = frame_messages(a_frame(calibration)).camera_info
    assert (info.height, info.width) == (96, 128)
    assert not any(info.k)
    assert list(info.d) == []
