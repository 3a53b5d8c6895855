"""The memory of a tensor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy

from tritonserver._api._copies import copy_attributes
from tritonserver._api._datautils import DeviceOrMemoryType
from tritonserver._api._dlpack import DLPackObject
from tritonserver._api._enums import MemoryType
from tritonserver._c import _inference

__all__ = ["DeviceOrMemoryType", "MemoryBuffer"]


@dataclass(repr=False)
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
        Kept alive by the buffer. The memory must stay valid as long as the owner lives. For an
        output of an inference in host memory, unless an allocator gave that, it is a NumPy array of
        bytes over the same memory, with the method ``output_classification_label`` of a response of
        the C API.

    Notes
    -----
    Buffers are equal if they are the same memory. Pickling and `copy.deepcopy` copy it; one without
    an owner stays the address that it is.
    """

    data_ptr: int
    memory_type: MemoryType
    memory_type_id: int
    size: int
    owner: Any = field(compare=False)

    def __repr__(self) -> str:
        # What the owner shows would be bytes, or be copied from a GPU for that.
        owner = None if self.owner is None else f"<{type(self.owner).__name__}>"
        return (
            f"{type(self).__qualname__}(data_ptr={self.data_ptr}, "
            f"memory_type={self.memory_type!r}, memory_type_id={self.memory_type_id}, "
            f"size={self.size}, owner={owner})"
        )

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

    def __reduce__(self) -> tuple[Any, ...]:
        if self.owner is None:
            fields = self.data_ptr, self.memory_type, self.memory_type_id, self.size, None
            return MemoryBuffer, fields
        if self.memory_type == MemoryType.GPU:
            raise TypeError("memory of a GPU belongs to its process; send the tensor instead")
        return restore_buffer, (_inference.read_memory(self.data_ptr, self.size),)

    def __copy__(self) -> MemoryBuffer:
        return copy_attributes(self)


def restore_buffer(data: bytes) -> MemoryBuffer:
    """Return new host memory with this content."""
    owner = numpy.frombuffer(data, numpy.byte).copy()
    return MemoryBuffer(owner.ctypes.data, MemoryType.CPU, 0, owner.nbytes, owner)


class OutputMemory(numpy.ndarray[Any, numpy.dtype[numpy.int8]]):
    """The owner of the memory of an output: its bytes, with the labels of the response."""

    __slots__ = ()

    def output_classification_label(self, output_index: int, class_index: int, /) -> str:
        """Return the label of a class of an output; empty if the model has none for it.

        Neither the response nor the server is needed, but the array or a part of it: what is copied
        has no labels.

        Parameters
        ----------
        output_index
            Place of the output among those of the response.
        class_index
            Number of the class.

        Raises
        ------
        InvalidArgumentError
            The response has no such output.

        Notes
        -----
        C API: TRITONSERVER_InferenceResponseOutputClassificationLabel
        """
        return _inference.classification_label(self, output_index, class_index)


def view_dlpack(owner: DLPackObject) -> tuple[Any, list[int], MemoryBuffer]:
    """Return data type, shape and memory of an object with DLPack."""
    data_type, shape, address, memory_type, number, size, kept = _inference.view_dlpack(owner)
    buffer = MemoryBuffer(address, memory_type, number, size, owner)
    if kept is not owner:
        # The capsule: its producer may have made the memory for it alone.
        buffer._kept = kept  # type: ignore[attr-defined] # no field: nobody but us may depend on it
    return data_type, shape, buffer


_inference.register(MemoryBuffer)
_inference.register(OutputMemory)
