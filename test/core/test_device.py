"""Devices that need not be there: torch is made to say that there are two GPUs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from dvsnet_ros.core.device import resolve_device, resolve_precision

COMPUTES_BFLOAT16 = (True, False)
"""Of two GPUs, an Ampere and a Turing, say."""


@pytest.fixture
def _two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    current = [0]

    @contextmanager
    def be_current(device: torch.device) -> Iterator[None]:
        before, current[0] = current[0], device.index or 0
        yield
        current[0] = before

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(COMPUTES_BFLOAT16))
    monkeypatch.setattr(torch.cuda, "device", be_current)
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda _emulated: COMPUTES_BFLOAT16[current[0]]
    )


@pytest.mark.usefixtures("_two_gpus")
@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("auto", torch.bfloat16),
        ("cuda", torch.bfloat16),
        ("cuda:0", torch.bfloat16),
        ("cuda:1", torch.float16),
    ],
)
def test_auto_is_what_the_chosen_gpu_computes(name: str, precision: torch.dtype) -> None:
    device = resolve_device(name)
    assert device.type == "cuda"
    assert resolve_precision("auto", device) == precision
    assert resolve_precision("float16", device) == torch.float16


@pytest.mark.usefixtures("_two_gpus")
def test_a_gpu_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="'cuda:2' is not there; this machine has cuda:0 to 1"):
        resolve_device("cuda:2")
