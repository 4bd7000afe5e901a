"""A frame's way through the node: message → array → video segmenter → messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from dvsnet_ros.core.segmentation import ResetReason, Segmentation
from dvsnet_ros.core.sentences import one_line
from dvsnet_ros.core.video_segmenter import VideoSegmenter
from dvsnet_ros.drives.image_decoding import ImageError
from dvsnet_ros.nodes import messages
from dvsnet_ros.nodes.image_conversion import from_array, to_bgr
from dvsnet_ros.nodes.parameters import Settings
from dvsnet_ros.nodes.rate_limit import RateLimit
from dvsnet_ros.nodes.statistics import Case, Statistics
from dvsnet_ros.nodes.throttle import Throttle

SAME_STAMP: Final = (
    "an image has the stamp of the one before, {seconds:.3f} s: pauses can't be seen, and masks "
    "can't be told apart by their stamps; have the camera's driver stamp each image with its time"
)


@dataclass(frozen=True)
class Arrival:
    """An image message and when it came, in seconds of the steady clock."""

    message: Image | CompressedImage
    time: float


@dataclass(frozen=True)
class Outputs:
    """The publishers of what comes of a frame."""

    mask: Any
    confidence: Any
    overlay: Any
    color_mask: Any
    decisions: Any


class Pipeline:
    """Answers one frame after the other; `process` belongs to one thread.

    Args:
        segmenter: the video segmenter, used by nobody else.
        outputs: where the answers go.
        settings: gives the parameters as they are now; looked at once before each frame.
        statistics: counts what happens.
        warn: logs a sentence; called at most once in a while for each kind of problem.
    """

    def __init__(
        self,
        segmenter: VideoSegmenter,
        outputs: Outputs,
        settings: Callable[[], Settings],
        statistics: Statistics,
        warn: Callable[[str], None],
    ) -> None:
        self._segmenter = segmenter
        self._outputs = outputs
        self._settings = settings
        self._statistics = statistics
        self._warn = warn
        self._throttle = Throttle(time.monotonic)
        self._rate_limit = RateLimit()
        self._reset = threading.Event()
        self._last_stamp: int | None = None
        self._stood_still = False

    def forget_key_frames(self) -> None:
        """Forget all key frames before the next frame; may be called from any thread."""
        self._reset.set()

    def process(self, arrival: Arrival) -> None:
        """Answer a frame, or skip it and say why; never raises on account of the frame."""
        settings = self._settings()
        if settings.lazy and not any(map(is_wanted, vars(self._outputs).values())):
            self._segmenter.reset()  # when somebody comes, the key frames are of another scene
            self._statistics.case(Case.UNWANTED)
            return
        if not self._rate_limit.admits(arrival.time, settings.max_rate):
            self._statistics.case(Case.OVER_RATE)
            return
        try:
            self._answer(to_bgr(arrival.message), arrival, settings)
        except ImageError as error:
            self._problem(Case[error.kind.upper()], f"image skipped: {error}")
        # Whatever else goes wrong (memory, say) must cost this frame only.
        except Exception as error:
            self._segmenter.reset()
            self._problem(Case.FAILED, f"frame skipped: {one_line(error)}")

    def _answer(self, frame: NDArray[np.uint8], arrival: Arrival, settings: Settings) -> None:
        self._apply(settings)
        header = arrival.message.header
        stamp = messages.nanoseconds(header.stamp)
        self._note_stamp(stamp)
        segmentation = self._segmenter.segment(
            frame, stamp, confidence=is_wanted(self._outputs.confidence)
        )
        segmentation = segmentation.resized(*frame.shape[:2])
        if segmentation.reset_reason:
            self._note_reset(segmentation.reset_reason)
        self._outputs.mask.publish(messages.mask_message(segmentation, header))
        published = time.monotonic()
        self._publish_beside(frame, segmentation, settings, header)
        self._statistics.frame_answered(arrival.time, published, segmentation.decisions)

    def _apply(self, settings: Settings) -> None:
        if self._reset.is_set():
            self._reset.clear()
            self._segmenter.reset()
        schedule = settings.frame_schedule()
        if schedule != self._segmenter.schedule:
            self._segmenter.schedule = schedule
        self._segmenter.max_gap = settings.max_gap

    def _publish_beside(
        self,
        frame: NDArray[np.uint8],
        segmentation: Segmentation,
        settings: Settings,
        header: Header,
    ) -> None:
        """Publish all but the mask."""
        outputs = self._outputs
        mode = settings.schedule
        outputs.decisions.publish(messages.decisions_message(segmentation, mode, header))
        if segmentation.confidence is not None:
            outputs.confidence.publish(from_array(segmentation.confidence, "mono8", header))
        if is_wanted(outputs.overlay):
            labels, opacity = self._segmenter.label_set, settings.overlay_opacity
            overlay = messages.overlay_message(frame, segmentation, labels, opacity, header)
            outputs.overlay.publish(overlay)
        if is_wanted(outputs.color_mask):
            colors = self._segmenter.label_set.colorize(segmentation.mask)
            outputs.color_mask.publish(from_array(colors, "bgr8", header))

    def _note_stamp(self, stamp: int) -> None:
        """Say that stamps stand still, when they begin to, but not again and again."""
        stands_still = stamp == self._last_stamp
        if stands_still:
            self._statistics.case(Case.SAME_STAMP)
            if not self._stood_still:
                self._say(Case.SAME_STAMP, SAME_STAMP.format(seconds=stamp / messages.NANOSECONDS))
        self._last_stamp, self._stood_still = stamp, stands_still

    def _note_reset(self, reason: ResetReason) -> None:
        case = Case.of_reset(reason)
        self._statistics.case(case)
        self._say(case, f"{reason.value}: all key frames forgotten, this frame is segmented whole")

    def _problem(self, case: Case, sentence: str) -> None:
        self._statistics.case(case)
        self._statistics.error(sentence)
        self._say(case, sentence)

    def _say(self, case: Case, sentence: str) -> None:
        line = self._throttle.line(case, sentence)
        if line:
            self._warn(line)


def is_wanted(publisher: Any) -> bool:
    """Whether somebody subscribes to it."""
    return bool(publisher.get_subscription_count() > 0)
