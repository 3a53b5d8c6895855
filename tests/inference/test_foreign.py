"""What other libraries hand over, or refuse to, is an input or an error that names it.

The classes here do what those of the libraries do, under the names of their modules.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import InvalidArgumentError, Tensor

Send = Callable[..., Any]


@pytest.fixture
def send(server: tritonserver.Server) -> Send:
    """Send a value through an identity model of this data type and rank; its output comes back."""

    def through(value: Any, data_type: str, rank: int = 1) -> Any:
        model = server.model(f"identity_rank_{rank}")
        made = model({f"{data_type}_IN": value})[f"{data_type}_OUT"].to_numpy()
        return [each.decode() for each in made.flat] if data_type == "STRING" else made.tolist()

    return through


def refusal(send: Send, value: Any, data_type: str = "FP32", rank: int = 1) -> tuple[str, Any]:
    """What the error says after the name of the input, and its cause."""
    with pytest.raises(InvalidArgumentError) as raised:
        send(value, data_type, rank)
    name, _, said = str(raised.value).partition(": ")
    assert name == f"input '{data_type}_IN'"
    return said, raised.value.__cause__


class Exporter:
    """Hands over what it is told to, by DLPack and, in a derived class, as an array of NumPy."""

    def __init__(self, dlpack: Any, array: Any = None) -> None:
        self.dlpack, self.array = dlpack, array
        self.asked: list[dict[str, Any]] = []

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0

    def __dlpack__(self, **arguments: Any) -> Any:
        self.asked.append(arguments)
        if isinstance(self.dlpack, BaseException):
            raise self.dlpack
        return self.dlpack.__dlpack__()


class ArrayExporter(Exporter):
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if isinstance(self.array, BaseException):
            raise self.array
        return np.array(self.array, dtype)


class Speechless(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    "error",
    [
        BufferError("Can't export tensors that require gradient, use tensor.detach()"),
        RuntimeError("no storage"),
        ValueError("on meta"),
        TypeError("has nulls"),
        AttributeError("lazy"),
        StopIteration("early"),
        tritonserver.UnsupportedError("not here"),
        OSError(5, "input/output error"),
    ],
)
def test_reasons_of_others(send: Send, error: Exception) -> None:
    for value in (Exporter(error), ArrayExporter(error, RuntimeError("neither this way"))):
        said, cause = refusal(send, value)
        assert said.startswith("it does not hand over its memory: ")
        assert str(error) in said
        assert said.endswith("takes 'FP32_IN' FP32 [-1]")
        assert cause is error
        assert len(value.asked) == 1
    said, cause = refusal(send, Exporter(Speechless()))
    assert "Speechless: (no message)" in said
    assert isinstance(cause, Speechless)


def test_every_way_to_send_tells_the_reason(server: tritonserver.Server) -> None:
    model = server.model("identity_fp32")
    error = BufferError("no")
    inputs = {"INPUT0": Exporter(error)}

    async def call() -> None:
        await model.call_async(inputs)

    for way in (
        lambda: model(inputs),
        lambda: model.infer(inputs=inputs),
        lambda: model.infer(model.create_request(inputs=inputs)),
        lambda: model.async_infer(inputs=inputs),
        lambda: asyncio.run(call()),
        lambda: model.bind(inputs=inputs),
    ):
        with pytest.raises(
            InvalidArgumentError, match=r"^input 'INPUT0': .*BufferError: no"
        ) as raised:
            way()
        assert raised.value.__cause__ is error
    with pytest.raises(InvalidArgumentError, match=r"^output 'OUTPUT0': BufferError: no") as raised:
        model.bind(outputs={"OUTPUT0": inputs["INPUT0"]}, inputs={"INPUT0": [1.0]})
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_what_ends_programs_passes(server: tritonserver.Server, error: BaseException) -> None:
    model = server.model("identity_fp32")
    for value in (Exporter(error), ArrayExporter(BufferError(), error)):
        with pytest.raises(type(error)) as raised:
            model(INPUT0=value)
        assert raised.value is error


def test_producers_that_know_no_versions(send: Send) -> None:
    memory = np.float32([1, 2])

    class Old:
        asked = 0

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

        def __dlpack__(self, stream: Any = None) -> Any:
            self.asked += 1
            return memory.__dlpack__()

    class Wrapped(Old):
        def __dlpack__(self, *arguments: Any, **keywords: Any) -> Any:  # as decorators do
            return super().__dlpack__(*arguments, **keywords)

    class Refusing(Old):
        def __dlpack__(self, stream: Any = None) -> Any:
            super().__dlpack__()
            raise TypeError("has nulls")

    class InC(Old):
        def __dlpack__(self, **keywords: Any) -> Any:
            self.asked += 1
            return memory.__dlpack__() if not keywords else len(**keywords)  # type: ignore[call-arg]

    for kind, count in ((Old, 1), (Wrapped, 1), (InC, 2)):
        producer = kind()
        assert send(producer, "FP32") == [1, 2]
        assert producer.asked == count
    refusing = Refusing()
    said, cause = refusal(send, refusing)
    assert "TypeError: has nulls" in said
    assert refusing.asked == 1
    assert isinstance(cause, TypeError)


def test_numpys_way_where_dlpack_is_refused(server: tritonserver.Server, send: Send) -> None:
    def value(array: Any) -> ArrayExporter:
        return ArrayExporter(TypeError("DataType is not compatible with DLPack spec"), array)

    assert send(value(np.float32([1, 2])), "FP32") == [1, 2]
    assert send(value([True, False]), "BOOL") == [True, False]
    assert send(value(np.array(["a\0", b"b", "ü"], object)), "STRING") == ["a\0", "b", "ü"]
    assert send(value(np.array([["a", "b"]], object).T), "STRING", 2) == ["a", "b"]
    assert send(value(np.array([1, 2], object)), "INT8") == [1, 2]  # they have no type
    assert send(value(np.array([], object)), "STRING") == []
    said, _ = refusal(send, value(np.array(["a", None], object)), "STRING")
    assert said.startswith("element [1] is None, which is no element of a tensor")
    said, _ = refusal(send, value(np.array([["a"], [float("nan")]], object)), "STRING", 2)
    assert said.startswith("element [1][0] is of type float, but the first is of type str")
    said, _ = refusal(send, value(np.array([1, 300], object)), "UINT8")
    assert said.startswith("element [1] is 300, which does not fit UINT8 (0 to 255)")
    said, _ = refusal(send, value(np.array([1, {}], object)))
    assert said.startswith("element [1] is of type dict, which is neither text nor a number")
    said, _ = refusal(send, value(np.array(["2020"], "M8[s]")))
    assert said.startswith("Triton has no data type for NumPy's datetime64[s]")
    with pytest.raises(InvalidArgumentError, match=r"did you mean 'INPUT0'.*given: 'INPT0' INT64"):
        server.model("identity_fp32")(INPT0=value(np.array([1], object)))


def test_dlpack_comes_first(send: Send) -> None:
    assert send(ArrayExporter(np.float32([1, 2]), AssertionError("is not asked")), "FP32") == [1, 2]


def test_the_other_protocols(send: Send) -> None:
    memory = np.float32([1, 2])

    class Interface:
        __array_interface__ = memory.__array_interface__

    class Struct:
        __array_struct__ = memory.__array_struct__

    class Broken:
        @property
        def __array_interface__(self) -> Any:
            raise RuntimeError("gone")

    class Pretending:
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
            return 5

    assert send(Interface(), "FP32") == [1, 2]
    assert send(Struct(), "FP32") == [1, 2]
    said, cause = refusal(send, Pretending())
    assert said.startswith("it does not become an array: ValueError: ")
    assert isinstance(cause, ValueError)
    released = memoryview(memory)
    released.release()
    said, cause = refusal(send, released)
    assert said.startswith("it does not hand over its memory: ValueError: operation forbidden")
    assert isinstance(cause, ValueError)
    with pytest.raises(InvalidArgumentError, match="'FP32_IN'"):
        send(Broken(), "FP32")


def test_elements_that_do_not_become_text(send: Send) -> None:
    said, cause = refusal(send, np.array(["a", Speechless()], object), "STRING")
    assert said.startswith("element 1 does not become text: ValueError: no text")
    assert isinstance(cause, ValueError)


def test_lists_of_what_does_not_become_an_array(send: Send) -> None:
    error = RuntimeError("has a gradient")
    said, cause = refusal(send, [ArrayExporter(error, error)])
    assert "RuntimeError: has a gradient" in said
    assert cause is error


# --- TensorFlow


class DType:
    def __init__(self, name: str) -> None:
        self.name = name


class EagerTensor(ArrayExporter):
    __module__ = "tensorflow.python.framework.ops"

    def __init__(self, data_type: str, array: Any) -> None:
        super().__init__(array, array)
        self.dtype = DType(data_type)


class Derived(EagerTensor):
    __module__ = "somewhere.else"


@pytest.mark.parametrize("kind", [EagerTensor, Derived])
def test_tensorflow_is_asked_for_dlpack_of_numbers_only(
    send: Send, kind: Callable[..., EagerTensor]
) -> None:
    for name, data_type, array, asked in (
        ("float32", "FP32", np.float32([1]), 1),
        ("uint64", "UINT64", np.uint64([1]), 1),
        ("bool", "BOOL", np.array([True]), 0),
        ("string", "STRING", np.array([b"1"], object), 0),
    ):
        tensor = kind(name, array)
        assert send(tensor, data_type) == [{"BOOL": True, "STRING": "1"}.get(data_type, 1)]
        assert len(tensor.asked) == asked
    for name in ("resource", "variant", "qint8", "complex64", "float8_e4m3fn"):
        tensor = kind(name, np.array([1j]))
        assert "Triton has no data type for NumPy's complex128" in refusal(send, tensor)[0]
        assert not tensor.asked
    tensor = kind("string", RuntimeError("symbolic"))
    assert "RuntimeError: symbolic" in refusal(send, tensor)[0]
    del tensor.dtype
    assert "AttributeError" in refusal(send, tensor)[0]
    assert not tensor.asked


# --- Columns


class ArrowArray(ArrayExporter):
    """Of PyArrow: has no nulls in DLPack, and NaN for them in NumPy's arrays."""

    __module__ = "pyarrow.lib"

    def __init__(self, values: list[Any], nan: Any = None, type_: Any = None) -> None:
        array = np.array([nan if value is None else value for value in values], type_)
        super().__init__(
            TypeError("Can only use DLPack on arrays with no nulls") if None in values else array,
            array,
        )
        self.values = values

    def is_null(self) -> "ArrowArray":
        return ArrowArray([value is None for value in self.values])


