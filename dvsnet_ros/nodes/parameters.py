"""Every parameter of the node, in one table: the fields of `Settings`.

Their types, defaults, ranges and descriptions are declared here once; what ``ros2 param describe``
shows, what is refused, what the node runs with, and the arguments of its launch file all come from
this table. The process of the launch file may not have torch, so nothing here imports it.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from dvsnet_ros.core.precisions import PRECISION_NAMES
from dvsnet_ros.core.schedule import DEFAULT_MAX_GAP, DEFAULT_SCHEDULE, MODES, Schedule

Value = TypeVar("Value", str, bool, int, float)

LIVE: Final = "Changes live, from the next frame on."
NOT_LIVE: Final = "Cannot change while the node is active; taken at the next configure."
AT_START: Final = "Counts only when the process starts."

OF_MIDDLEWARE: Final = re.compile(r"qos_overrides\.(?!.*\.subscription\.reliability$)")
"""How parameters begin that rclpy declares when they are used; for one, the node has its own."""


def _parameter(
    default: Value,
    description: str,
    *,
    limits: tuple[Value, Value] | None = None,
    choices: tuple[str, ...] = (),
    pattern: str = "",
    live: bool = False,
    at_start: bool = False,
) -> Value:
    """A field of `Settings`; `pattern` is what a string must match where choices can't say it."""
    metadata = {
        "description": description,
        "limits": limits,
        "choices": choices,
        "pattern": pattern or "|".join(choices),
        "live": live,
        "at_start": at_start,
    }
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """The values of all parameters at one moment; a change makes a new one."""

    checkpoint: str = _parameter(
        "",
        "Checkpoint file (.safetensors) with the networks, the label set and the input format; "
        "empty: the one that ships with the package.",
    )
    decision_checkpoint: str = _parameter(
        "", "Checkpoint file to take the decision network from; empty: from `checkpoint`."
    )
    device: str = _parameter(
        "auto",
        "Where the networks run; auto is the first CUDA device, or the CPU where there is none.",
        choices=("auto", "cpu", "cuda", "cuda:N"),
        pattern=r"auto|cpu|cuda(:\d+)?",
    )
    precision: str = _parameter(
        "auto",
        "Number format of the networks; auto is the fastest that the device computes natively.",
        choices=("auto", *PRECISION_NAMES),
    )
    input_height: int = _parameter(
        0,
        "Height in pixels at which frames are processed, given with the width; 0: the image's own.",
        limits=(0, 8192),
    )
    input_width: int = _parameter(
        0,
        "Width in pixels at which frames are processed, given with the height; 0: the image's own.",
        limits=(0, 8192),
    )
    region_rows: int = _parameter(2, "Rows of the grid of regions.", limits=(1, 16))
    region_columns: int = _parameter(2, "Columns of the grid of regions.", limits=(1, 16))
    overlap: int = _parameter(
        64,
        "Pixels by which regions reach over their borders; divisible by 8.",
        limits=(0, 2048),
    )
    schedule: str = _parameter(
        DEFAULT_SCHEDULE.mode,
        "Whether all regions keep to `target`, or each region's own target moves.",
        choices=MODES,
        live=True,
    )
    target: float = _parameter(
        DEFAULT_SCHEDULE.target,
        "Expected confidence score under which a region takes the segmentation path.",
        limits=(0.0, 100.0),
        live=True,
    )
    dynamic_decrease: float = _parameter(
        Schedule.decrease,
        "Dynamic schedule: fall of a region's target after the segmentation path.",
        limits=(0.0, 100.0),
        live=True,
    )
    dynamic_increase: float = _parameter(
        Schedule.increase,
        "Dynamic schedule: rise of a region's target after the flow path.",
        limits=(0.0, 100.0),
        live=True,
    )
    rising_share: float = _parameter(
        Schedule.share,
        "Rising schedule: rise of a region's target after the flow path, as a share of what its "
        "score lacks of 100.",
        limits=(0.0, 1.0),
        live=True,
    )
    max_share: float = _parameter(
        Schedule.max_share,
        "Largest share of the regions on the segmentation path; where more are under their "
        "targets, those that lack the most take it. 1: no limit.",
        limits=(0.0, 1.0),
        live=True,
    )
    max_gap: float = _parameter(
        DEFAULT_MAX_GAP,
        "Seconds between the stamps of two frames over which key frames are forgotten; 0: never.",
        limits=(0.0, 3600.0),
        live=True,
    )
    image_transport: str = _parameter(
        "raw",
        "raw subscribes to `image`, compressed to `image/compressed`.",
        choices=("raw", "compressed"),
    )
    reliability: str = _parameter(
        "best_effort",
        "Reliability of the image subscription; best_effort matches every publisher.",
        choices=("best_effort", "reliable"),
    )
    autostart: bool = _parameter(
        True,
        "Configure and activate at start, without waiting for a lifecycle manager.",
        at_start=True,
    )
    lazy: bool = _parameter(
        False,
        "Answer images only while somebody subscribes to what is published of them.",
        live=True,
    )
    max_rate: float = _parameter(
        0.0,
        "Images a second that are answered at most; others are left unanswered. 0: all.",
        limits=(0.0, 1000.0),
        live=True,
    )
    overlay_opacity: float = _parameter(
        0.5,
        "How strongly ~/overlay paints the classes over the image.",
        limits=(0.0, 1.0),
        live=True,
    )

    def frame_schedule(self) -> Schedule:
        """The schedule that these parameters describe."""
        return Schedule(
            mode=self.schedule,
            target=self.target,
            decrease=self.dynamic_decrease,
            increase=self.dynamic_increase,
            share=self.rising_share,
            max_share=self.max_share,
        )


