"""Which device and which precision the networks run in."""

from __future__ import annotations

import re
from typing import Final

import torch

from dvsnet_ros.core.memory import give_back_freed_memory
from dvsnet_ros.core.precisions import PRECISION_NAMES

PRECISIONS: Final[dict[str, torch.dtype]] = {name: getattr(torch, name) for name in PRECISION_NAMES}


def resolve_device(name: str) -> torch.device:
    """The device called `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is CUDA where there is one.

    Raises:
        ValueError: if the name is none of these, or this machine lacks the device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d+))?", name)
    if not match:
        raise ValueError(f"device '{name}' is unknown; use auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        raise ValueError(
            f"device '{name}' was asked for, but torch {torch.__version__} finds no CUDA device; "
            "use auto or cpu, or install a CUDA build of torch and the driver"
        )
    if match[1] and int(match[1]) >= count:
        raise ValueError(f"device '{name}' is not there; this machine has cuda:0 to {count - 1}")
    return torch.device(name)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The number format called `auto`, `float32`, `bfloat16` or `float16` on this device.

    `auto` is the fastest that the hardware computes natively: bfloat16 on CUDA devices and CPUs
    that do (AMX, AVX-512 BF16), float16 on other CUDA devices, float32 elsewhere.

    Raises:
        ValueError: if the name is unknown, or float16 is asked for on a CPU, where it is slow.
    """
    if name == "auto":
        return _native_precision(device)
    if name not in PRECISIONS:
        raise ValueError(f"precision '{name}' is unknown; use auto, {', '.join(PRECISIONS)}")
    if name == "float16" and device.type == "cpu":
        raise ValueError("precision 'float16' needs a CUDA device; on a CPU use bfloat16 or auto")
    return PRECISIONS[name]


def _native_precision(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        with torch.cuda.device(device):  # of several GPUs, torch says it of the current one
            return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    return torch.bfloat16 if _cpu_computes_bfloat16() else torch.float32


def _cpu_computes_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 natively (AMX or AVX-512 BF16).

    torch names these checks with an underscore and its older versions lack them; float32 is right
    wherever they can't be asked.
    """
    checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


def give_back_memory() -> None:
    """Give the memory of networks that are gone back to the system and to the GPU."""
    give_back_freed_memory()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