class ArrowTable:
    __module__ = "pyarrow.lib"

    def __init__(self, *columns: ArrowArray) -> None:
        self.columns = list(columns)
        self.shape = len(columns[0].values), len(columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array([column.array for column in self.columns], dtype).T


def test_pyarrow(send: Send) -> None:
    nan = float("nan")
    assert send(ArrowArray([1.0, 2.0]), "FP64") == [1, 2]
    text = ArrowArray(["a", "b\0"], type_=object)
    text.dlpack = TypeError("DataType is not compatible with DLPack spec")
    assert send(text, "STRING") == ["a", "b\0"]
    assert send(ArrowTable(ArrowArray([1.0, 2.0]), ArrowArray([3.0, 4.0])), "FP64", 2) == [
        [1, 3],
        [2, 4],
    ]
    for value, place in (
        (ArrowArray([1.0, None], nan), "[1]"),
        (ArrowArray([None, None], nan), "[0]"),
        (ArrowArray([True, None], type_=object), "[1]"),
        (ArrowTable(ArrowArray([1.0, 2.0]), ArrowArray([3.0, None], nan)), "[1][1]"),
        (ArrowTable(ArrowArray([1.0, None], nan), ArrowArray([None, 2.0], nan)), "[0][1]"),
    ):
        said, _ = refusal(send, value, "FP64")
        assert said.startswith(f"element {place} is null, which is no element of a tensor; fill it")


class PolarsType:
    def __init__(self, *shape: int) -> None:
        if shape:
            self.shape = shape


class PolarsSeries:
    """Of Polars: no DLPack, fixed width for text unless objects are asked for."""

    __module__ = "polars.series.series"

    def __init__(self, values: list[Any], *shape: int) -> None:
        self.values, self.dtype = values, PolarsType(*shape)
        self.shape = (len(values),)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.values, float if _has_none(self.values) else dtype)

    def to_numpy(self) -> Any:
        return np.array(self.values)

    def is_null(self) -> "PolarsSeries":
        return PolarsSeries([value is None for value in self.values])

    def explode(self) -> "PolarsSeries":
        return PolarsSeries([each for value in self.values for each in value])


