"""Python's numbers take the data type that the model has, exactly, or are refused by name."""

import asyncio
import enum
import math
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tritonserver
from tritonserver import InvalidArgumentError

Send = Callable[[Any, str, int], Any]
Number = bool | int | float

INTEGERS = {f"{sign}INT{bits}": (sign, bits) for sign in ("", "U") for bits in (8, 16, 32, 64)}
# Bits of the fraction, exponent of the smallest normal number, type in NumPy.
FLOATS: dict[str, tuple[int, int, Any]] = {
    "FP16": (10, -14, np.float16),
    "BF16": (7, -126, ml_dtypes.bfloat16),
    "FP32": (23, -126, np.float32),
    "FP64": (52, -1022, np.float64),
}
TYPES = ["BOOL", *INTEGERS, *FLOATS]


def limits(data_type: str) -> tuple[int, int]:
    sign, bits = INTEGERS[data_type]
    return (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def largest(data_type: str) -> Fraction:
    fraction_bits, smallest, _ = FLOATS[data_type]
    return (2 - Fraction(2) ** -fraction_bits) * Fraction(2) ** (1 - smallest)


def nearest(value: int | float, data_type: str) -> Fraction:
    """The nearest number of a floating-point type that had no upper limit; in exact arithmetic."""
    fraction_bits, smallest, _ = FLOATS[data_type]
    exponent = abs(value).bit_length() - 1 if isinstance(value, int) else math.frexp(value)[1] - 1
    unit = Fraction(2) ** (max(exponent, smallest) - fraction_bits)
    return round(Fraction(value) / unit) * unit


def stored(value: Number, data_type: str) -> Number | None:
    """What becomes of a number; None if the type does not have it."""
    if data_type == "BOOL" or isinstance(value, bool):
        return value if data_type == "BOOL" and isinstance(value, bool) else None
    if data_type in INTEGERS:
        smallest, greatest = limits(data_type)
        return value if isinstance(value, int) and smallest <= value <= greatest else None
    if not math.isfinite(value):
        return value
    made = nearest(value, data_type)
    if abs(made) > largest(data_type) or (isinstance(value, int) and made != value):
        return None
    return math.copysign(float(made), value)


def dtype_of(data_type: str) -> np.dtype[Any]:
    if data_type in FLOATS:
        return np.dtype(FLOATS[data_type][2])
    return np.dtype("bool" if data_type == "BOOL" else data_type.lower())


@pytest.fixture(scope="module")
def send(server: tritonserver.Server) -> Send:
    """Send a value through an identity model of this data type and rank; an array comes back."""

    def through(value: Any, data_type: str, rank: int) -> Any:
        model = server.model(f"identity_rank_{rank}")
        tensor = model({f"{data_type}_IN": value})[f"{data_type}_OUT"]
        made = tensor.to_numpy()
        assert data_type == "STRING" or made.dtype == dtype_of(data_type)
        return made

    return through


@pytest.mark.parametrize("data_type", TYPES)
def test_every_data_type(send: Send, data_type: str) -> None:
    values = [True, False] if data_type == "BOOL" else [0, 1, 100]
    assert send(values, data_type, 1).tolist() == values
    assert send(tuple(values), data_type, 1).tolist() == values
    assert send([tuple(values), values], data_type, 2).tolist() == [values, values]
    if data_type != "BOOL":
        assert send(range(3), data_type, 1).tolist() == [0, 1, 2]
        assert send([range(2), [5, 6]], data_type, 2).tolist() == [[0, 1], [5, 6]]


@pytest.mark.parametrize("data_type", [*TYPES, "STRING"])
def test_empty_lists(send: Send, data_type: str) -> None:
    forms: list[Any] = [[], (), range(0)]
    for empty in forms:
        assert send(empty, data_type, 1).shape == (0,)
    assert send([[], []], data_type, 2).shape == (2, 0)


@pytest.mark.parametrize("data_type", INTEGERS)
def test_the_limits_of_integers(send: Send, data_type: str) -> None:
    smallest, greatest = limits(data_type)
    assert send([smallest, greatest], data_type, 1).tolist() == [smallest, greatest]
    for value in (smallest - 1, greatest + 1, 2**64, -(2**64), 10**400):
        with pytest.raises(InvalidArgumentError) as raised:
            send([[0, 0], [0, value]], data_type, 2)
        shown = f"an int of {value.bit_length()} bits" if value == 10**400 else value
        assert str(raised.value).startswith(
            f"input '{data_type}_IN': element [1][1] is {shown}, which does not fit {data_type} "
            f"({smallest} to {greatest}); "
        )


@pytest.mark.parametrize("data_type", FLOATS)
def test_the_limits_of_floats(send: Send, data_type: str) -> None:
    fraction_bits, smallest, _ = FLOATS[data_type]
    top, tiny = float(largest(data_type)), math.ldexp(1, smallest - fraction_bits)
    values = [top, -top, tiny, -tiny, tiny / 4, -0.0, math.inf, -math.inf]
    got = send(values, data_type, 1)
    assert got.astype(float).tolist() == [*values[:4], 0.0, -0.0, math.inf, -math.inf]
    assert np.signbit(got).tolist() == [value < 0 or value == 0 for value in values[:4]] + [
        False,
        True,
        False,
        True,
    ]
    assert np.isnan(send([math.nan], data_type, 1)).all()
    too_large: list[Number] = [2 ** (2 - smallest), -(10**400)]
    if data_type != "FP64":
        too_large += [top + float(largest(data_type) - largest(data_type) / 2) * 2**-fraction_bits]
    for value in too_large:
        with pytest.raises(InvalidArgumentError, match=rf"element \[1\] is .* not fit {data_type}"):
            send([0.0, value], data_type, 1)


@pytest.mark.parametrize("data_type", FLOATS)
def test_ints_are_not_rounded(send: Send, data_type: str) -> None:
    exact = 2 ** (FLOATS[data_type][0] + 1)
    assert send([exact, -exact, exact + 2], data_type, 1).astype(float).tolist() == [
        exact,
        -exact,
        exact + 2,
    ]
    with pytest.raises(InvalidArgumentError, match="does not have exactly; give a float") as raised:
        send([exact + 1], data_type, 1)
    assert f"element [0] is {exact + 1}, which {data_type}" in str(raised.value)
    assert send([float(exact + 1)], data_type, 1).astype(float).tolist() == [exact]


@pytest.mark.parametrize("data_type", ["FP16", "BF16"])
def test_every_short_float_and_what_lies_between(send: Send, data_type: str) -> None:
    infinity = {"FP16": 0x7C00, "BF16": 0x7F80}[data_type]
    positive = np.arange(infinity, dtype=np.uint16).view(dtype_of(data_type)).astype(float)
    between = (positive[:-1] + positive[1:]) / 2
    for values in (positive, between, np.nextafter(between, 0), np.nextafter(between, np.inf)):
        wanted = [stored(value, data_type) for value in values.tolist()]
        assert send(values.tolist(), data_type, 1).astype(float).tolist() == wanted
        assert send((-values).tolist(), data_type, 1).astype(float).tolist() == [
            -value for value in wanted if value is not None
        ]


NUMBERS = st.one_of(
    st.booleans(),
    st.integers(-300, 300),
    st.integers(-(2**65), 2**65),
    st.integers(0, 64).flatmap(lambda bits: st.sampled_from([2**bits, 2**bits - 1, -(2**bits)])),
    st.floats(),
    st.floats(width=32),
    st.floats(width=16),
)


@st.composite
def nested(draw: st.DrawFn) -> tuple[str, tuple[int, ...], list[Number]]:
    """A data type, a shape, and numbers of which all or most fit."""
    data_type = draw(st.sampled_from(TYPES))
    shape = draw(st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple))
    fitting = NUMBERS.filter(lambda value: stored(value, data_type) is not None)
    elements = draw(st.sampled_from([fitting, fitting, st.one_of(fitting, fitting, NUMBERS)]))
    count = math.prod(shape)
    return data_type, shape, draw(st.lists(elements, min_size=count, max_size=count))


