"""What is given as input is what the model sees."""

import array
import ctypes
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tritonserver
from tritonserver import InvalidArgumentError

Echo = Callable[..., tritonserver.Tensor]

NUMERIC = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
}


@pytest.fixture
def echo(server: tritonserver.Server) -> Echo:
    """Send a value through an identity model of this rank and data type, and return its output."""

    def send(value: Any, data_type: str, rank: int) -> tritonserver.Tensor:
        model = server.model(f"identity_rank_{rank}")
        (response,) = model.infer(inputs={f"{data_type}_IN": value})
        return response.outputs[f"{data_type}_OUT"]

    return send


@pytest.mark.parametrize("data_type", sorted(NUMERIC))
def test_every_data_type(echo: Echo, data_type: str) -> None:
    value = np.arange(12).reshape(3, 4).astype(NUMERIC[data_type])
    tensor = echo(value, data_type, 2)
    assert tensor.data_type.name == data_type
    assert np.array_equal(tensor.to_numpy(), value)
    assert tensor.to_numpy().dtype == value.dtype


def test_bfloat16(echo: Echo) -> None:
    value = np.array([[1.5, -2.0, 3e38]], ml_dtypes.bfloat16)
    tensor = echo(value.T, "BF16", 2)
    assert tensor.data_type == tritonserver.DataType.BF16
    assert tensor.to_numpy().dtype == ml_dtypes.bfloat16
    assert tensor.to_numpy().tobytes() == value.tobytes()


def test_a_saved_bfloat16(echo: Echo, tmp_path: Path) -> None:
    value = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    np.save(tmp_path / "value.npy", value)
    loaded = np.load(tmp_path / "value.npy")
    hint = r"NumPy's \|V2; if it is what numpy.load makes .* array.view\(ml_dtypes.bfloat16\)"
    with pytest.raises(InvalidArgumentError, match=f"^input 'BF16_IN': .*{hint}"):
        echo(loaded, "BF16", 1)
    with pytest.raises(InvalidArgumentError, match=hint):
        tritonserver.Tensor.from_dlpack(loaded)
    assert echo(loaded.view(ml_dtypes.bfloat16), "BF16", 1).to_numpy().tolist() == [1.5, -2.0]
    with pytest.raises(InvalidArgumentError) as raised:
        echo(np.zeros(2, "V3"), "BF16", 1)
    assert "bfloat16" not in str(raised.value)


def test_broadcast_views(echo: Echo) -> None:
    value = np.broadcast_to(np.array([1, 2, 3], np.int32), (4, 3))
    assert np.array_equal(echo(value, "INT32", 2).to_numpy(), value)


def test_contiguous_arrays_are_not_copied(identity: tritonserver.Model) -> None:
    for value in (np.ones(1000, np.float32), np.ones((1, 1000), np.float32)[0]):
        value.flags.writeable = False
        (response,) = identity.infer(inputs={"INPUT0": value}, parameters={"input_pointers": True})
        assert response.parameters["INPUT0_pointer"] == value.ctypes.data


def test_subclasses_of_arrays(echo: Echo, tmp_path: Any) -> None:
    class Subclass(np.ndarray[Any, Any]):
        pass

    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    mapped = np.memmap(tmp_path / "data", np.float32, "w+", shape=(2, 3))
    mapped[:] = value
    for each in (value.view(Subclass), value.view(Subclass).T.T, mapped):
        assert np.array_equal(echo(each, "FP32", 2).to_numpy(), value)


