"""The seam to the library that converts colours: cv_bridge, or where there is none rosbags-image.

``cv_bridge`` comes with every ROS 2 install, ``rosbags-image`` with pip. Both get the same plain
images, so that what only one of them does well (padded rows, byte order, 16 bit) is asked of none.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PlainImage:
    """A raw image of 8 bits a channel, with the fields of ``sensor_msgs/Image``.

    Attributes:
        height: in pixels.
        width: in pixels.
        encoding: as in the message.
        step: bytes of a row.
        data: uint8 [H, W] or [H, W, C], contiguous.
        is_bigendian: this machine's byte order.
    """

    height: int
    width: int
    encoding: str
    step: int
    data: NDArray[np.uint8]
    is_bigendian: bool = sys.byteorder == "big"


def _cv_bridge() -> Any:
    """Return a ``CvBridge``, or None where there is none that this NumPy can work with.

    A cv_bridge that was built for NumPy 1, as ROS 2 ships it, imports under NumPy 2 with a warning
    and kills the process when it is called. So its compiled half is looked at, not imported.
    """
    spec = importlib.util.find_spec("cv_bridge")
    if spec is None:
        return None
    folders = spec.submodule_search_locations or []
    compiled = [file.read_bytes() for folder in folders for file in Path(folder).rglob("*.so")]
    is_for_numpy_1 = bool(compiled) and not any(b"numpy._core" in code for code in compiled)
    if is_for_numpy_1 and int(np.__version__.partition(".")[0]) >= 2:
        return None
    from cv_bridge import CvBridge

    return CvBridge()


def _library() -> Callable[[Any], NDArray[np.uint8]]:
    """Return what converts a plain image to BGR: cv_bridge, or else rosbags-image.

    Raises:
        ImportError: neither of them works here.
    """
    bridge = _cv_bridge()
    if bridge is not None:
        return lambda plain: np.asarray(bridge.imgmsg_to_cv2(plain, "bgr8"), np.uint8)
    try:
        from rosbags.image import image_to_cvimage
    except ImportError as error:
        raise ImportError(
            f"neither cv_bridge for NumPy {np.__version__} nor rosbags-image is installed; "
            "pip install rosbags-image, or numpy<2 for ROS 2's cv_bridge"
        ) from error
    return lambda plain: np.asarray(image_to_cvimage(plain, "bgr8"), np.uint8)


library_bgr: Final[Callable[[PlainImage], NDArray[np.uint8]]] = _library()
"""Converts a plain image to BGR uint8 [H, W, 3]; raises whatever the library raises."""