def as_lists(shape: tuple[int, ...], values: Iterator[Number]) -> Any:
    if not shape:
        return next(values)
    made = [as_lists(shape[1:], values) for _ in range(shape[0])]
    return tuple(made) if shape[0] % 2 else made


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(nested())
def test_any_numbers(send: Send, drawn: tuple[str, tuple[int, ...], list[Number]]) -> None:
    data_type, shape, values = drawn
    if 0 in shape:  # a list cannot have what comes after that
        shape = shape[: shape.index(0) + 1]
    given_value = as_lists(shape, iter(values))
    wanted = [stored(value, data_type) for value in values]
    if None not in wanted:
        got = send(given_value, data_type, len(shape))
        expected = np.array(wanted, dtype_of(data_type)).reshape(shape)
        assert got.shape == shape
        # Any NaN will do.
        assert np.array_equal(got, expected, equal_nan=data_type in FLOATS)
        assert np.array_equal(np.signbit(got), np.signbit(expected)) or data_type not in FLOATS
        return
    place = "".join(f"[{i}]" for i in np.unravel_index(wanted.index(None), shape))
    with pytest.raises(InvalidArgumentError) as raised:
        send(given_value, data_type, len(shape))
    assert str(raised.value).startswith(f"input '{data_type}_IN': element {place} is ")