def _has_none(values: list[Any]) -> bool:
    return any(_has_none(each) if isinstance(each, list) else each is None for each in values)


class PolarsFrame:
    __module__ = "polars.dataframe.frame"

    def __init__(self, *columns: PolarsSeries) -> None:
        self.columns = columns
        self.shape = len(columns[0].values), len(columns)

    def get_columns(self) -> list[PolarsSeries]:
        return list(self.columns)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array([column.__array__(dtype) for column in self.columns]).T


def test_polars(send: Send) -> None:
    assert send(PolarsSeries([1.0, 2.0]), "FP64") == [1, 2]
    assert send(PolarsSeries(["a", "b\0"]), "STRING") == ["a", "b\0"]
    assert send(PolarsSeries([[1, 2], [3, 4]], 2), "INT64", 2) == [[1, 2], [3, 4]]
    frame = PolarsFrame(PolarsSeries([1.0, 2.0]), PolarsSeries([3.0, 4.0]))
    assert send(frame, "FP64", 2) == [[1, 3], [2, 4]]
    for value, place in (
        (PolarsSeries([1.0, None]), "[1]"),
        (PolarsSeries([[1, None], [3, 4]], 2), "[0][1]"),
        (PolarsSeries([[[1, 2]], [[None, 4]]], 1, 2), "[1][0][0]"),
        (PolarsFrame(PolarsSeries([1.0, 2.0]), PolarsSeries([3.0, None])), "[1][1]"),
    ):
        assert refusal(send, value, "FP64")[0].startswith(f"element {place} is null, ")


