"""Tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import ArrayLike, DTypeLike, NDArray

from tritonserver._api._allocators import copy_memory
from tritonserver._api._datautils import DeviceOrMemoryType, parse_device_or_memory_type
from tritonserver._api._dlpack import DLPackObject
from tritonserver._api._enums import DataType, MemoryType
from tritonserver._api._memorybuffer import MemoryBuffer, restore_buffer, view_dlpack
from tritonserver._c import _inference

_HOST = (MemoryType.CPU, MemoryType.CPU_PINNED)


@dataclass(eq=False)
class Tensor(_inference.TensorBase):
    """An array of one of Triton's data types: an input, an output, or made by hand.

    The memory is C-contiguous. NumPy, PyTorch and whoever else knows DLPack or, for host memory,
    the buffer protocol share it without a copy, and keep it: `numpy.from_dlpack(tensor)`,
    `numpy.asarray(tensor)`, `torch.from_dlpack(tensor)`, `memoryview(tensor)`.

    Parameters
    ----------
    data_type
        Type of the elements.
    shape
        Any sequence of integers. Setting it reinterprets the same memory from then on.
    memory_buffer
        The memory. Whether the shape fits it is checked whenever the tensor is used.

    Notes
    -----
    Tensors are equal if their data types, shapes and bytes are. Pickling and `copy.deepcopy` copy
    the memory.
    """

    data_type: DataType
    shape: Sequence[int]
    memory_buffer: MemoryBuffer

    @property
    def data_ptr(self) -> int:
        """Address of the memory."""
        return self.memory_buffer.data_ptr

    @property
    def memory_type(self) -> MemoryType:
        """Kind of the memory."""
        return self.memory_buffer.memory_type

    @property
    def memory_type_id(self) -> int:
        """Number of the device of the memory."""
        return self.memory_buffer.memory_type_id

    @property
    def size(self) -> int:
        """Bytes of the memory."""
        return self.memory_buffer.size

    @staticmethod
    def from_dlpack(obj: DLPackObject) -> Tensor:
        """Return a tensor over the memory of an object with DLPack, without copying it.

        Raises
        ------
        InvalidArgumentError
            The object has no `__dlpack__`, is a read-only NumPy array, its memory is not
            C-contiguous, or Triton has no equivalent of its data type or device.
        """
        return Tensor(*view_dlpack(obj))

    @staticmethod
    def from_string_array(string_array: ArrayLike) -> Tensor:
        """Return a BYTES tensor, in new host memory, with the texts of an array or nested list.

        `str` is encoded as UTF-8, `bytes` are taken as they are.

        Raises
        ------
        InvalidArgumentError
            The elements are no text, or text that is not valid Unicode.
        """
        data_type, shape, address, memory_type, number, size, owner = _inference.encode_text(
            string_array
        )
        return Tensor(data_type, shape, MemoryBuffer(address, memory_type, number, size, owner))

    from_bytes_array = from_string_array

    def to_bytes_array(self) -> NDArray[numpy.object_]:
        """Return the elements of a BYTES tensor as `bytes`, in an array of the same shape.

        Raises
        ------
        InvalidArgumentError
            The data type is another, or the memory is not a BYTES tensor of this shape.
        """
        return self.to_host()._as_bytes_array()

    def to_string_array(self) -> NDArray[Any]:
        """Return the elements of a BYTES tensor as text, in an array of the same shape.

        The array's type is NumPy's text of fixed width. It is `object`, with elements of type
        `str`, if fixed width would lose NULs at the end of an element or waste memory because a few
        elements are very long.

        Raises
        ------
        InvalidArgumentError
            The data type is another, the memory is not a BYTES tensor of this shape, or an element
            is not UTF-8.
        """
        return self.to_host()._as_string_array()

    def to_classes(self) -> NDArray[numpy.object_]:
        """Return an output that was requested as classes, in an array of the same shape.

        The elements are of type `Classification`, the highest value first; see `RequestedOutput`.

        Raises
        ------
        InvalidArgumentError
            The tensor is no such output.
        """
        from tritonserver._api._classification import parse_classification  # only needed here

        texts = self.to_string_array()
        classes = numpy.empty(texts.shape, object)
        for place in numpy.ndindex(texts.shape):
            classes[place] = parse_classification(texts[place])
        return classes

    def to_numpy(self) -> NDArray[Any]:
        """Return the tensor as an array: over the same memory, if that is the host's.

        BYTES tensors give `bytes` objects, see `to_bytes_array`. BF16 needs the package
        `ml_dtypes`, whose bfloat16 also sums in bfloat16: a thousand ones sum to 256. Give `sum`
        and `mean` a wider type, such as ``dtype=numpy.float32``.

        Raises
        ------
        InvalidArgumentError
            The shape does not fit the memory.
        UnsupportedError
            NumPy has no such type.
        """
        return self.to_host()._as_numpy()

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        array = self.to_numpy()
        if copy is False and (self.data_type is DataType.BYTES or self.memory_type not in _HOST):
            raise ValueError("the tensor cannot become an array without a copy")
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"{array.dtype} cannot become {dtype} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def to_host(self) -> Tensor:
        """Return the tensor in host memory: itself, if it is there."""
        return self if self.memory_buffer.memory_type in _HOST else self.to_device("cpu")

    def to_device(self, device: DeviceOrMemoryType) -> Tensor:
        """Return the tensor in memory of this kind: itself, if it is there, otherwise a copy.

        Raises
        ------
        InvalidArgumentError
            `device` names no memory.
        UnsupportedError
            There is no GPU, or no way to copy to such memory.
        """
        memory_type, number = parse_device_or_memory_type(device)
        here = self.memory_buffer
        if (memory_type, number) == (here.memory_type, here.memory_type_id) or (
            memory_type is MemoryType.CPU and here.memory_type in _HOST
        ):
            return self
        return Tensor(self.data_type, self.shape, copy_memory(here, memory_type, number))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tensor):
            return NotImplemented
        if self.data_type != other.data_type or list(self.shape) != list(other.shape):
            return False
        return self.memory_buffer == other.memory_buffer or self._bytes() == other._bytes()

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.data_type, list(self.shape), self._bytes())

    def __copy__(self) -> Tensor:
        return Tensor(self.data_type, self.shape, self.memory_buffer)

    def _bytes(self) -> bytes:
        host = self.to_host().memory_buffer
        return _inference.read_memory(host.data_ptr, host.size)


def _restore(data_type: DataType, shape: list[int], data: bytes) -> Tensor:
    return Tensor(data_type, shape, restore_buffer(data))


_inference.register(Tensor)
