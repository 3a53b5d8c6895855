"""Output memory from allocators in Python."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    InternalError,
    InvalidArgumentError,
    MemoryAllocator,
    MemoryBuffer,
    MemoryType,
    Model,
    default_memory_allocators,
)

X = np.arange(4, dtype=np.float32)


class Recording(MemoryAllocator):
    """NumPy arrays, `extra` bytes larger than asked for."""

    def __init__(self, extra: int = 0) -> None:
        self.extra = extra
        self.calls: list[tuple[int, MemoryType, int]] = []

    def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
        self.calls.append((size, memory_type, memory_type_id))
        return MemoryBuffer.from_dlpack(np.empty(size + self.extra, np.byte))


class Answering(MemoryAllocator):
    """Returns whatever it is told to."""

    def __init__(self, answer: Callable[[int], Any]) -> None:
        self.answer = answer

    def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
        buffer: MemoryBuffer = self.answer(size)
        return buffer


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_fp32")


@pytest.fixture(autouse=True)
def original_defaults() -> Iterator[None]:
    before = dict(default_memory_allocators)
    yield
    default_memory_allocators.clear()
    default_memory_allocators.update(before)


def output(model: Model, **arguments: Any) -> tritonserver.Tensor:
    (response,) = model.infer(inputs={"INPUT0": X}, **arguments)
    return response.outputs["OUTPUT0"]


def test_an_allocator_of_a_request(model: Model) -> None:
    allocator = Recording()
    tensor = output(model, output_memory_allocator=allocator)
    assert allocator.calls == [(16, MemoryType.CPU, 0)]
    assert tensor.memory_buffer.owner.nbytes == tensor.size == 16
    assert np.array_equal(tensor.to_numpy(), X)
    assert output(model).memory_buffer.owner.dtype == np.byte
    assert len(allocator.calls) == 1
    # Once for an empty output, too.
    (response,) = model.infer(inputs={"INPUT0": X[:0]}, output_memory_allocator=allocator)
    assert allocator.calls[1:] == [(0, MemoryType.CPU, 0)]
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == []
    # In the place it had in releases that knew allocators.
    request = tritonserver.InferenceRequest(
        model, None, 0, None, 0, 0, {"INPUT0": X}, {}, None, allocator
    )
    assert request.output_memory_allocator is allocator
    list(model.infer(request))
    assert len(allocator.calls) == 3


def test_a_larger_buffer(model: Model) -> None:
    tensor = output(model, output_memory_allocator=Recording(extra=100))
    assert tensor.size == 16
    assert tensor.memory_buffer.owner.nbytes == 116
    assert np.array_equal(tensor.to_numpy(), X)


def test_failures(model: Model) -> None:
    def fail(_: int) -> MemoryBuffer:
        raise ValueError("no memory today")

    for answer, cause in (
        (fail, "no memory today"),
        (lambda _: None, "must return a MemoryBuffer, not NoneType"),
        (lambda size: np.empty(size), "must return a MemoryBuffer, not numpy.ndarray"),
        (
            lambda size: MemoryBuffer.from_dlpack(np.empty(size - 1, np.byte)),
            "asked for 16 bytes and returned 15",
        ),
        (lambda _: MemoryBuffer("x", 1, 2, 3, 4), "cannot allocate"),  # type: ignore[arg-type] # wrong on purpose
    ):
        with pytest.raises(InternalError, match=cause) as raised:
            output(model, output_memory_allocator=Answering(answer))
        assert raised.value.args[1].error is raised.value


def test_a_default_that_was_replaced(model: Model) -> None:
    allocator = Recording()
    default_memory_allocators[MemoryType.CPU] = allocator
    output(model)
    assert allocator.calls == [(16, MemoryType.CPU, 0)]
    other = Recording()
    output(model, output_memory_allocator=other)
    assert len(allocator.calls) == len(other.calls) == 1
    del default_memory_allocators[MemoryType.CPU]
    assert np.array_equal(output(model).to_numpy(), X)  # host memory, all the same
    default_memory_allocators.update({MemoryType.CPU: allocator})
    output(model)
    assert len(allocator.calls) == 2
    assert default_memory_allocators.pop(MemoryType.CPU) is allocator
    output(model)
    assert len(allocator.calls) == 2


def test_the_original_defaults(model: Model) -> None:
    default_memory_allocators.clear()
    default_memory_allocators[MemoryType.CPU] = tritonserver._api._allocators.CPUAllocator()
    assert isinstance(default_memory_allocators, dict)
    buffer = default_memory_allocators[MemoryType.CPU].allocate(
        size=200, memory_type=MemoryType.CPU, memory_type_id=0
    )
    assert buffer.size == buffer.owner.nbytes == 200
    view = np.from_dlpack(tritonserver.Tensor(tritonserver.DataType.FP32, [50], buffer))
    assert (view.nbytes, view.ctypes.data) == (200, buffer.owner.ctypes.data)
    # The native pool gives the same.
    owner = output(model).memory_buffer.owner
    assert (owner.dtype, owner.nbytes, owner.tobytes()) == (np.byte, 16, X.tobytes())


def test_output_memory_types(model: Model) -> None:
    for place in ("cpu", MemoryType.CPU, (tritonserver.DLDeviceType.kDLCPU, 0)):
        assert output(model, output_memory_type=place).memory_type == MemoryType.CPU
    pinned = Recording()
    with pytest.raises(InvalidArgumentError, match="no allocator for CPU_PINNED"):
        output(model, output_memory_type="cpu_pinned")
    default_memory_allocators[MemoryType.CPU_PINNED] = pinned
    output(model, output_memory_type="cpu_pinned")
    assert pinned.calls == [(16, MemoryType.CPU_PINNED, 0)]
    for place in ("cuda", 5, [], (MemoryType.GPU,)):
        with pytest.raises(InvalidArgumentError, match="names no memory"):
            output(model, output_memory_type=place)
    own = Recording()
    output(model, output_memory_type="gpu:1", output_memory_allocator=own)
    assert own.calls == [(16, MemoryType.GPU, 1)]


def test_an_allocator_must_allocate() -> None:
    with pytest.raises(TypeError):
        MemoryAllocator()  # type: ignore[abstract] # that is the point
