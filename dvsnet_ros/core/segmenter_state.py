"""What the video segmenter remembers between frames, and a file of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor


@dataclass
class Tracking:
    """What tracking needs of the frame before.

    Attributes:
        view: [H / 2, W / 2] uint8, what it saw of it.
        tracks: [R, 2, h / 2, w / 2] float32 in pixels, from each region to its key frame.
    """

    view: NDArray[np.uint8]
    tracks: Tensor

    def copy(self, device: torch.device) -> Tracking:
        """The same on a device, sharing nothing that is written to."""
        return Tracking(self.view, self.tracks.to(device, copy=True))


@dataclass
class KeyFrames:
    """What is remembered of the R regions between frames.

    Attributes:
        images: [R, 3, h / 2, w / 2], the flow inputs of each region's key frame.
        logits: [R, C, h', w'] float32, the key logits, on the flow's grid or a finer one.
        targets: what each region's next score is compared with.
        stamps: stamps of the key frames, in nanoseconds.
        ages: frames since the key frames.
        tracking: None where the flow network does without.
        credit: regions that may yet be segmented, where their share is limited.
    """

    images: Tensor
    logits: Tensor
    targets: list[float]
    stamps: list[int]
    ages: list[int]
    tracking: Tracking | None = None
    credit: float = 0.0

    def copy(self, device: torch.device) -> KeyFrames:
        """The same on a device, sharing nothing."""
        return KeyFrames(
            self.images.to(device, copy=True),
            self.logits.to(device, copy=True),
            list(self.targets),
            list(self.stamps),
            list(self.ages),
            self.tracking and self.tracking.copy(device),
            self.credit,
        )


@dataclass(frozen=True)
class SegmenterState:
    """A video segmenter's place in a drive; how it works is not part of it.

    Attributes:
        keys: what is remembered of the regions; None before the first frame and after a reset.
        last_shape: shape of the last frame.
        last_stamp: its stamp, in nanoseconds.
    """

    keys: KeyFrames | None
    last_shape: tuple[int, ...]
    last_stamp: int


def save_state(path: Path, state: SegmenterState) -> None:
    """Write a state as safetensors; raises OSError where that fails."""
    keys, tensors, numbers = state.keys, {}, {}
    if keys:
        tensors = {"images": keys.images.cpu(), "logits": keys.logits.cpu()}
        if keys.tracking:
            tensors["view"] = torch.from_numpy(keys.tracking.view)
            tensors["tracks"] = keys.tracking.tracks.cpu()
        names = ("targets", "stamps", "ages", "credit")
        numbers = {name: getattr(keys, name) for name in names}
    description = {
        "last_shape": state.last_shape,
        "last_stamp": state.last_stamp,
        "keys": numbers,
        # Another layout in memory is another order of adding up: results would differ in bits.
        "strides": {name: tensor.stride() for name, tensor in tensors.items()},
    }
    plain = {name: tensor.contiguous() for name, tensor in tensors.items()}
    path.write_bytes(save(plain, {"state": json.dumps(description)}))


def load_state(path: Path) -> SegmenterState:
    """Read a state that `save_state` wrote.

    Raises:
        SafetensorError: the file is damaged.
        OSError: it can't be read.
    """
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["state"])
        tensors = {
            name: _with_strides(file.get_tensor(name), strides)
            for name, strides in description["strides"].items()
        }
    keys = None
    if tensors:
        keys = KeyFrames(tensors["images"], tensors["logits"], **description["keys"])
        if "view" in tensors:
            keys.tracking = Tracking(tensors["view"].numpy(), tensors["tracks"])
    return SegmenterState(keys, tuple(description["last_shape"]), description["last_stamp"])


def _with_strides(tensor: Tensor, strides: list[int]) -> Tensor:
    return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype).copy_(tensor)
