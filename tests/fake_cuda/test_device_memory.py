"""Memory of GPUs, with a stand-in for the CUDA runtime; see `tests/gpu` for the real one."""

import copy
import ctypes
import gc
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
import tritonserver.runtime
from tritonserver import (
    DataType,
    DLDeviceType,
    InternalError,
    InvalidArgumentError,
    MemoryBuffer,
    MemoryType,
    Tensor,
    UnavailableError,
    UnsupportedError,
    default_memory_allocators,
)
from tritonserver._api import _allocators, _cuda, _dlpack

LIBRARY = Path(__file__).parent / "libfake_cudart.so"
NATIVE_MODELS = Path(__file__).parents[1] / "models" / "native"

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class FakeCuda:
    """What fake_cudart.cc says at its end."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def fail(self, function: str, code: int) -> None:
        self._library.fake_cudart_fail(function.encode(), code)

    def allocations(self, device: int) -> int:
        count: int = self._library.fake_cudart_allocations(device)
        return count

    def write(self, stream: int, target: int, data: np.ndarray[Any, Any]) -> None:
        arguments = map(ctypes.c_void_p, (stream, target, data.ctypes.data))
        self._library.fake_cudart_write(*arguments, ctypes.c_size_t(data.nbytes))

    @property
    def current_device(self) -> int:
        device = ctypes.c_int()
        assert self._library.cudaGetDevice(ctypes.byref(device)) == 0
        return device.value

    @property
    def last_error(self) -> int:
        code: int = self._library.cudaGetLastError()
        return code


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCuda]:
    """Two GPUs; the test must give their memory back, and the thread its current device."""
    library = ctypes.CDLL(str(LIBRARY))
    runtime = _cuda.CudaRuntime(library)
    for module in (_allocators, _dlpack):
        monkeypatch.setattr(module, "cuda_runtime", lambda: runtime)
    monkeypatch.setattr(tritonserver.runtime, "gpu_present", lambda: True)
    fake = FakeCuda(library)
    yield fake
    fake.fail("", 0)
    gc.collect()
    assert (fake.allocations(0), fake.allocations(1), fake.current_device) == (0, 0, 0)
    assert fake.last_error == 0


def host(values: np.ndarray[Any, Any] = X) -> Tensor:
    return Tensor.from_dlpack(values.copy())


@pytest.mark.parametrize(
    ("device", "number"), [("gpu", 0), ("gpu:1", 1), (MemoryType.GPU, 0), ((2, 1), 1)]
)
def test_there_and_back(cuda: FakeCuda, device: Any, number: int) -> None:
    there = host().to_device(device)
    assert (there.memory_type, there.memory_type_id) == (MemoryType.GPU, number)
    assert (there.data_type, list(there.shape), there.size) == (DataType.FP32, [2, 3], 24)
    assert [cuda.allocations(0), cuda.allocations(1)] == [number == 0, number == 1]
    assert there.to_device((MemoryType.GPU, number)) is there
    back = there.to_host()
    assert back.memory_type == MemoryType.CPU
    assert np.array_equal(back.to_numpy(), X)
    assert back.to_host() is back


def test_from_gpu_to_gpu(cuda: FakeCuda) -> None:
    first = host().to_device("gpu:0")
    second = first.to_device("gpu:1")
    assert second.data_ptr != first.data_ptr
    assert (cuda.allocations(0), cuda.allocations(1)) == (1, 1)
    del first
    assert (cuda.allocations(0), cuda.allocations(1)) == (0, 1)
    assert np.array_equal(second.to_numpy(), X)


def test_text_is_read_on_the_host(cuda: FakeCuda) -> None:
    text = Tensor.from_string_array([["a", "wörld"]]).to_device("gpu")
    for _ in range(2):
        assert text.to_string_array().tolist() == [["a", "wörld"]]
    assert text.to_bytes_array().tolist() == [[b"a", "wörld".encode()]]


def test_empty_tensors(cuda: FakeCuda) -> None:
    there = host(np.ones((0, 3))).to_device("gpu")
    assert there.size == 0
    assert there.to_numpy().shape == (0, 3)


def test_arrays_equality_and_copies(cuda: FakeCuda) -> None:
    there = host().to_device("gpu:1")
    assert np.array_equal(np.asarray(there), X)
    with pytest.raises(ValueError, match="without a copy"):
        there.__array__(copy=False)
    with pytest.raises(BufferError, match="GPU"):
        memoryview(there)
    assert there == host()
    for made in (pickle.loads(pickle.dumps(there)), copy.deepcopy(there)):
        assert made == there
        assert made.memory_type == MemoryType.CPU


def test_capsules_keep_the_memory(cuda: FakeCuda) -> None:
    there = host().to_device("gpu:1")
    assert there.__dlpack_device__() == (DLDeviceType.kDLCUDA, 1)
    for stream in (None, -1, 1, 2, 1 << 40):  # complete, so that none has to wait
        capsule = there.__dlpack__(stream=stream)
    del there
    gc.collect()
    assert cuda.allocations(1) == 1
    del capsule


def test_capsules_for_other_devices(cuda: FakeCuda) -> None:
    there = host().to_device("gpu:1")
    assert np.array_equal(np.asarray(Tensor.from_dlpack(Capsule(there, dl_device=(1, 0)))), X)
    copied = there.__dlpack__(copy=True)
    assert (cuda.allocations(0), cuda.allocations(1)) == (0, 2)
    moved = there.__dlpack__(dl_device=(2, 0), max_version=(1, 0))
    assert (cuda.allocations(0), cuda.allocations(1)) == (1, 2)
    with pytest.raises(BufferError, match="copy=False"):
        there.__dlpack__(dl_device=(1, 0), copy=False)
    del copied, moved


class Capsule:
    """Hands a tensor out as another library would, with these arguments."""

    def __init__(self, tensor: Tensor, **arguments: Any) -> None:
        self.tensor = tensor
        self.arguments = arguments

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.tensor.__dlpack_device__()

    def __dlpack__(self, **_: Any) -> Any:
        return self.tensor.__dlpack__(**self.arguments)


@pytest.mark.parametrize("versioned", [False, True])
def test_arrays_of_others_are_complete(cuda: FakeCuda, versioned: bool) -> None:
    there = host(np.zeros((2, 3), np.float32)).to_device("gpu:1")
    streams = []

    class Busy(Capsule):
        """Still writes on its own stream; the stream it gets waits for that."""

        def __dlpack__(self, *, stream: Any = None, **more: Any) -> Any:
            if more and not versioned:
                raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
            streams.append(stream)
            if stream is not None:
                cuda.write(stream, self.tensor.data_ptr, X)
            return self.tensor.__dlpack__(**more)

    shared = Tensor.from_dlpack(Busy(there))
    assert shared.data_ptr == there.data_ptr
    assert streams[-1] > 2
    # Nobody waits for a stream here: the values are there, or never come.
    assert (ctypes.c_float * 6).from_address(shared.data_ptr)[:] == X.ravel().tolist()


@pytest.mark.parametrize(
    ("function", "code", "error"),
    [
        ("cudaMalloc", 2, UnavailableError),
        ("cudaMalloc", 100, UnsupportedError),
        ("cudaMalloc", 35, UnsupportedError),
        ("cudaGetDevice", 999, InternalError),
        ("cudaMemcpyAsync", 700, InternalError),
        ("cudaStreamSynchronize", 700, InternalError),
        ("cudaStreamCreateWithFlags", 2, UnavailableError),
    ],
)
def test_errors(cuda: FakeCuda, function: str, code: int, error: type[Exception]) -> None:
    cuda.fail(function, code)
    with pytest.raises(error, match=rf"{function} failed: what CUDA says \(CUDA error {code}\)"):
        host().to_device("gpu")
    assert cuda.last_error == 0  # nobody else gets it
    cuda.fail("", 0)
    assert np.array_equal(host().to_device("gpu").to_numpy(), X)


def test_errors_at_the_end_of_the_process_are_nobodys(cuda: FakeCuda) -> None:
    there = host().to_device("gpu")
    address = there.data_ptr
    cuda.fail("cudaFree", 4)  # cudaErrorCudartUnloading
    del there
    gc.collect()
    cuda.fail("", 0)
    _allocators.cuda_runtime().free(address)


def test_a_device_that_is_not_there(cuda: FakeCuda) -> None:
    with pytest.raises(InvalidArgumentError, match="cudaSetDevice failed"):
        host().to_device("gpu:7")


def test_a_default_allocator_is_used(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> None:
    class Larger(tritonserver.MemoryAllocator):
        def allocate(self, size: int, memory_type: MemoryType, memory_type_id: int) -> MemoryBuffer:
            allocator = _allocators.GPUAllocator()
            return allocator.allocate(size + 8, memory_type, memory_type_id)

    monkeypatch.setitem(default_memory_allocators, MemoryType.GPU, Larger())
    there = host().to_device("gpu")
    assert there.size == 24
    assert there == host()


def test_pinned_memory_needs_an_allocator(cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsupportedError, match="no allocator for CPU_PINNED"):
        host().to_device("cpu_pinned")
    monkeypatch.setitem(
        default_memory_allocators, MemoryType.CPU_PINNED, _allocators.CPUAllocator()
    )
    assert host().to_device("cpu_pinned") == host()


def test_outputs(cuda: FakeCuda, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend without CUDA gets the memory and refuses it, and nothing is lost."""
    shutil.copytree(NATIVE_MODELS / "identity_fp32", tmp_path / "identity_fp32")
    monkeypatch.delitem(default_memory_allocators, MemoryType.GPU, raising=False)
    with tritonserver.Server(model_repository=tmp_path) as server:
        model = server.model("identity_fp32")
        inputs = {"INPUT0": X[0]}
        with pytest.raises(UnsupportedError, match="GPU memory"):
            list(model.infer(inputs=inputs, output_memory_type="gpu:1"))
        with pytest.raises(UnsupportedError, match="GPU memory"):
            model(INPUT0=Tensor.from_dlpack(X[0].copy()).to_device("gpu"))
        cuda.fail("cudaMalloc", 2)
        with pytest.raises(InternalError, match="cannot allocate output 'OUTPUT0': cudaMalloc"):
            list(model.infer(inputs=inputs, output_memory_type="gpu"))
        assert np.array_equal(model(INPUT0=X[0])["OUTPUT0"].to_numpy(), X[0])


def test_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tritonserver.runtime, "gpu_present", lambda: False)
    _cuda.cuda_runtime.cache_clear()
    there = Tensor(DataType.FP32, [2], MemoryBuffer(1 << 40, MemoryType.GPU, 0, 8, None))
    for use in (there.to_host, there.to_numpy, host().to_device):
        arguments = ("gpu",) if use.__name__ == "to_device" else ()
        with pytest.raises(UnsupportedError, match="needs an NVIDIA GPU with its driver"):
            use(*arguments)
    with pytest.raises(UnsupportedError, match="needs an NVIDIA GPU with its driver"):
        Tensor.from_dlpack(Capsule(there))


def test_the_runtime_is_that_of_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found is the real one, here without a GPU for it."""
    if tritonserver.runtime.gpu_present():
        pytest.skip("needs a machine without a GPU")
    monkeypatch.setattr(tritonserver.runtime, "gpu_present", lambda: True)
    _cuda.cuda_runtime.cache_clear()
    try:
        with pytest.raises(UnsupportedError, match=r"cudaGetDevice failed|neither is the Triton"):
            _cuda.cuda_runtime().allocate(1, 0)
    finally:
        _cuda.cuda_runtime.cache_clear()
