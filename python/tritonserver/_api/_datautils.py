"""Data types and memory types in the words of Triton, NumPy and DLPack.

All mappings of data types come from the one table of the native layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import numpy

from tritonserver._api._dlpack import DLDeviceType, DLPackObject
from tritonserver._api._enums import DataType, MemoryType
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import InvalidArgumentError

__all__ = [
    "DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE",
    "DLPACK_TO_TRITON_DTYPE",
    "NUMPY_TO_TRITON_DTYPE",
    "STRING_TO_TRITON_MEMORY_TYPE",
    "TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE",
    "TRITON_TO_DLPACK_DTYPE",
    "TRITON_TO_NUMPY_DTYPE",
    "CustomKeyErrorDict",
    "DLPackObject",
    "DeviceOrMemoryType",
    "parse_device_or_memory_type",
]

K = TypeVar("K")
V = TypeVar("V")

DeviceOrMemoryType = (
    tuple[MemoryType, int] | MemoryType | tuple[DLDeviceType, int] | tuple[int, int] | str
)
"""A kind of memory, with the number of its device or 0: `MemoryType.GPU`, `(MemoryType.GPU, 1)`,
`(DLDeviceType.kDLCUDA, 1)`, `"gpu"`, `"gpu:1"`, `"cpu"`, `"cpu_pinned"`."""


class CustomKeyErrorDict(dict[K, V]):
    """A mapping whose error for an unknown key says what was being mapped to what.

    Raises
    ------
    InvalidArgumentError
        On looking up an unknown key.
    """

    def __init__(self, from_name: str, to_name: str, items: Iterable[tuple[K, V]]) -> None:
        super().__init__(items)
        self._from_name = from_name
        self._to_name = to_name

    def __missing__(self, key: Any) -> V:
        raise InvalidArgumentError(
            f"there is no {self._to_name} for the {self._from_name} {key!r}; known are: "
            + ", ".join(str(known) for known in self)
        )


STRING_TO_TRITON_MEMORY_TYPE = CustomKeyErrorDict(
    "name", "memory type", [(each.name, each) for each in MemoryType]
)

TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE = CustomKeyErrorDict(
    "memory type",
    "DLPack device type",
    [
        (MemoryType.CPU, DLDeviceType.kDLCPU),
        # Readable by anybody who can read the CPU's.
        (MemoryType.CPU_PINNED, DLDeviceType.kDLCPU),
        (MemoryType.GPU, DLDeviceType.kDLCUDA),
    ],
)

DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE: CustomKeyErrorDict[int, MemoryType] = CustomKeyErrorDict(
    "DLPack device type",
    "memory type",
    [(DLDeviceType.kDLCPU, MemoryType.CPU), (DLDeviceType.kDLCUDA, MemoryType.GPU)],
)

TRITON_TO_DLPACK_DTYPE = CustomKeyErrorDict(
    "data type",
    "DLPack data type",
    [(data_type, (code, bits)) for data_type, code, bits, _ in _inference.DATA_TYPES if bits],
)

DLPACK_TO_TRITON_DTYPE = CustomKeyErrorDict(
    "DLPack (type code, bits)",
    "data type",
    [(dlpack, data_type) for data_type, dlpack in TRITON_TO_DLPACK_DTYPE.items()],
)

TRITON_TO_NUMPY_DTYPE = CustomKeyErrorDict(
    "data type",
    "NumPy type",
    [(data_type, getattr(numpy, name)) for data_type, _, _, name in _inference.DATA_TYPES if name],
)

NUMPY_TO_TRITON_DTYPE: CustomKeyErrorDict[type, DataType] = CustomKeyErrorDict(
    "NumPy type",
    "data type",
    [
        *((scalar, data_type) for data_type, scalar in TRITON_TO_NUMPY_DTYPE.items()),
        (bool, DataType.BOOL),
        (numpy.bytes_, DataType.BYTES),
        (numpy.str_, DataType.BYTES),
    ],
)


def parse_device_or_memory_type(
    device_or_memory_type: DeviceOrMemoryType,
) -> tuple[MemoryType, int]:
    """Return memory type and device number.

    Raises
    ------
    InvalidArgumentError
        The value is none of the forms of `DeviceOrMemoryType`, or no device that Triton knows.
    """
    kind: object = device_or_memory_type
    number: object = 0
    if isinstance(kind, str):
        name, colon, digits = kind.partition(":")
        kind = STRING_TO_TRITON_MEMORY_TYPE.get(name.upper())
        number = int(digits) if digits.isdecimal() else None if colon else 0
    elif isinstance(kind, tuple) and len(kind) == 2:
        kind, number = kind
        # Members of the enumerations are integers, too; a bare integer can only be DLPack's.
        if not isinstance(kind, MemoryType) and isinstance(kind, int):
            kind = DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE.get(kind)
    if (
        not isinstance(kind, MemoryType)
        or not isinstance(number, int)
        or number < 0
        or isinstance(number, bool)
    ):
        raise InvalidArgumentError(
            f"{device_or_memory_type!r} names no memory; give a MemoryType, a pair of MemoryType "
            "or DLDeviceType (CPU or CUDA) and device number, or text such as 'cpu' or 'gpu:0'"
        )
    return kind, number