@dataclass(frozen=True)
class Spec:
    """One row of the table.

    Attributes:
        name: the parameter's name.
        default: its default, whose type is the parameter's.
        description: what it does, in one sentence.
        limits: least and greatest value of a number, or None.
        choices: how the values of a string are called, or empty where any will do.
        pattern: regular expression that a string must match, or empty.
        live: whether it can change while the node is active.
        at_start: whether it counts only when the process starts.
    """

    name: str
    default: Any
    description: str
    limits: tuple[float, float] | None
    choices: tuple[str, ...]
    pattern: str
    live: bool
    at_start: bool

    def descriptor(self) -> ParameterDescriptor:
        """What ``ros2 param describe`` shows."""
        descriptor = ParameterDescriptor(description=f"{self.description} {self.when}")
        if self.choices:
            descriptor.additional_constraints = f"one of: {', '.join(self.choices)}"
        if self.limits is not None:
            low, high = self.limits
            if isinstance(self.default, int):
                whole = IntegerRange(from_value=int(low), to_value=int(high), step=1)
                descriptor.integer_range = [whole]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=low, to_value=high)
                ]
        return descriptor

    @property
    def when(self) -> str:
        """When a change counts."""
        if self.at_start:
            return AT_START
        return LIVE if self.live else NOT_LIVE

    def refusal(self, value: Any) -> str | None:
        """Why this value is refused, or None; types are checked by rclpy before, but for no value.

        Ranges are, too, but not to the last millionth.
        """
        if value is None:  # what `target: []` is in a parameter file
            return f"{self.name} has no value; leave it out, or give one such as {self.default!r}"
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            return f"{self.name} is '{value}'; it must be one of: {', '.join(self.choices)}"
        if self.limits is not None and not self.limits[0] <= value <= self.limits[1]:
            low, high = self.limits
            return f"{self.name} is {value}; it must be from {low} to {high}"
        return None


TABLE: Final[Mapping[str, Spec]] = {
    field.name: Spec(field.name, field.default, **field.metadata)
    for field in dataclasses.fields(Settings)
}


def _likely(name: str) -> str:
    """Which parameter was likely meant."""
    alike = difflib.get_close_matches(name.rpartition(".")[2], TABLE, n=1)
    return f"; did you mean {alike[0]}?" if alike else ""


class Parameters:
    """The parameters of a running node: declares them, refuses bad changes, keeps the rest.

    Args:
        node: the node to declare them on.
        is_active: whether the node is active, so that only live parameters may change.

    Raises:
        rclpy.exceptions.ParameterException: a value given at start is of a wrong type or out of
            range.
    """

    def __init__(self, node: Node, is_active: Callable[[], bool]) -> None:
        self._is_active = is_active
        self._settings = Settings()
        self._started = False
        node.add_on_set_parameters_callback(self._change)
        for spec in TABLE.values():
            node.declare_parameter(spec.name, spec.default, spec.descriptor())
        self._started = True
        for name in node._parameter_overrides:  # which rclpy keeps to itself
            if not (node.has_parameter(name) or OF_MIDDLEWARE.match(name)):
                node.get_logger().warning(f"there is no parameter {name}{_likely(name)}")

    @property
    def settings(self) -> Settings:
        """All values as they are now; safe to read from any thread, since it changes as a whole."""
        return self._settings

    def _change(self, parameters: list[Parameter]) -> SetParametersResult:
        """Take all the new values, or none of them and say why."""
        values = {entry.name: entry.value for entry in parameters if entry.name in TABLE}
        for name, value in values.items():
            refusal = TABLE[name].refusal(value) or self._refused_now(name, value)
            if refusal:
                return SetParametersResult(successful=False, reason=refusal)
        self._settings = dataclasses.replace(self._settings, **values)
        return SetParametersResult(successful=True)

    def _refused_now(self, name: str, value: object) -> str | None:
        spec = TABLE[name]
        if spec.live or value == getattr(self._settings, name):
            return None
        if spec.at_start and self._started:
            return (
                f"{name} counts only when the process starts: give it there, with --ros-args "
                f"-p {name}:={str(value).lower()}"
            )
        if spec.at_start or not self._is_active():
            return None
        return (
            f"{name} cannot change while the node is active; deactivate it first, and clean it up "
            "and configure it again for the new value to count"
        )
