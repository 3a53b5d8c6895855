"""Memory buffers."""

import dataclasses

import numpy as np

from tritonserver import MemoryBuffer, MemoryType
from tritonserver._api import _datautils, _memorybuffer


def test_a_buffer_describes_the_memory_of_its_owner() -> None:
    owner = np.arange(6, dtype=np.float64).reshape(2, 3)
    buffer = MemoryBuffer.from_dlpack(owner)
    assert buffer.data_ptr == owner.ctypes.data
    assert (buffer.memory_type, buffer.memory_type_id) == (MemoryType.CPU, 0)
    assert buffer.size == 48
    assert buffer.owner is owner


def test_fields() -> None:
    names = [field.name for field in dataclasses.fields(MemoryBuffer)]
    assert names == ["data_ptr", "memory_type", "memory_type_id", "size", "owner"]
    buffer = MemoryBuffer(1, MemoryType.CPU, 0, 2, None)
    assert repr(buffer) == (
        "MemoryBuffer(data_ptr=1, memory_type=<TRITONSERVER_MemoryType.CPU: 0>, memory_type_id=0, "
        "size=2, owner=None)"
    )


def test_buffers_are_equal_if_they_are_the_same_memory() -> None:
    owner = np.arange(6)
    assert MemoryBuffer.from_dlpack(owner) == MemoryBuffer.from_dlpack(owner)
    assert MemoryBuffer.from_dlpack(owner) == MemoryBuffer.from_dlpack(owner.view())
    assert MemoryBuffer.from_dlpack(owner) != MemoryBuffer.from_dlpack(owner.copy())
    assert MemoryBuffer.from_dlpack(owner) != MemoryBuffer.from_dlpack(owner[:3])


def test_where_programs_import_the_kinds_of_memory_from() -> None:
    assert _memorybuffer.DeviceOrMemoryType is _datautils.DeviceOrMemoryType
