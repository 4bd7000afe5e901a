"""`dvsnet` as on a GPU, without one: on a device whose tensors may not meet the CPU's.

    python -m helpers.other_device '[["gentestcase", "drive/", "--save-dir", "cases"], ...]'

The CPU computes for the device, so results are the CPU's to the bit. But as on a GPU, an operation
on tensors of both is an error. Torch lets Python stand in for a device (its `privateuseone`); what
is missing there for tensors to be made and copied is below.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)


class _Module(_DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]


_setup_privateuseone_for_python_backend("other", backend_module=_Module())
OTHER = torch.device("other", 0)


class OtherTensor(torch.Tensor):
    """A tensor of the device; `data_here` is what it holds, on the CPU."""

    data_here: Tensor

    @staticmethod
    def __new__(cls, data: Tensor) -> OtherTensor:
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            data.size(),
            strides=data.stride(),
            storage_offset=data.storage_offset(),
            dtype=data.dtype,
            device=OTHER,
        )
        tensor.data_here = data
        return tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    def tolist(self) -> Any:
        return self.data_here.tolist()

    @classmethod
    def __torch_dispatch__(
        cls, operation: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        options = dict(options or {})
        flat, _ = tree_flatten((arguments, options))
        if str(operation.namespace) == "aten" and not _may_mix(operation, flat):
            raise RuntimeError(f"{operation}: tensors of the CPU and of {OTHER} meet")
        if options.get("device") is not None:
            stays = torch.device(options["device"]).type == OTHER.type
            options["device"] = "cpu"
        else:
            stays = not (operation is torch.ops.aten.copy_.default and not _is_other(arguments[0]))
        result = operation(*tree_map(_here, arguments), **tree_map(_here, options))
        if not stays:
            return result
        known = {id(each.data_here): each for each in flat if _is_other(each)}
        return tree_map(lambda each: _there(each, known), result)


def _may_mix(operation: Any, flat: list[Any]) -> bool:
    """Whether a GPU would take these: all of one device, numbers and indices, or a copy."""
    aten = torch.ops.aten
    if operation in (aten.copy_.default, aten._to_copy.default):
        return True
    if operation in (aten.index.Tensor, aten.index_put_.default):
        flat = [each for each in flat if isinstance(each, Tensor) and each.is_floating_point()]
    here = (isinstance(each, Tensor) and not _is_other(each) and each.dim() > 0 for each in flat)
    return not any(here)


def _is_other(value: Any) -> bool:
    return isinstance(value, OtherTensor)


def _here(value: Any) -> Any:
    return value.data_here if isinstance(value, OtherTensor) else value


def _there(value: Any, known: dict[int, OtherTensor]) -> Any:
    if not isinstance(value, Tensor):
        return value
    return known[id(value)] if id(value) in known else OtherTensor(value)


@torch.library.impl("aten::empty.memory_format", "privateuseone")
def _empty(size: Any, *, dtype: Any = None, memory_format: Any = None, **_: Any) -> OtherTensor:
    formats = {} if memory_format is None else {"memory_format": memory_format}
    return OtherTensor(torch.empty(size, dtype=dtype, **formats))


@torch.library.impl("aten::empty_strided", "privateuseone")
def _empty_strided(size: Any, stride: Any, *, dtype: Any = None, **_: Any) -> OtherTensor:
    return OtherTensor(torch.empty_strided(size, stride, dtype=dtype))


@torch.library.impl("aten::_copy_from", "privateuseone")
def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    _here(target).copy_(_here(source))
    return target


def main(commands: list[list[str]]) -> None:
    """Run the commands, one after the other, on the device."""
    # Views of such tensors can't be made in inference mode; no_grad says the same of them.
    torch.inference_mode = torch.no_grad  # type: ignore[misc,assignment]
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    from dvsnet_ros.core import device

    device.resolve_device = lambda _: OTHER  # type: ignore[assignment]
    from dvsnet_ros.commands.main import main as dvsnet

    for command in commands:
        if dvsnet(command):
            raise SystemExit(f"dvsnet {' '.join(command)} failed")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
