"""DLPack: the protocol and its device types."""

from __future__ import annotations

import enum
from typing import Any, Protocol, runtime_checkable

from tritonserver._api._cuda import cuda_runtime
from tritonserver._c import _inference


class DLDeviceType(enum.IntEnum):
    """DLPack's numbers of kinds of devices."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16


@runtime_checkable
class DLPackObject(Protocol):
    """An object that hands out its memory through DLPack: arrays of most libraries, `Tensor`."""

    def __dlpack__(self, *, stream: Any = None) -> Any:
        """Return a capsule that holds a DLPack tensor."""

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return device type and device number of the memory."""


def take_from_gpu(producer: Any, device: int) -> Any:
    """Return the capsule of an object in GPU memory once everything that is written there is.

    Triton's streams know nothing of the producer's, so the host waits.

    Raises
    ------
    UnsupportedError
        There is no GPU, or no CUDA runtime.
    """
    cuda = cuda_runtime()
    stream = cuda.stream(device)
    capsule = _inference.ask_for_capsule(producer, stream)
    cuda.synchronize(stream)
    return capsule


_inference.register(take_from_gpu)