@pytest.mark.parametrize(
    ("data_type", "value", "cause"),
    [
        ("INT32", [1.5], "element [0] is 1.5, but INT32 takes int only"),
        ("INT32", [0, 1.0], "element [1] is 1.0, but INT32 takes int only"),
        ("UINT8", [math.nan], "element [0] is nan, but UINT8 takes int only"),
        ("INT32", [1, True], "element [1] is True, but INT32 takes numbers; give 0 or 1"),
        ("FP32", [[False]], "element [0][0] is False, but FP32 takes numbers; give 0 or 1"),
        ("BOOL", [True, 1], "element [1] is 1, but BOOL takes True and False only"),
        ("BOOL", [0.0], "element [0] is 0.0, but BOOL takes True and False only"),
        ("STRING", [[1]], "element [0][0] is 1, but BYTES takes str and bytes only"),
        ("FP32", [1.0, None], "element [1] is None, which is no element of a tensor"),
        ("FP32", [[1], [None]], "element [1][0] is None, which is no element of a tensor"),
        ("STRING", ["a", None], "element [1] is None, which is no element of a tensor"),
        ("FP32", [1, "2"], "element [1] is of type str, but the first is of type int"),
        ("STRING", ["2", 1], "element [1] is of type int, but the first is of type str"),
        ("FP32", [[1.0], [1.0, 2.0]], "the list is ragged: [0] has 1 items, but [1] has 2 items"),
        ("FP32", [1.0, 1j], "Triton has no data type for NumPy's complex128"),
        ("FP32", [Decimal(1)], "does not make an array of one type"),
        ("UINT8", 300, "the value is 300, which does not fit UINT8 (0 to 255)"),
        ("STRING", 1.5, "the value is 1.5, but BYTES takes str and bytes only"),
    ],
)
def test_what_is_refused(send: Send, data_type: str, value: Any, cause: str) -> None:
    with pytest.raises(InvalidArgumentError, match=re.escape(cause)) as raised:
        send(value, data_type, 1)
    assert str(raised.value).startswith(f"input '{data_type}_IN': ")
    triton_type = "BYTES" if data_type == "STRING" else data_type
    assert str(raised.value).endswith(f"takes '{data_type}_IN' {triton_type} [-1]")


def test_text_for_numbers(send: Send) -> None:
    for value in (["one"], "one", [b"1"]):
        with pytest.raises(
            InvalidArgumentError, match=r"takes 'FP32_IN' FP32 \[-1\]; given.*BYTES"
        ):
            send(value, "FP32", 1)


def test_what_has_a_data_type_keeps_it(send: Send) -> None:
    for value in (
        np.array([1.0]),
        np.array([1]),
        [np.float64(1), np.float64(2)],
        [np.float64(1), 2.0],
        [1, np.int64(2)],
        [np.array([1.0])[0]],
        np.float64(1),
        memoryview(b"12"),
    ):
        with pytest.raises(InvalidArgumentError, match=r"takes 'FP32_IN' FP32 \[-1\]; given: "):
            send(value, "FP32", 1)
    assert send([np.float32(1), np.float32(2)], "FP32", 1).tolist() == [1, 2]
    assert send([np.array([1], np.int8), [np.int8(2)]], "INT8", 2).tolist() == [[1], [2]]


def test_derived_classes_of_numbers(send: Send) -> None:
    class Color(enum.IntEnum):
        RED = 1

    class Length(float):
        def __float__(self) -> float:
            raise AssertionError("is not asked")

        __repr__ = object.__repr__

    assert send([Color.RED, 2], "INT8", 1).tolist() == [1, 2]
    assert send([Length(1.5)], "FP32", 1).tolist() == [1.5]
    with pytest.raises(InvalidArgumentError, match=r"element \[0\] is 1.5, but INT8"):
        send([Length(1.5)], "INT8", 1)