@pytest.mark.parametrize(
    ("value", "data_type", "wanted"),
    [
        ([1, 2], "INT64", [1, 2]),
        ((1, 2), "INT64", [1, 2]),
        ([(1.5,), [2.5]], "FP64", [[1.5], [2.5]]),
        ([True, False], "BOOL", [True, False]),
        ([np.float32(1), np.float32(2)], "FP32", [1, 2]),
        ([[np.int8(1)], np.array([2], np.int8)], "INT8", [[1], [2]]),
        ([2**63], "UINT64", [2**63]),
        (range(3), "INT64", [0, 1, 2]),
        (bytearray(b"\x01\x02"), "UINT8", [1, 2]),
        (memoryview(b"\x01\x02"), "UINT8", [1, 2]),
        (memoryview(np.ones((2, 3), np.int16)[:, ::2]), "INT16", [[1, 1], [1, 1]]),
        (array.array("d", [1, 2]), "FP64", [1, 2]),
        ((ctypes.c_float * 2 * 1)((1, 2)), "FP32", [[1, 2]]),
        ([], "FP64", []),
        ([[]], "FP64", [[]]),
    ],
)
def test_values_other_than_arrays(echo: Echo, value: Any, data_type: str, wanted: Any) -> None:
    tensor = echo(value, data_type, np.ndim(wanted))
    assert tensor.data_type.name == data_type
    assert tensor.to_numpy().tolist() == wanted


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ([[1, 2], [3]], r"ragged: \[0\] has 2 items, but \[1\] has 1 items"),
        ([[[1]], [2]], r"ragged: \[0\]\[0\] has 1 items, but \[1\]\[0\] is a single value"),
        ([1, [2]], r"ragged: \[0\] is a single value, but \[1\] has 1 items"),
        ([["a"], ["b", "c"]], r"ragged: \[0\] has 1 items, but \[1\] has 2 items"),
        ([1, "a"], r"element \[1\] is of type str, but the first is of type int"),
        (["a", 1], r"element \[1\] is of type int, but the first is of type str"),
        ([None], r"element \[0\] is None"),
        ([1j], "complex128"),
        ([b"a", 1.5], r"element \[1\] is of type float, but the first is of type bytes"),
        ([np.int64(1), 2**64], "64 bits"),
        (None, "the value is None"),
        ({"a": 1}, "dict"),
        ({1}, "set"),
        (object(), "object"),
        (1j, "complex128"),
        (np.array([1j]), "complex128"),
        (np.array([1], "M8[s]"), r"datetime64\[s\]"),
        (np.zeros(1, [("a", "i4")]), "data type"),
        (np.zeros(1, np.longdouble), "128"),
        (np.ma.masked_array([1.0], [True]), "masked"),
        (np.array([1, 2], object), "element 0 is of type int"),
        (np.array(["a", 2.5], object), "element 1 is of type float"),
        (np.array([[1], None], object), "element 0 is of type list"),
        (np.array(["a", {}], object), "element 1 is of type dict"),
    ],
)
def test_values_that_are_no_tensors(identity: tritonserver.Model, value: Any, cause: str) -> None:
    with pytest.raises(InvalidArgumentError, match=cause) as raised:
        identity.infer(inputs={"INPUT0": value})
    assert "input 'INPUT0'" in str(raised.value)
    assert "'INPUT0' FP32 [-1]" in str(raised.value)  # what the model takes


def test_scalars_have_no_dimensions(identity: tritonserver.Model) -> None:
    for value in (1.5, 7, np.float32(1), np.array(1, np.float32), "text", b"bytes"):
        with pytest.raises(InvalidArgumentError, match=r"\[\]"):
            identity.infer(inputs={"INPUT0": value})


TEXTS = [
    ["hello", "wörld", "", "日本語", "🚀", "a\0b", "trailing\0", "\0", "\u0301"],
    [b"", b"\xff\xfe", b"\0\0", b"abc"],
    ["mixed", b"\xff"],
]


@pytest.mark.parametrize("texts", TEXTS)
@pytest.mark.parametrize("form", [list, tuple, lambda each: np.array(each, object)])
def test_text_keeps_every_byte(echo: Echo, texts: list[Any], form: Callable[[Any], Any]) -> None:
    wanted = [each.encode() if isinstance(each, str) else each for each in texts]
    tensor = echo(form(texts), "STRING", 1)
    assert tensor.data_type == tritonserver.DataType.BYTES
    assert tensor.to_bytes_array().tolist() == wanted


def test_text_of_fixed_width(echo: Echo) -> None:
    texts = np.array([["a", "wörld", ""], ["日本", "🚀🚀", "x"]])
    raw = np.array([[b"a", b"bcd"], [b"", b"\xff"]])
    for value in (texts, texts.T, texts[:, ::-1], texts.astype(texts.dtype.newbyteorder())):
        assert echo(value, "STRING", 2).to_string_array().tolist() == value.tolist()
    for value in (raw, raw.T, raw[::-1]):
        assert echo(value, "STRING", 2).to_bytes_array().tolist() == value.tolist()


@pytest.fixture
def string_dtype() -> Callable[..., Any]:
    if np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("needs NumPy 2")
    made: Callable[..., Any] = np.dtypes.StringDType  # type: ignore[attr-defined] # of NumPy 2
    return made


def test_text_of_variable_width(echo: Echo, string_dtype: Callable[..., Any]) -> None:
    texts = [["a", "wörld\0", ""], ["日本" * 50, "\0", "x"]]
    for dtype in (string_dtype(), string_dtype(na_object=None), string_dtype(na_object=np.nan)):
        made = np.array(texts, dtype)
        for value in (made, made.T, made[:, ::-1], made[:, ::2], np.asfortranarray(made), made[:0]):
            tensor = echo(value, "STRING", 2)
            wanted = [[each.encode() for each in row] for row in value.tolist()]
            assert tensor.to_bytes_array().tolist() == wanted
            assert tritonserver.Tensor.from_string_array(value) == tensor


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_text(
    identity: tritonserver.Model, string_dtype: Callable[..., Any], missing: Any
) -> None:
    value = np.array(["a", missing], string_dtype(na_object=missing))
    with pytest.raises(InvalidArgumentError, match="element 1 is missing"):
        identity.infer(inputs={"INPUT0": value})


