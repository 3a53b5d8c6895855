"""Where the memory of outputs comes from."""

from __future__ import annotations

import abc
import ctypes
import dataclasses
import importlib.util
from collections.abc import Mapping, MutableMapping

import numpy

from tritonserver._api._cuda import cuda_runtime, has_gpu
from tritonserver._api._datautils import DeviceOrMemoryType, parse_device_or_memory_type
from tritonserver._api._enums import MemoryType
from tritonserver._api._memorybuffer import MemoryBuffer
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import InvalidArgumentError, UnsupportedError


class MemoryAllocator(abc.ABC):
    """Allocates the memory of outputs, for one request or for all (`default_memory_allocators`)."""

    @abc.abstractmethod
    def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
        """Return memory for one output.

        Called once for each output, on a thread of Triton, with the GIL. An exception makes the
        response an `InternalError`.

        Parameters
        ----------
        size
            Bytes, possibly 0. The buffer may be larger.
        memory_type, memory_type_id
            Where the memory is wanted; it may be elsewhere.
        """


class CPUAllocator(MemoryAllocator):
    """Memory of the host, in NumPy arrays."""

    def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
        owner = numpy.empty(size, numpy.byte)
        return MemoryBuffer(owner.ctypes.data, MemoryType.CPU, 0, size, owner)


class GPUAllocator(MemoryAllocator):
    """Memory of a GPU, from the CUDA runtime.

    Raises
    ------
    UnavailableError
        There is not enough memory.
    UnsupportedError
        There is no GPU.
    InvalidArgumentError
        There is no GPU of this number.
    """

    def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
        owner = cuda_runtime().allocate(size, memory_type_id)
        return MemoryBuffer(owner.address, MemoryType.GPU, memory_type_id, size, owner)


_BUILT_IN: dict[MemoryType, MemoryAllocator] = {
    MemoryType.CPU: CPUAllocator(),
    MemoryType.GPU: GPUAllocator(),
}


class _DefaultAllocators(dict[MemoryType, MemoryAllocator]):
    """Tells the native layer when it has to ask an allocator, so that it need not otherwise."""

    def __init__(self, allocators: Mapping[MemoryType, MemoryAllocator]) -> None:
        super().__init__()
        self.update(allocators)

    def __setitem__(self, memory_type: MemoryType, allocator: MemoryAllocator) -> None:
        super().__setitem__(memory_type, allocator)
        # What a CPUAllocator would do the native layer does better.
        _inference.set_asks_python(memory_type, type(allocator) is not CPUAllocator)

    def __delitem__(self, memory_type: MemoryType) -> None:
        super().__delitem__(memory_type)
        _inference.set_asks_python(memory_type, False)

    # These go through the two above, unlike dict's.
    clear = MutableMapping.clear
    pop = MutableMapping.pop
    popitem = MutableMapping.popitem
    setdefault = MutableMapping.setdefault
    update = MutableMapping.update


def _prefers_gpu() -> bool:
    # Programs for GPUs may expect the outputs of their models there, but only if CuPy is installed.
    return importlib.util.find_spec("cupy") is not None and has_gpu()


default_memory_allocators: dict[MemoryType, MemoryAllocator] = _DefaultAllocators(
    _BUILT_IN if _prefers_gpu() else {MemoryType.CPU: _BUILT_IN[MemoryType.CPU]}
)
"""The allocator for each kind of memory; entries may be replaced and deleted at any time.

Outputs that a backend prefers in memory without an entry go to host memory. For GPU memory there is
one at first if there is a GPU and CuPy is installed; requests with ``output_memory_type="gpu"`` and
`Tensor.to_device` need none. As long as the CPU's entry is the original one, host memory comes from
a pool of the native layer.
"""


def allocate_output(
    allocator: MemoryAllocator | None, size: int, memory_type: MemoryType, memory_type_id: int
) -> MemoryBuffer:
    """Return memory for an output, from `allocator` or the default one for this kind of memory."""
    if allocator is None:
        allocator = default_memory_allocators.get(memory_type) or _BUILT_IN[MemoryType.CPU]
    return allocator.allocate(size, memory_type, memory_type_id)


def resolve_output_memory(
    output_memory_type: DeviceOrMemoryType, allocator: MemoryAllocator | None
) -> tuple[MemoryType, int, MemoryAllocator | None]:
    """Return the kind of memory that a request asks for, and the allocator it needs, if any.

    Raises
    ------
    InvalidArgumentError
        It is no kind of memory, or there is no allocator for it.
    """
    memory_type, number = parse_device_or_memory_type(output_memory_type)
    if allocator is None and memory_type not in default_memory_allocators:
        if memory_type != MemoryType.GPU or not has_gpu():
            raise InvalidArgumentError(
                f"output_memory_type: there is no allocator for {memory_type.name} memory; add one "
                "to default_memory_allocators, or give output_memory_allocator"
            )
        allocator = _BUILT_IN[memory_type]
    return memory_type, number, allocator


def copy_memory(source: MemoryBuffer, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
    """Return a copy of memory, complete, in memory of this kind.

    Raises
    ------
    UnsupportedError
        There is no allocator for that kind, or no GPU.
    """
    allocator = default_memory_allocators.get(memory_type) or _BUILT_IN.get(memory_type)
    if allocator is None:
        raise UnsupportedError(
            f"there is no allocator for {memory_type.name} memory; add one to "
            "default_memory_allocators"
        )
    target = allocator.allocate(source.size, memory_type, memory_type_id)
    devices = [
        buffer.memory_type_id for buffer in (target, source) if buffer.memory_type == MemoryType.GPU
    ]
    if devices:
        cuda_runtime().copy(target.data_ptr, source.data_ptr, source.size, devices[0])
    else:
        ctypes.memmove(target.data_ptr, source.data_ptr, source.size)
    return dataclasses.replace(target, size=source.size)


_inference.register(allocate_output)
_inference.register(resolve_output_memory)
_inference.register(copy_memory)