def test_lists_that_change_while_they_are_read(send: Send) -> None:
    class Growing(list[float]):
        def __iter__(self) -> Iterator[float]:
            outer.append([1.0] * 1000)
            return super().__iter__()

    class Emptying(list[float]):
        def __iter__(self) -> Iterator[float]:
            outer.clear()
            return iter([1.0 * len(self), 2.0])

    for odd in (Growing, Emptying):
        outer: list[Any] = [[float(i), float(i + 1)] for i in range(100)]
        outer.insert(50, odd([0.5, 0.5]))
        with pytest.raises(InvalidArgumentError, match="input 'FP32_IN': the list changed"):
            send(outer, "FP32", 2)


def test_derived_classes_of_lists_say_what_is_in_them(send: Send) -> None:
    class Doubled(list[float]):
        def __iter__(self) -> Iterator[float]:
            return (2.0 * value for value in super().__iter__())

    assert send(Doubled([1, 2]), "FP32", 1).tolist() == [2, 4]
    assert send([Doubled([1, 2]), [3, 4]], "FP32", 2).tolist() == [[2, 4], [3, 4]]


def test_a_list_in_itself(send: Send) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidArgumentError, match="nested more than 64 levels deep"):
        send(endless, "FP32", 1)


def test_every_way_to_send(server: tritonserver.Server) -> None:
    model = server.model("identity_fp32")
    sequences = server.model("identity_sequence")
    inputs = {"INPUT0": [1, 2.5]}
    request = model.create_request(inputs=inputs)

    async def sent() -> list[tritonserver.InferenceResponse]:
        return [response async for response in model.async_infer(inputs=inputs)]

    with sequences.sequence() as sequence:
        outputs = [
            model.infer(inputs=inputs).next().outputs,
            model.infer(request).next().outputs,
            model(inputs),
            model(INPUT0=[1, 2.5]),
            asyncio.run(model.call_async(inputs)),
            asyncio.run(sent())[0].outputs,
            model.bind(inputs=inputs).run(),
            server.model("ensemble")(inputs),
            sequence.infer(inputs={"INPUT0": [[1, 2.5]]}).next().outputs,
        ]
    assert len(outputs) == 9
    assert all(each["OUTPUT0"].to_numpy().ravel().tolist() == [1, 2.5] for each in outputs)
    request.inputs["INPUT0"] = [1e39]  # type: ignore[index] # a dict
    for send_it in (
        lambda: model.infer(request),
        lambda: model.bind(inputs=request.inputs),
        lambda: sequences.sequence(5).infer(inputs=request.inputs),
    ):
        with pytest.raises(InvalidArgumentError, match=r"element \[0\] is 1e\+39, which does not"):
            send_it()


def test_inputs_of_bound_requests_are_read_once(server: tritonserver.Server) -> None:
    values = [1.5, 2.5]
    bound = server.model("identity_fp32").bind(inputs={"INPUT0": values})
    values[0] = 9
    assert bound.run()["OUTPUT0"].to_numpy().tolist() == [1.5, 2.5]


def test_models_and_inputs_that_there_are_not(server: tritonserver.Server) -> None:
    with pytest.raises(tritonserver.NotFoundError, match="missing"):
        server.model("missing")(INPUT0=[1.0])
    with pytest.raises(InvalidArgumentError, match=r"did you mean 'INPUT0'.*given: 'INPT0' FP64"):
        server.model("identity_fp32")(INPT0=[1.0])


def test_the_type_follows_the_model(tmp_path: Path) -> None:
    """What is remembered of a model ends with its reload."""
    config = tmp_path / "m" / "config.pbtxt"
    (config.parent / "1").mkdir(parents=True)

    def write(data_type: str) -> None:
        tensor = f'name: "X" data_type: TYPE_{data_type} dims: [ -1 ]'
        config.write_text(
            f'backend: "identity" input {{ {tensor} }} '
            f"output {{ {tensor.replace('X', 'Y')} }}  # {data_type}"
        )

    mode = tritonserver.ModelControlMode.EXPLICIT
    with tritonserver.Server(model_repository=tmp_path, model_control_mode=mode) as server:
        for data_type in ("FP32", "INT8", "FP64", "UINT64"):
            write(data_type)
            model = server.load("m")
            assert model(X=[1, 2])["Y"].data_type.name == data_type
            server.unload("m", wait_until_unloaded=True)
