"""Segmentation networks that other installed packages bring, by entry points.

A package that declares `name = module:Class` in the group `dvsnet_ros.segmentation` gives
checkpoints the architecture `name` (docs/training.md, "Your own network"). A checkpoint only names
it: what can run is what somebody has installed.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from torch import nn

from dvsnet_ros.core.sentences import one_line

GROUP = "dvsnet_ros.segmentation"


def installed_architectures() -> list[str]:
    """The names of the architectures that other packages bring, sorted."""
    return sorted(entry_points(group=GROUP).names)


def installed_architecture(name: str) -> Callable[..., nn.Module]:
    """The constructor of an architecture that another package brings, which is imported.

    Raises:
        ValueError: if no package brings it, several do, or the one that does can't be imported.
    """
    entries = list(entry_points(group=GROUP, name=name))
    if not entries:
        raise ValueError(f"no installed package brings the architecture '{name}'")
    if len(entries) > 1:
        raise ValueError(
            f"several installed packages bring the architecture '{name}': "
            f"{', '.join(entry.value for entry in entries)}; keep one of them"
        )
    try:
        constructor: Callable[..., nn.Module] = entries[0].load()
    except Exception as error:  # somebody else's code, which may raise anything
        raise ValueError(
            f"architecture '{name}' can't be imported from {entries[0].value}: "
            f"{type(error).__name__}: {one_line(error)}"
        ) from error
    return constructor
