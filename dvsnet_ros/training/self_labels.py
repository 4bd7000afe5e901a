"""Labels for frames that have none: what a trained network is sure of, seen at several sizes.

Self-training: a network learns them under other crops and light, for a camera from which there are
no labels.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dvsnet_ros.core.networks.resize import magnify, resize_bilinear
from dvsnet_ros.drives.frame import Drive, DriveError
from dvsnet_ros.drives.skipping import SkippedFrames
from dvsnet_ros.training.augmentation import VOID
from dvsnet_ros.training.data import LabelledImage, evenly_spaced
from dvsnet_ros.training.segmenter import normalise

SIZES = (0.5, 0.75, 1.0, 1.25)
"""Magnifications at which a frame is seen, each of them also mirrored."""

SURE = 0.8
"""Mean probability above which a class is taken for the truth; below it pixels are void."""


def self_labelled(
    network: nn.Module, drive: Drive, frames: int, device: torch.device
) -> list[LabelledImage]:
    """Frames of a drive, at most `frames` of them, evenly spaced, labelled by a network.

    Broken ones among them are reported and left out.

    Args:
        network: gives logits of normalised images, as in training.
        drive: whose labels, if it has any, are not looked at.
        frames: how many at most.
        device: where the network is.

    Raises:
        ValueError: if all of these frames are broken, or the first ones (see SkippedFrames); the
            sentence says what is wrong with the first.
    """
    network.eval()
    stills = []
    skipped = SkippedFrames(drive.name)
    for index in evenly_spaced(len(drive), min(frames, len(drive))):
        try:
            image = drive[index].image
        except DriveError as error:
            skipped.add(index, str(error))
            continue
        skipped.go_on()
        labels = _labels(network, image, device)
        stills.append(LabelledImage(f"{drive.name.replace('_', '-')}_{index:06d}", image, labels))
    skipped.end()
    return stills


@torch.inference_mode()
def _labels(
    network: nn.Module, image: NDArray[np.uint8], device: torch.device
) -> NDArray[np.uint8]:
    """Class ids [H, W] of an image [H, W, 3]; 255 where the network is not sure."""
    height, width = image.shape[:2]
    whole = normalise(torch.from_numpy(image[None]).to(device))
    total = torch.zeros((), device=device)
    for size in SIZES:
        for mirrored in (False, True):
            # Mirrored whole: sizes that don't divide would shift what is mirrored after resizing.
            seen = magnify(whole.flip(3) if mirrored else whole, size)
            logits: Tensor = resize_bilinear(network(seen).float(), height, width)
            shares = logits.softmax(1)
            total = total + (shares.flip(3) if mirrored else shares)
    best, classes = (total[0] / (2 * len(SIZES))).max(0)
    labels = torch.where(best > SURE, classes, VOID)
    return labels.to(torch.uint8).cpu().numpy()
