"""Buffer attributes."""

import ctypes
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb


def test_new_attributes() -> None:
    attributes = tb.TRITONSERVER_BufferAttributes()
    assert attributes.memory_type is tb.TRITONSERVER_MemoryType.CPU
    assert attributes.memory_type_id == 0
    assert attributes.byte_size == 0
    assert attributes.cuda_ipc_handle == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("memory_type", list(tb.TRITONSERVER_MemoryType)),
        ("memory_type_id", [1, -1, 2**63 - 1]),
        ("byte_size", [1, 2**64 - 1]),
    ],
)
def test_property(name: str, values: list[Any]) -> None:
    attributes = tb.TRITONSERVER_BufferAttributes()
    for value in values:
        setattr(attributes, name, value)
        assert getattr(attributes, name) == value


def test_cuda_ipc_handle_is_copied() -> None:
    handle = (ctypes.c_char * 64)(*range(64))
    content = bytes(handle)
    attributes = tb.TRITONSERVER_BufferAttributes()
    attributes.cuda_ipc_handle = ctypes.addressof(handle)
    assert attributes.cuda_ipc_handle != ctypes.addressof(handle)
    ctypes.memset(handle, 0, 64)
    assert ctypes.string_at(attributes.cuda_ipc_handle, 64) == content


def test_cuda_ipc_handle_is_not_null() -> None:
    with pytest.raises(tb.InvalidArgumentError, match="address of a handle"):
        tb.TRITONSERVER_BufferAttributes().cuda_ipc_handle = 0
