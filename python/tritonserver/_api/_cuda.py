"""The CUDA runtime, as far as tensors in GPU memory need it."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint, c_void_p

from tritonserver._c import triton_bindings
from tritonserver._c.triton_bindings import (
    InternalError,
    InvalidArgumentError,
    TritonError,
    UnavailableError,
    UnsupportedError,
)

_FUNCTIONS: dict[str, tuple[object, ...]] = {
    "cudaGetDevice": (POINTER(c_int),),
    "cudaSetDevice": (c_int,),
    "cudaMalloc": (POINTER(c_void_p), c_size_t),
    "cudaFree": (c_void_p,),
    "cudaMemcpyAsync": (c_void_p, c_void_p, c_size_t, c_int, c_void_p),
    "cudaStreamCreateWithFlags": (POINTER(c_void_p), c_uint),
    "cudaStreamSynchronize": (c_void_p,),
    "cudaGetLastError": (),
}
_COPY_BETWEEN_ANY = 4  # cudaMemcpyDefault: the runtime knows to which device an address belongs
_STREAM_NON_BLOCKING = 1  # does not wait for the legacy default stream

_ERRORS: dict[int, type[TritonError]] = {
    2: UnavailableError,  # cudaErrorMemoryAllocation
    35: UnsupportedError,  # cudaErrorInsufficientDriver
    100: UnsupportedError,  # cudaErrorNoDevice
    101: InvalidArgumentError,  # cudaErrorInvalidDevice
}


class CudaRuntime:
    """Memory of GPUs and copies from and to it.

    Everything is complete when a method returns, so that users of the memory need not know the
    stream it was written on. All methods may be called on any thread, wait without the GIL, and
    raise `UnavailableError` if there is not enough memory, `InvalidArgumentError` if there is no
    such device, `UnsupportedError` if there is none at all, and `InternalError` for anything else.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        for name, arguments in _FUNCTIONS.items():
            getattr(library, name).argtypes = arguments
        library.cudaGetErrorString.restype = c_char_p
        self._streams: dict[int, int] = {}

    def allocate(self, size: int, device: int) -> DeviceMemory:
        """Return new memory, of at least one byte so that it has an address."""
        address = c_void_p()
        with self._on(device):
            self._call("cudaMalloc", byref(address), max(size, 1))
        assert address.value is not None
        return DeviceMemory(self, address.value)

    def free(self, address: int) -> None:
        """Free memory as soon as all work on its device that was begun before is done."""
        self._call("cudaFree", address)

    def copy(self, target: int, source: int, size: int, device: int) -> None:
        """Copy between host and GPU or two GPUs, with a stream of `device`."""
        stream = self.stream(device)
        with self._on(device):
            self._call("cudaMemcpyAsync", target, source, size, _COPY_BETWEEN_ANY, stream)
            self._call("cudaStreamSynchronize", stream)

    def stream(self, device: int) -> int:
        """Return a stream of the device that waits for no other."""
        if device not in self._streams:
            stream = c_void_p()
            with self._on(device):
                self._call("cudaStreamCreateWithFlags", byref(stream), _STREAM_NON_BLOCKING)
            assert stream.value is not None
            self._streams.setdefault(device, stream.value)
        return self._streams[device]

    def synchronize(self, stream: int) -> None:
        """Wait for what the stream has to do."""
        self._call("cudaStreamSynchronize", stream)

    @contextmanager
    def _on(self, device: int) -> Iterator[None]:
        # The current device is one of the thread, which may be Triton's.
        before = c_int()
        self._call("cudaGetDevice", byref(before))
        if device == before.value:
            yield
            return
        self._call("cudaSetDevice", device)
        try:
            yield
        finally:
            self._call("cudaSetDevice", before)

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            self._library.cudaGetLastError()  # otherwise the next one to ask takes it for its own
            reason = self._library.cudaGetErrorString(code).decode()
            raise _ERRORS.get(code, InternalError)(f"{name} failed: {reason} (CUDA error {code})")


class DeviceMemory:
    """Owner of memory of a GPU, which is freed with it."""

    def __init__(self, runtime: CudaRuntime, address: int) -> None:
        self._runtime = runtime
        self.address = address

    def __del__(self) -> None:
        # The runtime may end before this object, and the memory with it.
        with suppress(TritonError):
            self._runtime.free(self.address)


def has_gpu() -> bool:
    """Return whether there is an NVIDIA GPU with its driver."""
    from tritonserver.runtime import gpu_present  # not needed to import the package

    return gpu_present()


@functools.cache
def cuda_runtime() -> CudaRuntime:
    """Return the CUDA runtime of this process.

    It is the one that the Triton core is linked to, or else the system's.

    Raises
    ------
    UnsupportedError
        There is no GPU, or no runtime.
    """
    if not has_gpu():
        raise UnsupportedError("GPU memory needs an NVIDIA GPU with its driver; there is none here")
    triton_bindings.api_version()  # loads the core, whose symbols include those of its libraries
    core = triton_bindings._loaded_library()
    for name in (core, "libcudart.so.13", "libcudart.so.12", "libcudart.so.11.0", "libcudart.so"):
        try:
            return CudaRuntime(ctypes.CDLL(name))
        except (OSError, AttributeError):
            continue
    raise UnsupportedError(
        "GPU memory needs the CUDA runtime, but neither is the Triton core linked to it nor does "
        "the dynamic linker find libcudart.so; add its directory to LD_LIBRARY_PATH"
    )
