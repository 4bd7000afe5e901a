"""From frames to the messages that bags hold."""

from __future__ import annotations

import sys
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.drives.bag_types import new_message
from dvsnet_ros.drives.frame import NANOSECONDS, Frame
from dvsnet_ros.drives.stamps import check_stamp

JPEG_FORMAT: Final = "bgr8; jpeg compressed bgr8"
"""How image_transport calls a JPEG of a colour image."""


def header(stamp: int, frame_id: str) -> Any:
    """A ``std_msgs/Header``.

    Raises:
        DriveError: no message can have this stamp.
    """
    return new_message("std_msgs/msg/Header", stamp=time(stamp), frame_id=frame_id)


def time(stamp: int) -> Any:
    """A stamp in nanoseconds as ``builtin_interfaces/Time``; raises DriveError as `header` does."""
    check_stamp(stamp)
    seconds, rest = divmod(stamp, NANOSECONDS)
    return new_message("builtin_interfaces/msg/Time", sec=seconds, nanosec=rest)


def image(pixels: NDArray[np.uint8], encoding: str, header: Any) -> Any:
    """A ``sensor_msgs/Image`` of uint8 [H, W] (``mono8``) or [H, W, 3] (``bgr8``)."""
    height, width = pixels.shape[:2]
    return new_message(
        "sensor_msgs/msg/Image",
        header=header,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=int(sys.byteorder == "big"),
        step=pixels.nbytes // height,
        data=np.ascontiguousarray(pixels).reshape(-1),
    )


def compressed_image(pixels: NDArray[np.uint8], header: Any) -> Any:
    """A ``sensor_msgs/CompressedImage``, JPEG, of uint8 [H, W, 3] BGR."""
    _, data = cv2.imencode(".jpg", pixels)
    return new_message(
        "sensor_msgs/msg/CompressedImage", header=header, format=JPEG_FORMAT, data=data.reshape(-1)
    )


def camera_info(frame: Frame, header: Any) -> Any:
    """A ``sensor_msgs/CameraInfo`` of the frame's `camera`."""
    calibration = frame.camera
    return new_message(
        "sensor_msgs/msg/CameraInfo",
        header=header,
        height=calibration.height,
        width=calibration.width,
        distortion_model=calibration.distortion_model,
        **{name: np.array(getattr(calibration, name), np.float64) for name in "dkrp"},
        binning_x=0,
        binning_y=0,
        roi=region_of_interest(0, 0, 0, 0),
    )


def region_of_interest(x: int, y: int, height: int, width: int) -> Any:
    """A ``sensor_msgs/RegionOfInterest``, in pixels; all zero is the whole image."""
    return new_message(
        "sensor_msgs/msg/RegionOfInterest",
        x_offset=x,
        y_offset=y,
        height=height,
        width=width,
        do_rectify=False,
    )


def label_info(labels: LabelSet, stamp: int) -> Any:
    """A ``vision_msgs/LabelInfo`` of a label set; raises DriveError as `header` does."""
    classes = [
        new_message("vision_msgs/msg/VisionClass", class_id=class_id, class_name=name)
        for class_id, name in enumerate(labels.classes)
    ]
    return new_message(
        "vision_msgs/msg/LabelInfo",
        header=header(stamp, ""),
        class_map=classes,
        threshold=0.0,
    )
