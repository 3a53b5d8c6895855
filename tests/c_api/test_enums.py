"""The enumerations and the functions that name their members."""

import copy
import enum
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

MEMBERS = {
    "TRITONSERVER_DataType": dict(
        INVALID=0, BOOL=1, UINT8=2, UINT16=3, UINT32=4, UINT64=5, INT8=6, INT16=7, INT32=8,
        INT64=9, FP16=10, FP32=11, FP64=12, BYTES=13, BF16=14,
    ),
    "TRITONSERVER_Error_Code": dict(
        UNKNOWN=0, INTERNAL=1, NOT_FOUND=2, INVALID_ARG=3, UNAVAILABLE=4, UNSUPPORTED=5,
        ALREADY_EXISTS=6, CANCELLED=7,
    ),
    "TRITONSERVER_InferenceTraceActivity": dict(
        REQUEST_START=0, QUEUE_START=1, COMPUTE_START=2, COMPUTE_INPUT_END=3,
        COMPUTE_OUTPUT_START=4, COMPUTE_END=5, REQUEST_END=6, TENSOR_QUEUE_INPUT=7,
        TENSOR_BACKEND_INPUT=8, TENSOR_BACKEND_OUTPUT=9, CUSTOM_ACTIVITY=10,
    ),
    "TRITONSERVER_InferenceTraceLevel": dict(DISABLED=0, MIN=1, MAX=2, TIMESTAMPS=4, TENSORS=8),
    "TRITONSERVER_InstanceGroupKind": dict(AUTO=0, CPU=1, GPU=2, MODEL=3),
    "TRITONSERVER_LogFormat": dict(DEFAULT=0, ISO8601=1),
    "TRITONSERVER_LogLevel": dict(INFO=0, WARN=1, ERROR=2, VERBOSE=3),
    "TRITONSERVER_MemoryType": dict(CPU=0, CPU_PINNED=1, GPU=2),
    "TRITONSERVER_MetricFormat": dict(PROMETHEUS=0),
    "TRITONSERVER_MetricKind": dict(COUNTER=0, GAUGE=1, HISTOGRAM=2),
    "TRITONSERVER_ModelBatchFlag": dict(UNKNOWN=1, FIRST_DIM=2),
    "TRITONSERVER_ModelControlMode": dict(NONE=0, POLL=1, EXPLICIT=2),
    "TRITONSERVER_ModelIndexFlag": dict(READY=1),
    "TRITONSERVER_ModelTxnPropertyFlag": dict(ONE_TO_ONE=1, DECOUPLED=2),
    "TRITONSERVER_ParameterType": dict(STRING=0, INT=1, BOOL=2, DOUBLE=3, BYTES=4),
    "TRITONSERVER_RateLimitMode": dict(OFF=0, EXEC_COUNT=1),
    "TRITONSERVER_RequestFlag": dict(SEQUENCE_START=1, SEQUENCE_END=2),
    "TRITONSERVER_RequestReleaseFlag": dict(ALL=1, RESCHEDULE=2),
    "TRITONSERVER_ResponseCompleteFlag": dict(FINAL=1),
}  # fmt: skip

# Their members are names of the module, too.
EXPORTED = [
    "TRITONSERVER_InferenceTraceActivity",
    "TRITONSERVER_InferenceTraceLevel",
    "TRITONSERVER_ModelBatchFlag",
    "TRITONSERVER_ModelIndexFlag",
    "TRITONSERVER_ModelTxnPropertyFlag",
    "TRITONSERVER_RequestFlag",
    "TRITONSERVER_RequestReleaseFlag",
    "TRITONSERVER_ResponseCompleteFlag",
]
ALL_MEMBERS = [
    (name, member, number)
    for name, members in MEMBERS.items()
    for member, number in members.items()
]


def test_all_are_there() -> None:
    found = {
        name
        for name, value in vars(tb).items()
        if isinstance(value, type) and issubclass(value, enum.Enum)
    }
    assert found == set(MEMBERS)
    for name, members in MEMBERS.items():
        enumeration = getattr(tb, name)
        assert {key: int(value) for key, value in enumeration.__members__.items()} == members
        assert enumeration.__doc__.endswith(".")
        assert all(member.__doc__ for member in enumeration.__members__.values())


@pytest.mark.parametrize(("name", "member", "number"), ALL_MEMBERS)
def test_member(name: str, member: str, number: int) -> None:
    enumeration = getattr(tb, name)
    value = getattr(enumeration, member)
    assert value.name == member
    assert value.value == int(value) == hash(value) == number
    assert value == number
    assert value != member
    assert str(value) == f"{value}" == f"{name}.{member}"
    assert repr(value) == f"<{name}.{member}: {number}>"
    assert f"{value:>60}" == f"{name}.{member}".rjust(60)
    assert enumeration(number) is value
    assert pickle.loads(pickle.dumps(value)) is value
    assert copy.deepcopy(value) is value
    assert list(range(20))[value] == number
    assert (getattr(tb, member, None) is value) == (name in EXPORTED)


@pytest.mark.parametrize("name", MEMBERS)
def test_number_that_has_no_name(name: str) -> None:
    enumeration = getattr(tb, name)
    value = enumeration(64)
    assert value == value.value == hash(value) == 64
    assert isinstance(value, enumeration)
    assert str(value).startswith(f"{name}")
    assert "64" in repr(value)
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    assert "64" not in enumeration.__members__


def test_flags_combine() -> None:
    flags = tb.TRITONSERVER_RequestFlag
    both = flags.SEQUENCE_START | flags.SEQUENCE_END
    assert both == int(flags.SEQUENCE_START) | int(flags.SEQUENCE_END) == 3
    assert both & flags.SEQUENCE_END == flags.SEQUENCE_END


SIZES = dict(
    BOOL=1, UINT8=1, UINT16=2, UINT32=4, UINT64=8, INT8=1, INT16=2, INT32=4, INT64=8, FP16=2,
    BF16=2, FP32=4, FP64=8, BYTES=0, INVALID=0,
)  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_data_type(name: str) -> None:
    data_type = getattr(tb.TRITONSERVER_DataType, name)
    text = "<invalid>" if name == "INVALID" else name
    assert tb.TRITONSERVER_DataTypeString(data_type) == text
    assert tb.TRITONSERVER_StringToDataType(text) is data_type
    assert tb.TRITONSERVER_DataTypeByteSize(data_type) == SIZES[name]


@pytest.mark.parametrize("name", ["", "fp32", "FP33", "TYPE_FP32"])
def test_unknown_data_type(name: str) -> None:
    assert tb.TRITONSERVER_StringToDataType(name) is tb.TRITONSERVER_DataType.INVALID


@pytest.mark.parametrize(
    ("function", "enumeration"),
    [
        (tb.TRITONSERVER_MemoryTypeString, tb.TRITONSERVER_MemoryType),
        (tb.TRITONSERVER_InstanceGroupKindString, tb.TRITONSERVER_InstanceGroupKind),
        (tb.TRITONSERVER_InferenceTraceActivityString, tb.TRITONSERVER_InferenceTraceActivity),
        (tb.TRITONSERVER_InferenceTraceLevelString, tb.TRITONSERVER_InferenceTraceLevel),
        (tb.TRITONSERVER_ParameterTypeString, tb.TRITONSERVER_ParameterType),
    ],
)
def test_names_of_members(function: Callable[[Any], str], enumeration: Any) -> None:
    for name, member in enumeration.__members__.items():
        assert function(member) == name
