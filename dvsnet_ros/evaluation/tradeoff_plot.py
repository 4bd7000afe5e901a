"""tradeoff.png: quality against the share of segmentation, by who chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dvsnet_ros.evaluation.sweep import Outcome

Quality = Callable[[Outcome], float]

STYLES = {
    "target": ("decision network", "#0b6e99", "o", "-"),
    "rising": ("decision network, rising target", "#0f7b6c", "D", "-"),
    "dynamic": ("decision network, dynamic target", "#6940a5", "^", "-"),
    "max_share": ("decision network, within a share", "#b0468b", "v", "-"),
    "interval": ("fixed key-frame intervals", "#d9730d", "s", "--"),
}

TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)


def draw_tradeoff(
    outcomes: Sequence[Outcome], per_frame: Outcome, title: str, path: Path, *, labelled: bool
) -> None:
    """Draw the plot; with labels it has a second panel, of mIoU.

    Args:
        outcomes: of targets and intervals.
        per_frame: of per-frame segmentation, a line.
        title: what was evaluated.
        path: the PNG file to write.
        labelled: whether there were labels.
    """
    panels: list[tuple[str, Quality]] = [
        ("agreement with per-frame segmentation [% of pixels]", lambda o: o.agreement)
    ]
    if labelled:
        panels.append(("mIoU [%]", lambda o: o.confusion.mean_iou))
    figure = Figure(figsize=(6.5 * len(panels), 5.2), dpi=110, layout="constrained")
    figure.suptitle(title, size=12, parse_math=False)  # a drive's name may hold a $
    for axis, (name, quality) in zip(
        figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True
    ):
        _draw_panel(axis, name, quality, outcomes, per_frame)
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2 * len(panels), frameon=False)
    part = path.with_name(path.name + ".part")
    figure.savefig(part, format="png")
    part.replace(path)


def _draw_panel(
    axis: Any, name: str, quality: Quality, outcomes: Sequence[Outcome], per_frame: Outcome
) -> None:
    axis.axhline(100 * quality(per_frame), color="grey", linewidth=1, label="per-frame")
    for kind, (label, color, marker, line) in STYLES.items():
        points = sorted(
            (100 * o.share, 100 * quality(o)) for o in outcomes if o.setting.kind == kind
        )
        if points:
            shares, qualities = zip(*points, strict=True)
            axis.plot(
                shares, qualities, color=color, marker=marker, markersize=5, linestyle=line,
                label=label,
            )  # fmt: skip
    axis.set_xscale("log")
    axis.set_xticks(TICKS, TICKS)
    axis.minorticks_off()
    axis.set_xlim(80 * min(outcome.share for outcome in outcomes), 115)
    axis.set_xlabel("regions on the segmentation path [%]")
    axis.set_ylabel(name)
    axis.grid(alpha=0.3)
