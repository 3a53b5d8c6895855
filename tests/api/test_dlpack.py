"""DLPack capsules, out and in: of both kinds, with everything that the standard allows."""

import ctypes
import gc
import weakref
from typing import Any

import numpy as np
import pytest

from tritonserver import (
    DataType,
    DLDeviceType,
    InvalidArgumentError,
    MemoryType,
    Server,
    Tensor,
    UnsupportedError,
)
from tritonserver._api._dlpack import DLPackObject


class DLTensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    _fields_ = (("tensor", DLTensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", DLTensor),
    )


_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
_api.PyCapsule_GetName.restype = ctypes.c_char_p
_api.PyCapsule_GetName.argtypes = (ctypes.py_object,)
_api.PyCapsule_SetName.argtypes = (ctypes.py_object, ctypes.c_char_p)


def read(capsule: Any) -> DLTensor:
    """The tensor in a capsule of either kind."""
    name = _api.PyCapsule_GetName(capsule)
    kind = {b"dltensor": Managed, b"dltensor_versioned": Versioned}[name]
    return kind.from_address(_api.PyCapsule_GetPointer(capsule, name)).tensor


class Producer:
    """An object whose capsule describes `memory` as the keywords say."""

    def __init__(
        self, memory: np.ndarray[Any, Any], versioned: bool | None = None, **fields: Any
    ) -> None:
        self.memory = memory
        self.versioned = versioned
        self.arguments: list[dict[str, Any]] = []
        self.tensor = dict(
            data=memory.ctypes.data, device_type=1, ndim=memory.ndim, code=2, bits=32, lanes=1
        )
        self.shape = fields.pop("shape", memory.shape)
        self.strides = fields.pop("strides", None)
        self.managed = dict(fields.pop("managed", {}))
        self.tensor.update(ndim=len(self.shape), **fields)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.tensor["device_type"], 0

    def __dlpack__(self, **arguments: Any) -> Any:
        self.arguments.append(arguments)
        if self.versioned is None and arguments:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        tensor = DLTensor(**self.tensor)
        tensor.shape = (ctypes.c_int64 * max(len(self.shape), 1))(*self.shape)
        if self.strides is not None:
            tensor.strides = (ctypes.c_int64 * max(len(self.shape), 1))(*self.strides)
        if self.versioned:
            self.kept: Any = Versioned(**{"major": 1, **self.managed})
        else:
            self.kept = Managed()
        self.kept.tensor = tensor
        self.kept_shape = tensor
        name = b"dltensor_versioned" if self.versioned else b"dltensor"
        return _api.PyCapsule_New(ctypes.addressof(self.kept), name, None)


MEMORY = np.arange(24, dtype=np.float32)
READ_ONLY = 1


def test_a_capsule_is_of_the_old_kind_unless_asked() -> None:
    tensor = Tensor.from_dlpack(MEMORY.copy())
    assert _api.PyCapsule_GetName(tensor.__dlpack__()) == b"dltensor"
    assert _api.PyCapsule_GetName(tensor.__dlpack__(max_version=(0, 8))) == b"dltensor"
    for version in ((1, 0), (1, 3), (2, 0)):
        capsule = tensor.__dlpack__(max_version=version)
        assert _api.PyCapsule_GetName(capsule) == b"dltensor_versioned"
        managed = Versioned.from_address(_api.PyCapsule_GetPointer(capsule, b"dltensor_versioned"))
        assert (managed.major, managed.flags) == (1, 0)


@pytest.mark.parametrize("arguments", [{}, {"max_version": (1, 0)}])
@pytest.mark.parametrize(
    ("scalar", "code", "bits"),
    [
        ("?", 6, 8),
        ("b", 0, 8),
        ("B", 1, 8),
        ("h", 0, 16),
        ("H", 1, 16),
        ("i", 0, 32),
        ("I", 1, 32),
        ("q", 0, 64),
        ("Q", 1, 64),
        ("e", 2, 16),
        ("f", 2, 32),
        ("d", 2, 64),
    ],
)
def test_what_a_capsule_says(arguments: dict[str, Any], scalar: str, code: int, bits: int) -> None:
    source = np.ones((2, 1, 3), scalar)
    tensor = read(capsule := Tensor.from_dlpack(source).__dlpack__(**arguments))
    assert (tensor.code, tensor.bits, tensor.lanes) == (code, bits, 1)
    assert (tensor.device_type, tensor.device_id) == (1, 0)
    assert (tensor.data, tensor.byte_offset) == (source.ctypes.data, 0)
    assert tensor.shape[: tensor.ndim] == [2, 1, 3]
    assert tensor.strides[: tensor.ndim] == [3, 3, 1]
    del capsule


def test_bfloat16_capsule() -> None:
    tensor = Tensor.from_dlpack(np.zeros(2, np.uint16))
    tensor.data_type = DataType.BF16
    dl_tensor = read(capsule := tensor.__dlpack__())
    assert (dl_tensor.code, dl_tensor.bits) == (4, 16)
    del capsule


def test_arguments_of_dlpack() -> None:
    source = MEMORY.copy()
    tensor = Tensor.from_dlpack(source)
    for arguments in ({"stream": None}, {"stream": 0}, {"dl_device": (1, 0)}, {"copy": False}):
        capsule = tensor.__dlpack__(**arguments)
        assert read(capsule).data == source.ctypes.data
    capsule = tensor.__dlpack__(copy=True, max_version=(1, 0))
    managed = Versioned.from_address(_api.PyCapsule_GetPointer(capsule, b"dltensor_versioned"))
    assert managed.flags == 2  # is a copy
    assert managed.tensor.data != source.ctypes.data
    with pytest.raises(UnsupportedError, match="stream"):
        tensor.__dlpack__(stream=1)
    with pytest.raises(BufferError, match="copy=False"):
        tensor.__dlpack__(dl_device=(2, 0), copy=False)
    with pytest.raises(TypeError, match="unexpected"):
        tensor.__dlpack__(max_verison=(1, 0))  # type: ignore[call-arg] # that is the point
    with pytest.raises(TypeError):
        tensor.__dlpack__(None)  # type: ignore[misc] # that is the point


@pytest.mark.parametrize("data_type", [DataType.BYTES, DataType.INVALID])
def test_types_that_dlpack_has_not(data_type: DataType) -> None:
    tensor = Tensor.from_dlpack(np.zeros(0, np.int8))
    tensor.data_type = data_type
    with pytest.raises(InvalidArgumentError, match=data_type.name):
        tensor.__dlpack__()


def test_a_capsule_that_nobody_takes_is_freed() -> None:
    source = MEMORY.copy()
    alive = weakref.ref(source)
    capsules = [Tensor.from_dlpack(source).__dlpack__(**a) for a in ({}, {"max_version": (1, 0)})]
    del source
    gc.collect()
    assert alive() is not None
    del capsules
    gc.collect()
    assert alive() is None


def test_numpy_reads_what_numpy_wrote() -> None:
    source = MEMORY.reshape(2, 3, 4).copy()
    view = np.from_dlpack(Tensor.from_dlpack(source))
    assert np.shares_memory(view, source)
    assert np.array_equal(view, source)


@pytest.mark.parametrize("versioned", [None, False, True])
def test_producers_of_every_age(versioned: bool | None) -> None:
    memory = MEMORY.copy()
    producer = Producer(memory, versioned)
    tensor = Tensor.from_dlpack(producer)
    assert tensor.data_ptr == memory.ctypes.data
    assert (tensor.data_type, list(tensor.shape), tensor.size) == (DataType.FP32, [24], 96)
    assert tensor.memory_buffer.owner is producer
    assert producer.arguments[0] == {"max_version": (1, 0)}


def test_the_capsule_is_kept_as_long_as_its_memory() -> None:
    class Copying:
        """Each export has memory of its own, which dies with the capsule."""

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

        def __dlpack__(self, **_: Any) -> Any:
            return np.arange(1000, dtype=np.int64).__dlpack__()

    tensor = Tensor.from_dlpack(Copying())
    trash = [np.full(1000, -1) for _ in range(100)]
    assert tensor.to_numpy().tolist() == list(range(1000))
    view = tensor.to_numpy()
    del tensor
    gc.collect()
    trash += [np.full(1000, -1) for _ in range(100)]
    assert view.tolist() == list(range(1000))


def test_byte_offset() -> None:
    memory = MEMORY.copy()
    tensor = Tensor.from_dlpack(Producer(memory, byte_offset=8, shape=(3,)))
    assert tensor.data_ptr == memory.ctypes.data + 8
    assert tensor.to_numpy().tolist() == [2, 3, 4]


def test_strides_of_dimensions_of_size_one_mean_nothing() -> None:
    producer = Producer(MEMORY.copy(), shape=(1, 4, 1), strides=(12345, 1, -7))
    assert Tensor.from_dlpack(producer).to_numpy().shape == (1, 4, 1)


def test_strides_of_empty_tensors_mean_nothing() -> None:
    producer = Producer(MEMORY.copy(), shape=(4, 0, 2), strides=(9, 9, 9))
    assert Tensor.from_dlpack(producer).to_numpy().shape == (4, 0, 2)


def test_no_dimensions() -> None:
    assert Tensor.from_dlpack(Producer(MEMORY.copy(), shape=())).to_numpy().shape == ()


def test_inputs_may_be_read_only_and_of_any_strides(native_server: Server) -> None:
    model = native_server.model("native_identity")
    for fields, wanted in (
        ({"shape": (2, 3), "strides": (1, 2)}, [[0, 2, 4], [1, 3, 5]]),
        ({"shape": (2, 3), "strides": (0, 1), "byte_offset": 8}, [[2, 3, 4], [2, 3, 4]]),
        ({"shape": (2, 2), "strides": (-4, -1), "byte_offset": 20}, [[5, 4], [1, 0]]),
        ({"shape": (1, 3), "strides": (-7, 2)}, [[0, 2, 4]]),
        ({"shape": (3, 1), "strides": (1, 99), "byte_offset": 4}, [[1], [2], [3]]),
    ):
        for versioned in (False, True):
            value = Producer(MEMORY.copy(), versioned, managed={"flags": READ_ONLY}, **fields)
            tensor = model(fp32_input=value)["fp32_output"]
            assert tensor.to_numpy().tolist() == wanted


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"versioned": True, "managed": {"flags": READ_ONLY}}, "read-only; copy it first"),
        ({"shape": (2, 3), "strides": (1, 2)}, "C-contiguous"),
        ({"shape": (3,), "strides": (2,)}, "C-contiguous"),
        ({"shape": (3,), "strides": (-1,)}, "C-contiguous"),
        ({"shape": (3,), "strides": (0,)}, "C-contiguous"),
        ({"lanes": 4}, "4 lanes"),
        ({"code": 5}, "type code 5"),
        ({"bits": 128}, "128 bits"),
        ({"bits": 1, "code": 6}, "1 bits"),
        ({"device_type": 10}, "device type 10"),
        ({"shape": (-1,)}, "not the shape"),
        ({"shape": (2**40, 2**40)}, "not the shape"),
        ({"versioned": True, "managed": {"major": 2}}, "version is 2"),
    ],
)
def test_what_triton_cannot_use(fields: dict[str, Any], cause: str) -> None:
    with pytest.raises(InvalidArgumentError, match=cause):
        Tensor.from_dlpack(Producer(MEMORY.copy(), **fields))


