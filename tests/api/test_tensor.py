"""Tensors: their memory, what shares it, and what they become."""

import array
import copy
import gc
import pickle
import sys
import threading
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tritonserver
from tritonserver import (
    DataType,
    InvalidArgumentError,
    MemoryBuffer,
    MemoryType,
    Tensor,
    UnsupportedError,
)


def bytes_tensor(data: bytes, shape: list[int]) -> Tensor:
    """A BYTES tensor with exactly this memory."""
    return Tensor(DataType.BYTES, shape, MemoryBuffer.from_dlpack(np.frombuffer(data, "i1").copy()))


def test_from_dlpack_shares_the_memory() -> None:
    source = np.arange(6, dtype=np.float32)
    tensor = Tensor.from_dlpack(source)
    assert (tensor.data_type, list(tensor.shape)) == (DataType.FP32, [6])
    assert (tensor.data_ptr, tensor.size) == (source.ctypes.data, 24)
    assert type(tensor.data_ptr) is int
    assert type(tensor.size) is int
    assert (tensor.memory_type, tensor.memory_type_id) == (MemoryType.CPU, 0)
    assert tensor.memory_buffer.owner is source
    source[0] = 7
    assert np.from_dlpack(tensor)[0] == 7


def test_reference_counts() -> None:
    source = np.ones(3)
    before = sys.getrefcount(source)
    tensor = Tensor.from_dlpack(source)
    assert sys.getrefcount(source) == before + 1
    before = sys.getrefcount(tensor)
    view = np.from_dlpack(tensor)
    assert sys.getrefcount(tensor) == before + 1
    del view
    assert sys.getrefcount(tensor) == before


def test_nothing_keeps_a_tensor_that_was_exported() -> None:
    tensor = Tensor.from_dlpack(np.ones(3))
    views = [np.from_dlpack(tensor), np.asarray(tensor), memoryview(tensor), tensor.to_numpy()]
    del tensor, views
    gc.collect()
    assert not [each for each in gc.get_objects() if isinstance(each, Tensor)]


def test_large_tensors_do_not_pile_up() -> None:
    for _ in range(100):
        view = np.from_dlpack(Tensor.from_dlpack(np.empty(1 << 30, np.int8)))
        assert view.nbytes == 1 << 30
        del view


