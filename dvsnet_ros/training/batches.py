"""Batches made by processes of their own, while the networks are busy with those before."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")

ENDING = {signal.SIGINT, signal.SIGTERM}
"""The signals that end a training, after its step."""

IS_TOLD_WHO = hasattr(signal, "sigwaitinfo")
"""Whether a process can know who signals it; not on macOS, where signals are left as they are."""

MOST_WORKERS = 8
"""Processes beside a GPU. Distilling on an H200 uses up what about two of them make."""


def workers_beside(device: torch.device) -> int:
    """How many processes to make batches in: one beside a CPU, whose cores the networks need."""
    if device.type != "cuda":
        return 1
    return max(1, min(MOST_WORKERS, (os.cpu_count() or 1) - 1))


def batches(
    make: Callable[[int], T], first: int, steps: int, workers: int
) -> Iterator[tuple[int, T]]:
    """Each step from `first` on, and `make(step)`, in order.

    Args:
        make: what it gives must follow from the step alone; it runs in copies of this process,
            which see what was in memory when the first batch was asked for and have no GPU.
        first: step to begin with.
        steps: where to end, this one not included.
        workers: how many copies, 1 or more; each has its own of what `make` remembers.
    """
    if first >= steps:
        return  # without starting a process for nothing
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
    with _signals_wait():  # until the copies have made up their minds about them
        made = iter(loader)
    yield from zip(range(first, steps), made, strict=True)


class _Made(Dataset[T], Generic[T]):
    def __init__(self, make: Callable[[int], T]) -> None:
        self._make = make

    def __getitem__(self, step: int) -> T:
        return self._make(step)


def _as_it_is(batch: T) -> T:
    return batch


@contextmanager
def _signals_wait() -> Iterator[None]:
    """A block in which this process, and so its copies, get none of the signals that end it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING if IS_TOLD_WHO else ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(_: int) -> None:
    cv2.setNumThreads(0)  # the threads that OpenCV had are not in the copy
    # Who stops a job signals all its processes. The training then ends its step, for which it needs
    # this one, saves, and ends this one itself. So signals wait here, and its own alone counts.
    if IS_TOLD_WHO:
        threading.Thread(target=_end_when_told, args=(os.getppid(),), daemon=True).start()


def _end_when_told(training: int) -> None:
    """End this process at a SIGTERM from the process of this id, and from no other."""
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != training:
        pass
    os._exit(0)