def test_capsules_that_are_none() -> None:
    class Odd:
        def __init__(self, result: Any) -> None:
            self.result = result

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

        def __dlpack__(self, **_: Any) -> Any:
            return self.result

    used = MEMORY.__dlpack__()
    _api.PyCapsule_SetName(used, name := b"used_dltensor")
    for result in (None, 5, used):
        with pytest.raises(InvalidArgumentError, match="unused DLPack capsule"):
            Tensor.from_dlpack(Odd(result))
    del used, name


def test_an_error_of_the_producer_passes_through() -> None:
    class Failing:
        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

        def __dlpack__(self, **_: Any) -> Any:
            raise RuntimeError("not now")

    with pytest.raises(RuntimeError, match="not now"):
        Tensor.from_dlpack(Failing())


def test_device_types_are_numbers() -> None:
    assert DLDeviceType.kDLCPU == 1
    assert DLDeviceType.kDLHexagon == 16
    assert (DLDeviceType.kDLCUDA, 0) == (2, 0)
    assert Tensor.from_dlpack(np.ones(1)).__dlpack_device__() == (DLDeviceType.kDLCPU, 0)
    assert isinstance(np.ones(1), DLPackObject)
    assert isinstance(Tensor.from_dlpack(np.ones(1)), DLPackObject)
    assert not isinstance([1], DLPackObject)


def test_pinned_memory_of_others() -> None:
    tensor = Tensor.from_dlpack(Producer(MEMORY.copy(), device_type=3))
    assert tensor.memory_type == MemoryType.CPU_PINNED
    assert tensor.to_numpy().tolist() == MEMORY.tolist()
