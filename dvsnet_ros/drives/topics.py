"""Names of topics: of a camera, and of the node's answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dvsnet_ros.drives.frame import DriveError

DEFAULT_TOPIC: Final = "/camera/image_raw"

MASK: Final = "/dvsnet/mask"
CONFIDENCE: Final = "/dvsnet/confidence"
OVERLAY: Final = "/dvsnet/overlay"
COLOR_MASK: Final = "/dvsnet/color_mask"
DECISIONS: Final = "/dvsnet/decisions"
LABEL_INFO: Final = "/dvsnet/label_info"
ANSWERS: Final = frozenset((MASK, CONFIDENCE, OVERLAY, COLOR_MASK, DECISIONS, LABEL_INFO))
"""The node's, as long as nobody gives it another name."""

COMPRESSED: Final = "/compressed"
"""What a topic of compressed images has more than its raw twin, by image_transport."""

_TOPIC: Final = re.compile(r"(/[A-Za-z_][A-Za-z0-9_]*)+")


@dataclass(frozen=True)
class CameraTopics:
    """A camera's topics: what belongs to its images lies beside them.

    Raises:
        DriveError: `image` is no full name of a topic, or the name of what lies beside images.
    """

    image: str = DEFAULT_TOPIC

    def __post_init__(self) -> None:
        if not _TOPIC.fullmatch(self.image):
            raise DriveError(
                f"'{self.image}' is no topic; a topic is called like {DEFAULT_TOPIC}, with a slash "
                "before each word of letters, digits and _"
            )
        if self.image in (self.camera_info, self.labels, self.label_info):
            raise DriveError(
                f"'{self.image}' is where what belongs to a camera's images lies; give the images "
                f"another topic, such as {_namespace(self.image)}/image_raw"
            )

    @property
    def compressed(self) -> str:
        """Of compressed images."""
        return f"{self.image}{COMPRESSED}"

    @property
    def camera_info(self) -> str:
        """Of the calibration."""
        return camera_info_beside(self.image)

    @property
    def labels(self) -> str:
        """Of the labels that the drive has."""
        return labels_beside(self.image)

    @property
    def label_info(self) -> str:
        """Of what the labels' class ids mean."""
        return label_info_beside(self.image)


def camera_info_beside(image: str) -> str:
    """Where the calibration of a topic's images, raw or compressed, is looked for."""
    return f"{_namespace(image)}/camera_info"


def labels_beside(image: str) -> str:
    """Where the labels of a topic's images, raw or compressed, are looked for."""
    return f"{_namespace(image)}/labels"


def label_info_beside(image: str) -> str:
    """Where it is looked for what the ids of a topic's labels mean."""
    return f"{_namespace(image)}/label_info"


def _namespace(image: str) -> str:
    return image.removesuffix(COMPRESSED).rpartition("/")[0]


def taken_by_cameras(images: Sequence[str]) -> list[str]:
    """Those of the topics of images that are neither answers nor labels of another one's."""
    labels = {labels_beside(topic) for topic in images if topic != labels_beside(topic)}
    return [topic for topic in images if topic not in labels and topic not in ANSWERS]
