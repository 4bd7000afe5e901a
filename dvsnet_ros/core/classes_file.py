"""Classes files: a label set as a text file, a line a class, in the order of the class ids.

A line is `name` or `name: red green blue`. Names may hold spaces; the colours of those without one
are chosen, well apart from each other and from those that are given, and the same each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dvsnet_ros.core.label_sets import BUILT_IN, Color, LabelSet

LEVELS = 8
"""Of red, green and blue each, in the colours to choose from: 512 of them, more than classes."""


def read_classes(path: Path) -> LabelSet:
    """The label set of a classes file, whose name is the file's without the ending, or a built-in.

    Raises:
        OSError: if it can't be read.
        ValueError: if it is no such file; the sentence names the line.
    """
    if str(path) in BUILT_IN:
        return BUILT_IN[str(path)]
    if path.stem in BUILT_IN:
        raise ValueError(
            f"'{path.stem}' is a label set already; give it by that name alone, or '{path}' "
            "another name"
        )
    if not path.is_file():
        raise ValueError(
            f"there is no file '{path}'; give a text file with a line a class, or one of: "
            f"{', '.join(BUILT_IN)}"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is no text in UTF-8; give a line a class") from error
    lines = text.rstrip().splitlines()
    if not 2 <= len(lines) <= 255:
        raise ValueError(
            f"'{path}' has {len(lines)} lines; give 2 to 255 classes, a line each, in the order of "
            "their ids"
        )
    names: list[str] = []
    colors: list[Color | None] = []
    for number, line in enumerate(lines, 1):
        try:
            name, color = _read_line(line)
            if name in names:
                raise ValueError(f"'{name}' is the name of line {names.index(name) + 1} already")
        except ValueError as error:
            raise ValueError(f"line {number} of '{path}': {error}") from error
        names.append(name)
        colors.append(color)
    return LabelSet(path.stem, tuple(names), _all_chosen(colors))


def _read_line(line: str) -> tuple[str, Color | None]:
    name, colon, color = (part.strip() for part in line.partition(":"))
    if not name:
        raise ValueError("there is no name; the first line is the class of id 0, the next of id 1")
    if not colon:
        return name, None
    parts = color.split()
    if len(parts) != 3 or not all(part.isdecimal() and int(part) <= 255 for part in parts):
        raise ValueError(
            f"'{color}' is no colour; give red, green and blue from 0 to 255, as in '{name}: 128 "
            "64 128', or the name alone"
        )
    red, green, blue = map(int, parts)
    return name, (red, green, blue)


def _all_chosen(colors: Sequence[Color | None]) -> tuple[Color, ...]:
    """The colours, and for each that is missing the one that is farthest from all before it.

    Black and white count as being before them: ids of no class are shown in black, and white over
    an image is no colour.
    """
    levels = np.linspace(0, 255, LEVELS).round()
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    taken = [(0, 0, 0), (255, 255, 255), *(color for color in colors if color is not None)]
    distance = np.min([np.linalg.norm(candidates - color, axis=1) for color in taken], axis=0)
    chosen = []
    for color in colors:
        if color is None:
            red, green, blue = map(int, candidates[distance.argmax()])
            color = (red, green, blue)
            distance = np.minimum(distance, np.linalg.norm(candidates - color, axis=1))
        chosen.append(color)
    return tuple(chosen)
