"""The memory of a tensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tritonserver._api._datautils import DeviceOrMemoryType
from tritonserver._api._dlpack import DLPackObject
from tritonserver._api._enums import MemoryType
from tritonserver._c import _inference

__all__ = ["DeviceOrMemoryType", "MemoryBuffer"]


@dataclass
class MemoryBuffer(_inference.MemoryBufferBase):
    """A piece of memory that another object owns.

    Parameters
    ----------
    data_ptr
        Address.
    memory_type
        Kind of memory.
    memory_type_id
        Number of the device.
    size
        Bytes.
    owner
        Kept alive by the buffer. The memory must stay valid as long as the owner lives; for an
        output of an inference in host memory it is a NumPy array of bytes over the same memory.

    Notes
    -----
    Buffers are equal if they are the same memory.
    """

    data_ptr: int
    memory_type: MemoryType
    memory_type_id: int
    size: int
    owner: Any = field(compare=False)

    @staticmethod
    def from_dlpack(owner: DLPackObject) -> MemoryBuffer:
        """Return the memory of an object with DLPack, without copying it.

        Raises
        ------
        InvalidArgumentError
            The object has no `__dlpack__`, is a read-only NumPy array, its memory is not
            C-contiguous, or Triton has no equivalent of its data type or device.
        """
        _, _, buffer = view_dlpack(owner)
        return buffer


def view_dlpack(owner: DLPackObject) -> tuple[Any, list[int], MemoryBuffer]:
    """Return data type, shape and memory of an object with DLPack."""
    data_type, shape, address, memory_type, number, size, kept = _inference.view_dlpack(owner)
    buffer = MemoryBuffer(address, memory_type, number, size, owner)
    if kept is not owner:
        # The capsule: its producer may have made the memory for it alone.
        buffer._kept = kept  # type: ignore[attr-defined] # no field: nobody but us may depend on it
    return data_type, shape, buffer


_inference.register(MemoryBuffer)
