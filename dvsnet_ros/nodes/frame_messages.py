"""From a frame of a drive to what a camera publishes."""

from __future__ import annotations

import array
import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from dvsnet_ros.drives import Frame
from dvsnet_ros.nodes.image_conversion import from_array
from dvsnet_ros.nodes.messages import time_message

COMPRESSED_FORMAT: Final = "bgr8; jpeg compressed bgr8"
"""What image_transport says of a JPEG of a colour image."""


@dataclass(frozen=True)
class FrameMessages:
    """The messages of one frame.

    Attributes:
        header: the one header of both messages.
        image: the picture.
        camera_info: the camera; only the picture's size where the calibration is not known.
    """

    header: Header
    image: Image | CompressedImage
    camera_info: CameraInfo


def frame_messages(frame: Frame, *, compressed: bool = False) -> FrameMessages:
    """Make a frame's messages: ``bgr8``, or with `compressed` a JPEG.

    A calibration that speaks of images of another size is not this image's, and is left out.
    """
    header = Header(stamp=time_message(frame.stamp), frame_id=frame.frame_id)
    image = _jpeg(frame.image, header) if compressed else from_array(frame.image, "bgr8", header)
    return FrameMessages(header, image, CameraInfo(header=header, **_camera(frame)))


def _camera(frame: Frame) -> dict[str, Any]:
    """The fields of the frame's ``CameraInfo``, without the header."""
    height, width = frame.image.shape[:2]
    known = frame.calibration
    if known is None or (known.height, known.width) != (height, width):
        return {"height": height, "width": width}
    return {field.name: getattr(known, field.name) for field in dataclasses.fields(known)}


def _jpeg(pixels: NDArray[np.uint8], header: Header) -> CompressedImage:
    encoded = np.asarray(cv2.imencode(".jpg", pixels)[1], np.uint8)
    data = array.array("B", encoded.tobytes())  # which the message takes without looking at items
    return CompressedImage(header=header, format=COMPRESSED_FORMAT, data=data)
