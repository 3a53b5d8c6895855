"""A fault of any function of the C API becomes an exception, and nothing is lost by it."""

import pathlib
import re
import runpy
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

Call = Callable[[str, str], Any]

# Each function, without TRITONSERVER_: what it returns and takes.
SIGNATURES = {
    name: (result, parameters)
    for name, result, parameters in re.findall(
        r"^TRITON_FUNCTION\((\w+), ([\w* ]+), \((.*)\), \"[\d.]+\"\)$",
        pathlib.Path("native/triton/functions.def").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}
# Called when an object is dropped: there is nobody to tell.
DELETE = [name for name in SIGNATURES if name.endswith("Delete")]
CALLED = [name for name in SIGNATURES if name not in DELETE]
MAKE_OBJECTS = [
    name
    for name, (result, parameters) in SIGNATURES.items()
    if re.search(r"TRITONSERVER_\w+\*\* (?!mapping|parameters|labels)", parameters)
    or name in ("ErrorNew", "ParameterNew", "ParameterBytesNew")
]
RETURN_TEXT = [
    name
    for name, (result, parameters) in SIGNATURES.items()
    if result == "const char*" or "const char** " in parameters
]
RETURN_ERRORS = [
    name for name in CALLED if SIGNATURES[name][0] == "TRITONSERVER_Error*" and name != "ErrorNew"
]
# What may wait for anything: a lock of the core's, files, models or callbacks.
MAY_WAIT = [
    "InferenceRequestNew",
    "InferenceResponseDelete",
    "InferenceTraceReportActivity",
    "LogMessage",
    "MetricDelete",
    "MetricFamilyDelete",
    "MetricFamilyNew",
    "MetricNew",
    "MetricNewWithArgs",
    "MetricsFormatted",
    "ServerDelete",
    "ServerInferAsync",
    "ServerIsReady",
    "ServerLoadModel",
    "ServerLoadModelWithParameters",
    "ServerModelBatchProperties",
    "ServerModelConfig",
    "ServerModelIndex",
    "ServerModelIsReady",
    "ServerModelMetadata",
    "ServerModelStatistics",
    "ServerModelTransactionProperties",
    "ServerNew",
    "ServerOptionsSetLogFile",
    "ServerPollModelRepository",
    "ServerRegisterModelRepository",
    "ServerStop",
    "ServerUnloadModel",
    "ServerUnloadModelAndDependents",
    "ServerUnregisterModelRepository",
]


def test_no_function_is_forgotten() -> None:
    calls = runpy.run_path(str(pathlib.Path(__file__).with_name("calls.py")))["CALLS"]
    assert calls.keys() == SIGNATURES.keys()
    assert len(SIGNATURES) == 173


@pytest.mark.parametrize("function", SIGNATURES)
def test_without_a_fault(call: Call, function: str) -> None:
    call(function, "none")


@pytest.fixture
def fail(core: Any, call: Call) -> Callable[[str, str], None]:
    """Call a function that has a fault."""

    def fail(function: str, fault: str) -> None:
        # Nobody knows what still runs in a server that could not be stopped.
        core.leaked = function == "ServerStop"
        call(function, fault)

    return fail


@pytest.mark.parametrize("function", RETURN_ERRORS)
def test_error(fail: Call, function: str) -> None:
    with pytest.raises(tb.AlreadyExistsError) as raised:
        fail(function, "error")
    assert raised.value.args == (f"injected into {function}",)


@pytest.mark.parametrize("function", CALLED)
def test_exception(fail: Call, function: str) -> None:
    with pytest.raises(tb.InternalError) as raised:
        fail(function, "exception")
    assert raised.value.args == (f"TRITONSERVER_{function} failed: injected into {function}",)


@pytest.mark.parametrize("function", CALLED)
def test_exception_of_an_unknown_kind(fail: Call, function: str) -> None:
    with pytest.raises(tb.InternalError, match=f"^TRITONSERVER_{function} failed: "):
        fail(function, "other exception")


@pytest.mark.parametrize("fault", ["error", "exception", "other exception"])
@pytest.mark.parametrize("function", DELETE)
def test_fault_of_a_destructor(call: Call, function: str, fault: str) -> None:
    call(function, fault)


@pytest.mark.parametrize("function", MAKE_OBJECTS)
def test_no_object(call: Call, function: str) -> None:
    with pytest.raises(tb.InternalError, match=f"^TRITONSERVER_{function} made no object$"):
        call(function, "null")


@pytest.mark.parametrize("function", RETURN_TEXT)
def test_no_text(call: Call, function: str) -> None:
    result = call(function, "null")
    assert (result[0] if isinstance(result, tuple) else result) == ""


@pytest.mark.parametrize("function", MAY_WAIT)
def test_others_run_meanwhile(core: Any, call: Call, function: str) -> None:
    """It would never be resumed if it waited with the GIL."""
    resumed: list[bool] = []
    other = threading.Thread(target=lambda: resumed.append(core.resume()))
    other.start()
    call(function, "block")
    other.join()
    assert resumed == [True]
