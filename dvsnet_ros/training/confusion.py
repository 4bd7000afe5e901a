"""How well masks fit labels: the confusion matrix and the figures that follow from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Confusion:
    """Counts pixels by true and predicted class.

    Attributes:
        counts: pixels [classes, classes], rows true, columns predicted.
    """

    def __init__(self, num_classes: int) -> None:
        self.counts = np.zeros((num_classes, num_classes), np.int64)

    def add(self, mask: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
        """Count a mask [H, W] against its labels [H, W]; labels of no class count for nothing."""
        classes = len(self.counts)
        known = labels < classes
        pairs = labels[known].astype(np.int64) * classes + mask[known]
        self.counts += np.bincount(pairs, minlength=classes**2).reshape(classes, classes)

    @property
    def class_iou(self) -> NDArray[np.float64]:
        """Intersection over union a class, 0-1; NaN for one neither labelled nor predicted."""
        hits = np.diag(self.counts).astype(np.float64)
        union = self.counts.sum(0) + self.counts.sum(1) - hits
        iou = np.full(len(hits), np.nan)
        np.divide(hits, union, out=iou, where=union > 0)
        return iou

    @property
    def mean_iou(self) -> float:
        """Mean of `class_iou` over the classes that occur, 0-1; NaN without any pixel."""
        iou = self.class_iou
        return float(np.nanmean(iou)) if np.isfinite(iou).any() else float("nan")

    @property
    def pixel_accuracy(self) -> float:
        """Share of the pixels with the right class, 0-1; NaN without any pixel."""
        total = self.counts.sum()
        return float(np.diag(self.counts).sum() / total) if total else float("nan")