@pytest.mark.parametrize(
    "source",
    [
        np.ones((2, 3)).T,
        np.ones(6)[::2],
        np.ones(3, ">f8"),
        np.array(["a"]),
        np.array(["a"], object),
        np.ones(2, complex),
        [1, 2],
        "text",
        None,
    ],
)
def test_what_cannot_be_shared(source: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot use the memory of"):
        Tensor.from_dlpack(source)
    with pytest.raises(InvalidArgumentError, match="cannot use the memory of"):
        MemoryBuffer.from_dlpack(source)


def test_read_only_arrays_are_not_shared() -> None:
    source = np.ones(3)
    source.flags.writeable = False
    with pytest.raises(InvalidArgumentError, match="read-only"):
        Tensor.from_dlpack(source)


def test_the_shape_reinterprets_the_memory() -> None:
    tensor = Tensor.from_dlpack(np.arange(6, dtype=np.float32))
    before = np.from_dlpack(tensor)
    tensor.shape = [2, 3]
    assert np.from_dlpack(tensor).shape == (2, 3)
    assert before.shape == (6,)
    for shape in ((3, 2), np.array([3, 2]), array.array("q", [3, 2])):
        tensor.shape = shape
        assert tensor.to_numpy().shape == (3, 2)
    tensor.shape = [2]  # a part of it
    assert tensor.to_numpy().tolist() == [0, 1]


@pytest.mark.parametrize("shape", [[7], [2, 4], [-1], [2**40, 2**40], [-1, -6]])
def test_a_shape_that_does_not_fit_the_memory(shape: list[int]) -> None:
    tensor = Tensor.from_dlpack(np.arange(6, dtype=np.float32))
    tensor.shape = shape
    for use in (np.from_dlpack, np.asarray, Tensor.to_numpy):
        with pytest.raises(InvalidArgumentError, match="a buffer of 24 bytes"):
            use(tensor)
    with pytest.raises(InvalidArgumentError):
        memoryview(tensor)


@pytest.mark.parametrize("shape", ["ab", 5, [1.5], None])
def test_a_shape_that_is_none(shape: Any) -> None:
    tensor = Tensor.from_dlpack(np.arange(6, dtype=np.float32))
    tensor.shape = shape
    with pytest.raises(TypeError):
        tensor.to_numpy()


def test_an_empty_tensor() -> None:
    tensor = Tensor.from_dlpack(np.ones((0, 3), np.float32))
    assert np.from_dlpack(tensor).shape == (0, 3)
    assert np.asarray(tensor).shape == (0, 3)
    assert memoryview(tensor).shape == (0, 3)
    assert tensor.to_numpy().shape == (0, 3)


def test_truth_hash_length() -> None:
    tensor = Tensor.from_dlpack(np.zeros(0))
    assert tensor
    with pytest.raises(TypeError):
        hash(tensor)
    with pytest.raises(TypeError):
        len(tensor)  # type: ignore[arg-type] # that is the point
    with pytest.raises(TypeError):
        iter(tensor)  # type: ignore[call-overload] # that is the point


def test_equality_never_raises() -> None:
    first, second = (Tensor.from_dlpack(np.arange(3)) for _ in range(2))
    assert first == second
    assert first == Tensor.from_dlpack(first)
    assert first != Tensor.from_dlpack(np.array([0, 1, 3]))
    assert first != Tensor.from_dlpack(np.arange(3, dtype=np.int32))
    assert first != Tensor.from_dlpack(np.arange(3).reshape(1, 3))
    assert first != "text"
    assert first.memory_buffer != second.memory_buffer
    assert first.memory_buffer == Tensor.from_dlpack(first).memory_buffer


def test_copies() -> None:
    source = np.arange(3)
    tensor = Tensor.from_dlpack(source)
    shallow = copy.copy(tensor)
    assert shallow.data_ptr == tensor.data_ptr
    shallow.shape = [1, 3]
    assert list(tensor.shape) == [3]
    for made in (copy.deepcopy(tensor), pickle.loads(pickle.dumps(tensor))):
        assert made == tensor
        assert made.data_ptr != tensor.data_ptr
        assert np.from_dlpack(made).tolist() == [0, 1, 2]
    source[0] = 9
    assert made != tensor


def test_text_survives_copies() -> None:
    tensor = Tensor.from_string_array([["a", "bc"], ["", "ö"]])
    assert copy.deepcopy(tensor).to_string_array().tolist() == [["a", "bc"], ["", "ö"]]


@pytest.mark.parametrize("scalar", "?bBhHiIqQefd")
def test_buffer_protocol(scalar: str) -> None:
    source = np.arange(6).reshape(2, 3).astype(scalar)
    tensor = Tensor.from_dlpack(source)
    with memoryview(tensor) as view:
        assert (view.format, view.shape, view.nbytes) == (scalar, (2, 3), source.nbytes)
        assert not view.readonly
        shown = np.asarray(view)
        assert shown.tolist() == source.tolist()
        shown[0, 0] = 1
        del shown
    assert source[0, 0] == 1
    assert bytes(tensor) == source.tobytes()


def test_a_buffer_outlives_its_tensor() -> None:
    tensor = Tensor.from_dlpack(np.arange(1000))
    view = memoryview(tensor)
    tensor.memory_buffer = MemoryBuffer.from_dlpack(np.zeros(1))
    del tensor
    gc.collect()
    assert view.tolist() == list(range(1000))


def test_a_capsule_outlives_its_tensor() -> None:
    tensor = Tensor.from_dlpack(np.arange(1000))
    view = np.from_dlpack(tensor)
    tensor.memory_buffer = MemoryBuffer.from_dlpack(np.zeros(1))
    del tensor
    gc.collect()
    assert view.tolist() == list(range(1000))


def test_text_and_bfloat16_have_no_buffer() -> None:
    for tensor in (
        Tensor.from_string_array(["a"]),
        Tensor(DataType.BF16, [2], MemoryBuffer.from_dlpack(np.zeros(2, np.uint16))),
    ):
        with pytest.raises(BufferError, match=tensor.data_type.name):
            memoryview(tensor)


def test_to_numpy_shares_the_memory() -> None:
    source = np.arange(6, dtype=np.int16).reshape(2, 3)
    made = Tensor.from_dlpack(source).to_numpy()
    made[1, 2] = 99
    assert source[1, 2] == 99
    assert np.shares_memory(np.asarray(Tensor.from_dlpack(source)), source)


def test_array_arguments() -> None:
    tensor = Tensor.from_dlpack(np.arange(3, dtype=np.int32))
    assert np.asarray(tensor, np.float64).tolist() == [0.0, 1.0, 2.0]
    assert not np.shares_memory(tensor.__array__(copy=True), tensor.to_numpy())
    with pytest.raises(ValueError, match="without a copy"):
        tensor.__array__(np.float64, copy=False)
    with pytest.raises(ValueError, match="without a copy"):
        Tensor.from_string_array(["a"]).__array__(copy=False)


def test_bfloat16_becomes_that_of_ml_dtypes() -> None:
    source = np.array([1.5, -2], ml_dtypes.bfloat16)
    tensor = Tensor(DataType.BF16, [2], MemoryBuffer.from_dlpack(source.view(np.uint16)))
    assert tensor.to_numpy().dtype == ml_dtypes.bfloat16
    assert tensor.to_numpy().tolist() == [1.5, -2]


def test_bfloat16_without_ml_dtypes(run_program: Any) -> None:
    ended = run_program(
        """
        import sys
        sys.modules["ml_dtypes"] = None
        import numpy, tritonserver
        buffer = tritonserver.MemoryBuffer.from_dlpack(numpy.zeros(2, numpy.uint16))
        tensor = tritonserver.Tensor(tritonserver.DataType.BF16, [2], buffer)
        for _ in range(2):
            try:
                tensor.to_numpy()
            except tritonserver.UnsupportedError as error:
                print(error)
        """
    )
    assert (ended.code, ended.errors) == (0, "")
    assert ended.output.count("install the package ml_dtypes") == 2


def test_text_from_every_kind_of_array() -> None:
    for form in (
        [["a", "bc"]],
        np.array([["a", "bc"]]),
        np.array([[b"a", b"bc"]]),
        np.array([["a", b"bc"]], object),
    ):
        for make in (Tensor.from_string_array, Tensor.from_bytes_array):
            tensor = make(form)
            assert (tensor.data_type, list(tensor.shape)) == (DataType.BYTES, [1, 2])
            assert tensor.size == 4 + 1 + 4 + 2
            assert tensor.to_bytes_array().tolist() == [[b"a", b"bc"]]
            assert tensor.to_string_array().tolist() == [["a", "bc"]]


@pytest.mark.parametrize("value", [[1, 2], np.ones(2), np.array([1], object), 5, None, {}])
def test_text_from_anything_else(value: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        Tensor.from_string_array(value)


def test_arrays_of_text_look_as_usual() -> None:
    made = Tensor.from_string_array([["hello world!"]]).to_string_array()
    assert repr(made) == "array([['hello world!']], dtype='<U12')"
    assert str(made) == "[['hello world!']]"
    raw = Tensor.from_string_array([["hello world!"]]).to_bytes_array()
    assert repr(raw) == "array([[b'hello world!']], dtype=object)"


@pytest.mark.parametrize("size", [5, 50, 600])
@pytest.mark.parametrize("ending", ["", "\0"])  # NULs at ends make an array of objects of the text
def test_decoding_keeps_no_more_than_a_few_small_elements(size: int, ending: str) -> None:
    texts = [f"{i:0{size}}{ending}" for i in range(20_000)]
    tensor = Tensor.from_string_array(texts)

    def kept(array: np.ndarray[Any, Any]) -> int:
        counts = [sys.getrefcount(each) for each in array.ravel()]
        usual = min(counts)
        return sum(count > usual for count in counts)

    raw = tensor.to_bytes_array()
    assert kept(raw) <= 16
    assert raw.tolist() == [text.encode() for text in texts]
    if size > 512:
        assert kept(raw) == 0
    if ending:
        text = tensor.to_string_array()
        assert kept(text) <= 16
        assert text.tolist() == texts
    again = tensor.to_bytes_array()
    assert kept(raw) == 0  # others are kept now
    assert again.tolist() == raw.tolist()


@given(st.lists(st.text(), max_size=20))
def test_any_text_comes_back(texts: list[str]) -> None:
    tensor = Tensor.from_string_array(np.array(texts, object))
    made = tensor.to_string_array()
    assert made.tolist() == texts
    assert all(isinstance(each, str) for each in made.flat)
    assert made.dtype.kind == ("O" if any(each.endswith("\0") for each in texts) else "U")


@given(st.lists(st.binary(), max_size=20))
def test_any_bytes_come_back(parts: list[bytes]) -> None:
    tensor = Tensor.from_bytes_array(np.array(parts, object))
    assert tensor.to_bytes_array().tolist() == parts
    assert tensor.to_numpy().tolist() == parts


def test_every_character_comes_back() -> None:
    texts = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    tensor = Tensor.from_string_array(np.array(texts, object))
    assert tensor.to_bytes_array().tolist() == [each.encode() for each in texts]
    assert tensor.to_string_array().tolist() == texts


@given(st.binary(max_size=8))
def test_utf_8_is_checked_as_python_checks_it(data: bytes) -> None:
    tensor = Tensor.from_bytes_array(np.array([data], object))
    try:
        wanted = data.decode()
    except UnicodeDecodeError:
        with pytest.raises(InvalidArgumentError, match="element 0 is not valid UTF-8"):
            tensor.to_string_array()
        assert tensor.to_bytes_array().tolist() == [data]  # nothing has changed
    else:
        assert tensor.to_string_array().tolist() == [wanted]


@pytest.mark.parametrize(
    ("data", "shape", "cause"),
    [
        (b"\1\0\0", [1], "element 0 is missing: the buffer of 3 bytes ends after 0 of 1"),
        (b"\1\0\0\0a", [2], "element 1 is missing"),
        (b"\5\0\0\0ab", [1], "element 0 is said to have 5 bytes, but only 2 are left"),
        (b"\xff\xff\xff\xffab", [1], "4294967295 bytes"),
        (b"\1\0\0\0ab", [1], "end 1 bytes before the end"),
        (b"\1\0\0\0a", [], None),
        (b"\1\0\0\0a", [0], "end 5 bytes before"),
        (b"\1\0\0\0a", [-1], "not the type and shape"),
        (b"\1\0\0\0a", [2**62, 2], "missing|shape"),
    ],
)
def test_corrupt_text(data: bytes, shape: list[int], cause: str | None) -> None:
    tensor = bytes_tensor(data, shape)
    for read in (tensor.to_bytes_array, tensor.to_string_array, tensor.to_numpy):
        if cause is None:
            assert read().shape == ()
        else:
            with pytest.raises(InvalidArgumentError, match=cause):
                read()


def test_one_long_text_does_not_blow_up_the_others() -> None:
    texts = ["x"] * 100_000 + ["y" * 100_000]  # 40 GB if all were that wide
    made = Tensor.from_string_array(texts).to_string_array()
    assert made.dtype == object
    assert made.tolist() == texts


def test_only_text_is_text() -> None:
    tensor = Tensor.from_dlpack(np.ones(3))
    for read in (tensor.to_bytes_array, tensor.to_string_array):
        with pytest.raises(InvalidArgumentError, match="FP64, not BYTES"):
            read()


def test_reading_from_many_threads_at_once() -> None:
    texts = [f"text {i} ü" for i in range(1000)]
    tensor = Tensor.from_string_array(texts)
    failures: list[BaseException] = []

    def read() -> None:
        try:
            for _ in range(20):
                assert tensor.to_string_array().tolist() == texts
                assert np.asarray(tensor).shape == (1000,)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_moving_where_it_is() -> None:
    tensor = Tensor.from_dlpack(np.ones(3))
    assert tensor.to_host() is tensor
    for device in ("cpu", "CPU:0", MemoryType.CPU, (MemoryType.CPU, 0)):
        assert tensor.to_device(device) is tensor
    tensor.memory_buffer.memory_type = MemoryType.CPU_PINNED
    assert tensor.to_device("cpu") is tensor
    assert tensor.__dlpack_device__() == (tritonserver.DLDeviceType.kDLCPU, 0)


def test_moving_to_nowhere() -> None:
    tensor = Tensor.from_dlpack(np.ones(3))
    for device in ("cuda", "gpu:x", "", None, 5, [1, 2], (9, 0), (MemoryType.GPU, -1)):
        with pytest.raises(InvalidArgumentError, match="names no memory"):
            tensor.to_device(device)  # type: ignore[arg-type] # that is the point
    if not tritonserver.runtime.gpu_present():
        with pytest.raises(UnsupportedError):
            tensor.to_device("gpu")


def test_a_tensor_on_a_gpu_is_not_read_by_accident() -> None:
    buffer = MemoryBuffer(1 << 40, MemoryType.GPU, 0, 8, None)
    tensor = Tensor(DataType.FP32, [2], buffer)
    assert tensor.__dlpack_device__() == (tritonserver.DLDeviceType.kDLCUDA, 0)
    with pytest.raises(BufferError, match="GPU"):
        memoryview(tensor)


def test_repr_shows_type_shape_place_and_size() -> None:
    tensor = Tensor.from_dlpack(np.ones((1000, 1000), np.int8))
    place = f"data_ptr={tensor.data_ptr}, memory_type=<TRITONSERVER_MemoryType.CPU: 0>"
    assert repr(tensor) == (
        "Tensor(data_type=<TRITONSERVER_DataType.INT8: 6>, shape=[1000, 1000], memory_buffer="
        f"MemoryBuffer({place}, memory_type_id=0, size=1000000, owner=<ndarray>))"
    )


def test_repr_does_not_look_at_the_memory() -> None:
    class Owner:
        def __repr__(self) -> str:
            raise AssertionError("would be copied from the GPU")

    tensor = Tensor(DataType.FP32, [9], MemoryBuffer(8, MemoryType.GPU, 1, 4, Owner()))
    assert repr(tensor).endswith("memory_type_id=1, size=4, owner=<Owner>))")
