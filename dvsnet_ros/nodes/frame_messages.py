"""From a frame of a drive to what a camera publishes."""

from __future__ import annotations

import array
from dataclasses import dataclass, fields
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from dvsnet_ros.drives import Calibration, Frame
from dvsnet_ros.drives.stamps import check_stamp
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
    """Make a frame's messages: ``bgr8``, or with `compressed` a JPEG; and its `camera`.

    Raises:
        DriveError: no message can have the frame's stamp.
    """
    check_stamp(frame.stamp)
    header = Header(stamp=time_message(frame.stamp), frame_id=frame.frame_id)
    image = _jpeg(frame.image, header) if compressed else from_array(frame.image, "bgr8", header)
    camera = {field.name: getattr(frame.camera, field.name) for field in fields(Calibration)}
    return FrameMessages(header, image, CameraInfo(header=header, **camera))


def _jpeg(pixels: NDArray[np.uint8], header: Header) -> CompressedImage:
    encoded = np.asarray(cv2.imencode(".jpg", pixels)[1], np.uint8)
    data = array.array("B", encoded.tobytes())  # which the message takes without looking at items
    return CompressedImage(header=header, format=COMPRESSED_FORMAT, data=data)
