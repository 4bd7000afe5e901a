import threading
from contextlib import closing

import pytest

from dvsnet_ros.training.ahead import Ahead


def test_the_next_step_is_made_in_the_meantime() -> None:
    made = {step: threading.Event() for step in range(4)}

    def make(step: int) -> str:
        made[step].set()
        return f"batch {step}"

    with closing(Ahead(make, 3)) as batch:
        assert batch(0) == "batch 0"
        assert made[1].wait(10)
        assert [batch(1), batch(2)] == ["batch 1", "batch 2"]
    assert not made[3].is_set()  # beyond the last


def test_what_making_a_batch_raised_is_raised_where_it_is_used() -> None:
    def make(step: int) -> str:
        if step == 1:
            raise OSError("no more")
        return "batch"

    with closing(Ahead(make, 5)) as batch:
        batch(0)
        with pytest.raises(OSError, match="no more"):
            batch(1)