def test_empty_text(echo: Echo) -> None:
    for value in (np.zeros((0, 3), "U4"), np.zeros((0, 3), "S4"), np.zeros((0, 3), object)):
        tensor = echo(value, "STRING", 2)
        assert list(tensor.shape) == [0, 3]
        assert tensor.to_bytes_array().shape == (0, 3)


def test_other_objects_become_text(echo: Echo) -> None:
    class Named:
        def __str__(self) -> str:
            return "näme"

    value = np.array([None, Named(), np.str_("s"), np.bytes_(b"b"), bytearray(b"\xff")], object)
    wanted = [b"None", "näme".encode(), b"s", b"b", b"\xff"]
    assert echo(value, "STRING", 1).to_bytes_array().tolist() == wanted


@pytest.mark.parametrize(
    "value",
    [["ok", "\ud800"], np.array(["ok", "\udfff"], object), np.array(["ok", "x\ud800"])],
)
def test_lone_surrogates_are_refused(identity: tritonserver.Model, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="element 1 holds a lone surrogate"):
        identity.infer(inputs={"INPUT0": value})


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.one_of(st.text(), st.binary()), min_size=1, max_size=20))
def test_any_text_arrives(echo: Echo, texts: list[str | bytes]) -> None:
    wanted = [each.encode() if isinstance(each, str) else each for each in texts]
    assert echo(texts, "STRING", 1).to_bytes_array().tolist() == wanted
    assert echo(np.array(texts, object), "STRING", 1).to_bytes_array().tolist() == wanted


def test_changing_the_list_while_it_is_read_is_harmless(identity: tritonserver.Model) -> None:
    values: dict[str, Any] = {}

    class Malicious:
        def __str__(self) -> str:
            values.clear()
            texts[:] = [None] * len(texts)
            return "x"

    texts = np.array([Malicious(), "a" * 100, "b" * 100], object)
    values["INPUT0"] = texts
    with pytest.raises(InvalidArgumentError, match="BYTES"):
        identity.infer(inputs=values)


def test_no_inputs(identity: tritonserver.Model) -> None:
    with pytest.raises(InvalidArgumentError, match=r"takes 'INPUT0' FP32 \[-1\]; given: nothing"):
        identity.infer()


def test_a_misspelled_input(server: tritonserver.Server) -> None:
    model = server.model("native_identity")
    with pytest.raises(InvalidArgumentError, match="did you mean 'fp32_input' instead of"):
        model.infer(inputs={"pf32_input": np.ones((1, 1), np.float32)})


def test_errors_are_about_the_input_concerned(server: tritonserver.Server) -> None:
    model = server.model("identity_eight")
    values: dict[str, Any] = {f"INPUT{i}": np.ones(2, np.float32) for i in range(8)}
    takes = "model 'identity_eight' takes 'INPUT5' FP32 [-1]"
    with pytest.raises(InvalidArgumentError, match="ragged") as raised:
        model({**values, "INPUT5": [[1], [2, 3]]})
    assert str(raised.value).endswith(f"items; {takes}")
    with pytest.raises(InvalidArgumentError) as raised:
        model({**values, "INPUT5": np.ones(2)})
    assert str(raised.value).endswith(f"; {takes}; given: 'INPUT5' FP64 [2]")
    del values["INPUT5"]
    with pytest.raises(InvalidArgumentError) as raised:
        model(values)
    assert all(f"'INPUT{i}' FP32 [-1]" in str(raised.value) for i in range(8))


def test_errors_about_something_else_do_not_list_inputs(server: tritonserver.Server) -> None:
    model = server.model("native_identity")
    with pytest.raises(InvalidArgumentError, match="nonsense") as raised:
        model.infer(
            inputs={"fp32_input": np.ones((1, 1), np.float32)}, requested_outputs=["nonsense"]
        )
    assert "takes" not in str(raised.value)


