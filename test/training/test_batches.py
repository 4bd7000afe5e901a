import multiprocessing
import os
import signal

import pytest
import torch

from dvsnet_ros.training.batches import batches


@pytest.mark.parametrize("workers", [1, 2])
def test_they_come_in_order_from_other_processes(workers: int) -> None:
    made = list(batches(lambda step: (os.getpid(), torch.full((2,), step)), 3, 7, workers))
    assert [(step, batch.tolist()) for step, (_, batch) in made] == [
        (step, [step, step]) for step in range(3, 7)
    ]
    makers = {process for _, (process, _) in made}
    assert len(makers - {os.getpid()}) == workers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_of_a_job_costs_no_batch(number: signal.Signals) -> None:
    def make(step: int) -> int:
        os.kill(os.getpid(), number)
        return step

    assert [step for step, _ in batches(make, 0, 3, workers=1)] == [0, 1, 2]


def test_signals_wait_in_the_makers_alone() -> None:
    made = batches(lambda _: signal.pthread_sigmask(signal.SIG_BLOCK, ()), 0, 2, workers=1)
    _, in_the_maker = next(made)
    assert {signal.SIGINT, signal.SIGTERM} <= in_the_maker
    here = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert not {signal.SIGINT, signal.SIGTERM} & here


def test_who_uses_the_batches_can_end_their_maker() -> None:
    made = batches(lambda _: os.getpid(), 0, 100, workers=1)
    _, maker = next(made)
    (worker,) = (each for each in multiprocessing.active_children() if each.pid == maker)
    worker.terminate()
    worker.join(30.0)
    assert worker.exitcode == 0


def test_none_are_made_where_none_are_left() -> None:
    assert list(batches(lambda step: step, 7, 7, workers=1)) == []


def test_what_making_a_batch_raised_is_raised_where_it_is_used() -> None:
    def make(step: int) -> str:
        if step == 1:
            raise OSError("no more")
        return "batch"

    made = batches(make, 0, 5, workers=1)
    assert next(made) == (0, "batch")
    with pytest.raises(OSError, match="no more"):
        next(made)