class PandasSeries:
    """Of pandas: its own types have nulls; those of NumPy have NaN."""

    __module__ = "pandas"

    def __init__(self, values: Any, dtype: Any = "Int64") -> None:
        self.values, self.dtype = values, dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.values, dtype)

    def __len__(self) -> int:
        return len(self.values)

    def isna(self) -> Any:
        return np.array([value is None or value != value for value in self.values])


class PandasFrame:
    __module__ = "pandas"

    def __init__(self, **columns: PandasSeries) -> None:
        self._columns = columns
        (first, *_) = columns.values()
        self.shape = len(first), len(columns)

    def items(self) -> Any:
        return self._columns.items()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array([column.values for column in self._columns.values()], dtype).T


def test_pandas(send: Send) -> None:
    nan, floats, objects = float("nan"), np.dtype(float), np.dtype(object)
    assert send(PandasSeries([1.0, 2.0], floats), "FP64") == [1, 2]
    assert send(PandasSeries(np.array([1, 2], object)), "INT64") == [1, 2]
    assert send(PandasSeries(np.array(["a", "b\0"], object), "string"), "STRING") == ["a", "b\0"]
    assert np.isnan(send(PandasSeries([1.0, nan], floats), "FP64")).tolist() == [False, True]
    frame = PandasFrame(a=PandasSeries([1.0, 2.0], floats), b=PandasSeries([3.0, nan], floats))
    assert send(frame, "FP64", 2)[0] == [1, 3]
    for value, wanted in (
        (PandasSeries([1.0, nan]), "element [1] is null, "),
        (PandasSeries(np.array(["a", None], object), "string"), "element [1] is null, "),
        (PandasSeries(np.array(["a", None], object), objects), "element [1] is None, "),
        (
            PandasFrame(a=PandasSeries([1.0, 2.0]), b=PandasSeries([nan, 1.0])),
            "element [0][1] is nu",
        ),
    ):
        assert refusal(send, value, "FP64")[0].startswith(wanted)


def test_libraries_that_change_their_ways(send: Send) -> None:
    """Whatever does not look as expected is an error that names the input."""

    class Scalar(PandasSeries):
        __module__ = "pandas._libs.missing"
        isna = None  # type: ignore[assignment] # no longer there

    said, cause = refusal(send, Scalar([1.0]))
    assert re.match("TypeError: 'NoneType' object is not callable; ", said)
    assert isinstance(cause, TypeError)


def test_text_of_other_libraries_for_tensors() -> None:
    column = PandasSeries(np.array(["a", "b\0"], object), "string")
    assert Tensor.from_string_array(column).to_bytes_array().tolist() == [b"a", b"b\0"]
    empty = PandasSeries(np.array([], object), "string")
    assert Tensor.from_string_array(empty).to_bytes_array().shape == (0,)
