"""Batches made by processes of their own, while the networks are busy with those before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")

MOST_WORKERS = 12
"""Processes beside a GPU; what one of them makes in a second keeps even a fast one busy for a
tenth of it."""


def batches(
    make: Callable[[int], T], first: int, steps: int, device: torch.device
) -> Iterator[tuple[int, T]]:
    """Each step from `first` on, and `make(step)`, in order.

    Args:
        make: what it gives must follow from the step alone; it runs in copies of this process,
            which see what was in memory when the first batch was asked for and have no GPU.
        first: step to begin with.
        steps: where to end, this one not included.
        device: where the batches are used. A CPU's cores are busy with the networks: one process
            makes batches then; beside a GPU every other core has one, up to `MOST_WORKERS`.
    """
    workers = 1
    if device.type == "cuda":
        workers = max(1, min(MOST_WORKERS, (os.cpu_count() or 1) - 1))
    loader = DataLoader(
        _Made(make),
        batch_size=None,
        sampler=range(first, steps),
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_start_worker,
        multiprocessing_context="fork",
        generator=torch.Generator(),  # whose seed nobody uses; without one it takes from torch's
    )
    yield from zip(range(first, steps), loader, strict=True)


class _Made(Dataset[T], Generic[T]):
    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make

    def __getitem__(self, step: int) -> T:
        return self._make(step)


def _as_it_is(batch: T) -> T:
    return batch


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # the threads that OpenCV had are not in the copy
