"""summary.png of ``dvsnet demo``: one picture that shows what DVSNet did with a drive."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from dvsnet_ros.commands.demo_record import DemoRecord
from dvsnet_ros.core.label_sets import LabelSet
from dvsnet_ros.core.overlay import BORDER_COLORS
from dvsnet_ros.core.schedule import Path as RegionPath
from dvsnet_ros.nodes.demo_recorder import RecordedFrame

WIDTH: Final = 15.0
"""Of the picture, in inches."""

COLUMNS: Final = 3
"""Frames side by side."""

SMALLEST_SHARE: Final = 0.002
"""Of a mask; the legend leaves out classes that are smaller in all frames shown."""

EXPLANATION: Final = (
    "Each frame is split into regions that overlap. A region takes one of two paths to its labels: "
    "the segmentation path (slow, exact) or the flow path (fast: the labels of the region's last "
    "key frame, warped). The decision network guesses how well warping would do, as an expected "
    "confidence score; a region whose score falls below the target takes the segmentation path."
)

PATH_NAMES: Final = {
    RegionPath.SEGMENTATION: "segmentation path",
    RegionPath.FLOW: "flow path",
}


def _rgb(red: int, green: int, blue: int) -> tuple[float, float, float]:
    """A colour of 0-255 as matplotlib takes it."""
    return red / 255, green / 255, blue / 255


PATH_COLORS: Final = {path: _rgb(*reversed(BORDER_COLORS[path])) for path in RegionPath}


def draw_summary(record: DemoRecord, labels: LabelSet, title: str, path: Path) -> None:
    """Draw the picture.

    Args:
        record: of the whole drive.
        labels: colours and names of the classes.
        title: what was played.
        path: the PNG file to write.
    """
    shots = list(record.shots.values())
    rows = -(-len(shots) // COLUMNS)
    height, width = shots[0][1].mask.shape
    row_height = min(WIDTH / COLUMNS * height / width, 4.0) + 0.35
    raster_height = 0.5 + 0.35 * len(record.paths[0])
    heights = [1.35, rows * row_height, 0.8, raster_height + 4.0]
    figure = Figure(
        figsize=(WIDTH, sum(heights)),
        dpi=100,
        layout=ConstrainedLayoutEngine(h_pad=0.06, w_pad=0.08, hspace=0.02),
    )
    parts: Any = figure.subfigures(4, 1, height_ratios=heights)
    head, frames, legend, courses = parts
    _draw_head(head, title)
    axes = list(frames.subplots(rows, COLUMNS, squeeze=False).flat)
    for axis in axes:
        axis.axis("off")
    for axis, (index, shot) in zip(axes, shots, strict=False):
        _draw_frame(axis, f"frame {index}, at {record.seconds[index]:.1f} s", shot)
    _draw_legend(legend, labels, [shot for _, shot in shots])
    raster, scores = courses.subplots(2, 1, sharex=True, height_ratios=[raster_height, 3.2])
    _draw_paths(raster, record)
    _draw_scores(scores, record)
    courses.legend(loc="outside lower center", ncols=7, frameon=False)
    figure.savefig(path, format="png")


def _draw_head(figure: Any, title: str) -> None:
    # A name may hold what would be a formula.
    figure.text(0.012, 0.93, title, size=17, weight="bold", va="top", parse_math=False)
    text = textwrap.fill(EXPLANATION, 190)
    figure.text(0.012, 0.60, text, size=10.5, va="top", linespacing=1.35)


def _draw_frame(axis: Any, title: str, shot: RecordedFrame) -> None:
    axis.imshow(shot.overlay[..., ::-1], interpolation="antialiased")
    axis.set_title(title, size=11, pad=4)
    height, width = shot.mask.shape
    for number, decision in enumerate(shot.decisions.decisions):
        row, column = divmod(number, shot.decisions.columns)
        axis.text(
            (column + 0.5) * width / shot.decisions.columns,
            (row + 0.5) * height / shot.decisions.rows,
            str(number),
            color=PATH_COLORS[RegionPath(decision.path)],
            size=16,
            weight="bold",
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=3, foreground="black")],
        )


def _draw_legend(figure: Any, labels: LabelSet, shots: list[RecordedFrame]) -> None:
    borders = [
        Line2D([], [], color=PATH_COLORS[path], linewidth=3, label=f"region on the {name}")
        for path, name in PATH_NAMES.items()
    ]
    figure.legend(handles=borders, loc="upper center", ncols=2, frameon=False, fontsize=11)
    counts = np.bincount(np.concatenate([shot.mask.ravel() for shot in shots]), minlength=256)
    shares = counts / counts.sum()
    classes = [
        Patch(
            facecolor=_rgb(*color),
            edgecolor="grey",
            label=name.replace("_", " "),
        )
        for index, (name, color) in enumerate(zip(labels.classes, labels.colors, strict=True))
        if shares[index] >= SMALLEST_SHARE
    ]
    names = figure.legend(
        handles=classes, loc="lower center", ncols=min(len(classes), 11), frameon=False, fontsize=10
    )
    for text in names.get_texts():
        text.set_parse_math(False)


def _draw_paths(axis: Any, record: DemoRecord) -> None:
    paths = np.array(record.paths).T
    colors = ListedColormap([PATH_COLORS[path] for path in RegionPath])
    edges = _time_edges(record)
    axis.pcolormesh(
        edges, np.arange(len(paths) + 1), paths, cmap=colors, vmin=0, vmax=1, alpha=0.65
    )
    axis.set_ylim(len(paths), 0)
    axis.set_yticks(np.arange(len(paths)) + 0.5, [f"region {n}" for n in range(len(paths))])
    axis.hlines(np.arange(1, len(paths)), edges[0], edges[-1], color="white", linewidth=3)
    axis.tick_params(length=0, labelbottom=False)
    shares = ", ".join(
        f"{100 * record.share(path):.0f} % {name}" for path, name in PATH_NAMES.items()
    )
    axis.set_title(f"The path of each region over time: {shares}", size=12, loc="left")


def _draw_scores(axis: Any, record: DemoRecord) -> None:
    scores, targets = np.array(record.scores).T, np.array(record.targets).T
    seconds = record.seconds
    is_shared = bool((targets == targets[0]).all())
    for number, score in enumerate(scores):
        color, name = colormaps["Dark2"](number % 8), f"region {number}"
        axis.plot(seconds, score, color=color, linewidth=1.4, marker=".", ms=5, label=name)
        if not is_shared:
            axis.plot(seconds, targets[number], color=color, linewidth=1.2, linestyle="--")
    target = targets[0] if is_shared else np.full_like(targets[0], np.nan)
    axis.plot(
        seconds, target, color="black", linewidth=1.6, linestyle="--", label="target (dashed)"
    )
    edges = _time_edges(record)
    axis.set_xlim(edges[0], edges[-1])
    known = np.concatenate([scores[np.isfinite(scores)], targets.ravel()])
    axis.set_ylim(known.min() - 1, known.max() + 1)
    axis.set_xlabel("time in the drive [s]", size=11)
    axis.set_ylabel("score [0 to 100]", size=11)
    axis.grid(alpha=0.3)
    axis.set_title(
        "Expected confidence score of each region, and the target it is compared with",
        size=12,
        loc="left",
    )


def _time_edges(record: DemoRecord) -> Any:
    """Borders of the frames on the time axis, [frames + 1]: each lasts until the next."""
    seconds = record.seconds
    last = seconds[-1] - seconds[-2] if len(seconds) > 1 else 1.0
    return np.append(seconds, seconds[-1] + last)