def test_wrong_type_and_shape_name_both(identity: tritonserver.Model) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        identity.infer(inputs={"INPUT0": np.ones((2, 3))})
    assert "given: 'INPUT0' FP64 [2, 3]" in str(raised.value)
    assert "takes 'INPUT0' FP32 [-1]" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (np.zeros((0, 3), np.float32), r"FP32 \[0, 3\]"),
        (np.zeros((0, 0), np.float32), r"FP32 \[0, 0\]"),
        (np.zeros((0, 3)), r"FP64 \[0, 3\]"),
        (np.zeros((3, 0), np.float32).T, r"FP32 \[0, 3\]"),
        ([], r"FP32 \[0\]"),
        (np.zeros((0, 3), "U3"), r"BYTES \[0, 3\]"),
    ],
)
def test_batches_of_nothing(server: tritonserver.Server, value: Any, described: str) -> None:
    model = server.model("identity_batching")
    for send in (
        lambda: model(INPUT0=value),
        lambda: model.bind(inputs={"INPUT0": value}),
        lambda: model.async_infer(inputs={"INPUT0": value}),
    ):
        with pytest.raises(InvalidArgumentError) as raised:
            send()
        assert re.match(f"input 'INPUT0': the batch is empty: {described} ", str(raised.value))
        assert str(raised.value).endswith("takes 'INPUT0' FP32 [-1, -1]")


@pytest.mark.parametrize("shape", [(2, 0), (1, 0)])
def test_items_of_nothing_in_a_batch(server: tritonserver.Server, shape: tuple[int, ...]) -> None:
    outputs = server.model("identity_batching")(INPUT0=np.zeros(shape, np.float32))
    assert outputs["OUTPUT0"].to_numpy().shape == shape


@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (2, 0), (0, 0, 0), (0, 2, 0), (2, 0, 0)])
def test_empty_arrays_for_models_without_batches(echo: Echo, shape: tuple[int, ...]) -> None:
    for data_type, dtype in (("FP32", "float32"), ("INT8", "int8"), ("STRING", "S2")):
        tensor = echo(np.zeros(shape, dtype), data_type, len(shape))
        assert list(tensor.shape) == list(shape)
        assert tensor.size == 0


def test_empty_batches_for_unknown_inputs(server: tritonserver.Server) -> None:
    with pytest.raises(InvalidArgumentError, match="did you mean 'INPUT0' instead of 'INPT0'"):
        server.model("identity_batching")(INPT0=np.zeros((0, 3), np.float32))


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 4095, 4096, 1_000_003])
def test_any_size(identity: tritonserver.Model, length: int) -> None:
    value = np.arange(length, dtype=np.float32)
    outputs = identity(INPUT0=value)
    assert np.array_equal(outputs["OUTPUT0"].to_numpy(), value)


def test_many_inputs_at_once(server: tritonserver.Server) -> None:
    values = {f"INPUT{i}": np.full(i + 1, i, np.float32)[::-1] for i in range(8)}
    outputs = server.model("identity_eight")(values)
    for i in range(8):
        assert np.array_equal(outputs[f"OUTPUT{i}"].to_numpy(), values[f"INPUT{i}"])


def test_temporaries_live_until_they_are_used(server: tritonserver.Server) -> None:
    model = server.model("identity_slow")
    pending = [
        model.infer(inputs={"INPUT0": np.full(1000, i, ">f4")}, parameters={"execute_delay_ms": 1})
        for i in range(50)
    ]
    for i, responses in enumerate(pending):
        trash = [np.full(1000, -1, np.float32) for _ in range(10)]
        (response,) = responses
        assert (response.outputs["OUTPUT0"].to_numpy() == i).all()
        del trash


def test_a_mapping_as_inputs(identity: tritonserver.Model) -> None:
    from types import MappingProxyType

    inputs = MappingProxyType({"INPUT0": np.ones(2, np.float32)})
    assert len(list(identity.infer(inputs=inputs))) == 1


@pytest.mark.parametrize("inputs", [[("INPUT0", 1)], "INPUT0", 5, {1: np.ones(1)}])
def test_inputs_that_are_no_mapping_of_names(identity: tritonserver.Model, inputs: Any) -> None:
    with pytest.raises(TypeError):
        identity.infer(inputs=inputs)


def test_inputs_in_place_of_fields(identity: tritonserver.Model) -> None:
    for send in (identity.infer, identity.async_infer, identity.bind):
        with pytest.raises(TypeError) as raised:
            send(INPUT0=np.ones(2, np.float32))  # type: ignore[call-arg] # that is the point
        assert str(raised.value) == (
            "an inference request has no field 'INPUT0'; if it is an input, give "
            "inputs={'INPUT0': ...}, or call the model: model(INPUT0=...)"
        )


def test_names_with_nul_or_surrogates(identity: tritonserver.Model) -> None:
    for name, cause in (("a\0b", "NUL"), ("\ud800", "surrogate")):
        with pytest.raises(InvalidArgumentError, match=cause):
            identity.infer(inputs={name: np.ones(1, np.float32)})


def test_all_layouts_of_a_small_array(echo: Echo) -> None:
    base = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    for axes in itertools.permutations(range(3)):
        for steps in itertools.product((1, -1, 2), repeat=3):
            value = base.transpose(axes)[tuple(slice(None, None, step) for step in steps)]
            assert np.array_equal(echo(value, "UINT16", 3).to_numpy(), value)
