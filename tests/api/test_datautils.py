"""Mappings of data types and memory types, and the names of devices."""

from typing import Any

import numpy as np
import pytest

from tritonserver import DataType, DLDeviceType, InvalidArgumentError, MemoryType
from tritonserver._api import _datautils
from tritonserver._api._datautils import (
    DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE,
    DLPACK_TO_TRITON_DTYPE,
    NUMPY_TO_TRITON_DTYPE,
    STRING_TO_TRITON_MEMORY_TYPE,
    TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE,
    TRITON_TO_DLPACK_DTYPE,
    TRITON_TO_NUMPY_DTYPE,
    CustomKeyErrorDict,
    parse_device_or_memory_type,
)
from tritonserver._c import triton_bindings


def test_every_data_type_is_in_the_table() -> None:
    numeric = [each for each in DataType if each not in (DataType.INVALID, DataType.BYTES)]
    assert list(TRITON_TO_DLPACK_DTYPE) == numeric
    for data_type in numeric:
        _, bits = TRITON_TO_DLPACK_DTYPE[data_type]
        assert bits == 8 * triton_bindings.TRITONSERVER_DataTypeByteSize(data_type)
        assert DLPACK_TO_TRITON_DTYPE[TRITON_TO_DLPACK_DTYPE[data_type]] is data_type
    for data_type in numeric[:-1]:
        scalar = TRITON_TO_NUMPY_DTYPE[data_type]
        assert np.dtype(scalar).itemsize == triton_bindings.TRITONSERVER_DataTypeByteSize(data_type)
        assert NUMPY_TO_TRITON_DTYPE[scalar] is data_type


def test_data_types_of_numpy() -> None:
    assert TRITON_TO_NUMPY_DTYPE[DataType.BYTES] is np.object_
    assert TRITON_TO_NUMPY_DTYPE[DataType.BOOL] is np.bool_
    assert DataType.BF16 not in TRITON_TO_NUMPY_DTYPE
    assert NUMPY_TO_TRITON_DTYPE[bool] is DataType.BOOL
    for scalar in (np.object_, np.bytes_, np.str_):
        assert NUMPY_TO_TRITON_DTYPE[scalar] is DataType.BYTES


def test_data_types_of_dlpack() -> None:
    wanted = {
        (6, 8): DataType.BOOL,
        (0, 8): DataType.INT8,
        (1, 64): DataType.UINT64,
        (2, 16): DataType.FP16,
        (4, 16): DataType.BF16,
    }
    for key, data_type in wanted.items():
        assert DLPACK_TO_TRITON_DTYPE[key] is data_type


def test_memory_types() -> None:
    assert list(STRING_TO_TRITON_MEMORY_TYPE) == ["CPU", "CPU_PINNED", "GPU"]
    assert STRING_TO_TRITON_MEMORY_TYPE["GPU"] is MemoryType.GPU
    assert TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE[MemoryType.CPU_PINNED] is DLDeviceType.kDLCPU
    assert TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE[MemoryType.GPU] is DLDeviceType.kDLCUDA
    assert DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE[DLDeviceType.kDLCUDA] is MemoryType.GPU


@pytest.mark.parametrize(
    ("mapping", "key"),
    [
        (STRING_TO_TRITON_MEMORY_TYPE, "TPU"),
        (DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE, DLDeviceType.kDLMetal),
        (TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE, 7),
        (DLPACK_TO_TRITON_DTYPE, (5, 64)),
        (TRITON_TO_DLPACK_DTYPE, DataType.BYTES),
        (NUMPY_TO_TRITON_DTYPE, np.complex64),
        (TRITON_TO_NUMPY_DTYPE, DataType.BF16),
    ],
)
def test_unknown_keys(mapping: CustomKeyErrorDict[Any, Any], key: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="there is no"):
        mapping[key]
    assert mapping.get(key) is None
    assert key not in mapping


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (MemoryType.GPU, (MemoryType.GPU, 0)),
        ((MemoryType.GPU, 1), (MemoryType.GPU, 1)),
        ((MemoryType.CPU_PINNED, 0), (MemoryType.CPU_PINNED, 0)),
        ((DLDeviceType.kDLCUDA, 1), (MemoryType.GPU, 1)),
        ((DLDeviceType.kDLCPU, 0), (MemoryType.CPU, 0)),
        ((2, 3), (MemoryType.GPU, 3)),
        ("cpu", (MemoryType.CPU, 0)),
        ("GPU", (MemoryType.GPU, 0)),
        ("Gpu:1", (MemoryType.GPU, 1)),
        ("cpu_pinned", (MemoryType.CPU_PINNED, 0)),
    ],
)
def test_devices(value: Any, wanted: tuple[MemoryType, int]) -> None:
    parsed = parse_device_or_memory_type(value)
    assert parsed == wanted
    assert isinstance(parsed[0], MemoryType)
    assert type(parsed[1]) is int


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        2.5,
        [],
        [MemoryType.GPU, 0],
        {},
        "",
        "cuda",
        "gpu:",
        "gpu:x",
        "gpu:-1",
        "gpu:1:2",
        (MemoryType.GPU,),
        (MemoryType.GPU, 0, 0),
        (MemoryType.GPU, -1),
        (MemoryType.GPU, "0"),
        (MemoryType.GPU, True),
        (DLDeviceType.kDLMetal, 0),
        (99, 0),
        ("gpu", 0),
    ],
)
def test_no_devices(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="names no memory"):
        parse_device_or_memory_type(value)


def test_names_that_programs_import() -> None:
    for name in _datautils.__all__:
        assert hasattr(_datautils, name)
