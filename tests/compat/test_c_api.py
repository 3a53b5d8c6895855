"""The part of the C API that a release has, and what becomes of the rest."""

import ctypes
import pathlib
import re
from collections.abc import Callable
from typing import Any

import pytest

import tritonserver
from tritonserver._c import triton_bindings as tb

# Each function, without TRITONSERVER_, and the first release that has it.
FUNCTIONS = dict(
    re.findall(
        r'^TRITON_FUNCTION\((\w+), .*, "([\d.]+)"\)$',
        pathlib.Path("native/triton/functions.def").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
)
OLDEST = "23.12"


def test_release_is_the_one_expected(release: Any, server: tritonserver.Server) -> None:
    assert tb.api_version() == release.c_api
    assert server.metadata()["version"] == release.triton


def test_core_has_the_functions_of_its_release_and_no_others(
    release: Any, server: tritonserver.Server
) -> None:
    core = ctypes.CDLL(tb._loaded_library())
    found = {name for name in FUNCTIONS if hasattr(core, f"TRITONSERVER_{name}")}
    assert found == {name for name, since in FUNCTIONS.items() if release.has(since)}


def options() -> tb.TRITONSERVER_ServerOptions:
    return tb.TRITONSERVER_ServerOptions()


def trace() -> tb.TRITONSERVER_InferenceTrace:
    level = tb.TRITONSERVER_InferenceTraceLevel.TIMESTAMPS
    return tb.TRITONSERVER_InferenceTrace(level, 0, ignore, ignore, None)


def ignore(*_: object) -> None:
    pass


def request(server: tb.TRITONSERVER_Server) -> tb.TRITONSERVER_InferenceRequest:
    server.load_model("identity_fp32")
    return tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)


def counters() -> tb.TRITONSERVER_MetricFamily:
    return tb.TRITONSERVER_MetricFamily(tb.TRITONSERVER_MetricKind.COUNTER, "calls", "how many")


def histogram() -> tb.TRITONSERVER_Metric:
    kind = tb.TRITONSERVER_MetricKind.HISTOGRAM
    family = tb.TRITONSERVER_MetricFamily(kind, "sizes", "of how many which size")
    args = tb.TRITONSERVER_MetricArgs()
    args.set_histogram([1.0, 2.0])
    return tb.TRITONSERVER_Metric(family, [], args)


def observe() -> None:
    try:
        metric = histogram()
    except tb.UnsupportedError:
        metric = tb.TRITONSERVER_Metric(counters(), [])
    metric.observe(1.5)


# How a program calls each function that the oldest release lacks, and nothing takes the place of.
NEWER: dict[str, Callable[[tb.TRITONSERVER_Server], object]] = {
    "ServerOptionsSetModelLoadRetryCount": lambda _: options().set_model_load_retry_count(1),
    "ServerOptionsSetModelConfigName": lambda _: options().set_model_config_name("fast"),
    "ServerOptionsSetEnablePeerAccess": lambda _: options().set_enable_peer_access(False),
    "ServerSetExitTimeout": lambda server: server.set_exit_timeout(10),
    "InferenceRequestSetDoubleParameter": lambda server: request(server).set_double_parameter(
        "half", 0.5
    ),
    "InferenceTraceContext": lambda _: trace().context,
    "InferenceTraceSetContext": lambda _: setattr(trace(), "context", "{}"),
    "InferenceTraceReportActivity": lambda _: trace().report_activity(1, "step"),
    "GetMetricFamilyKind": lambda _: counters().kind,
    "MetricArgsNew": lambda _: tb.TRITONSERVER_MetricArgs(),
    "MetricArgsSetHistogram": lambda _: histogram(),
    "MetricArgsDelete": lambda _: histogram(),
    "MetricNewWithArgs": lambda _: histogram(),
    "MetricObserve": lambda _: observe(),
}
# What these take cannot even be made.
MISSED_FIRST = {
    "MetricArgsSetHistogram": "MetricArgsNew",
    "MetricArgsDelete": "MetricArgsNew",
    "MetricNewWithArgs": "MetricArgsNew",
}


def test_no_newer_function_is_left_out() -> None:
    newer = {name for name, since in FUNCTIONS.items() if since > OLDEST}
    assert {*NEWER, "ServerOptionsSetLogCallback"} == newer


def test_log_callback(release: Any, server: tritonserver.Server) -> None:
    """No release here has callbacks; the package reads the log."""
    messages: list[str] = []
    options = tb.TRITONSERVER_ServerOptions()
    options.set_model_repository_path("tests/models/native")
    options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
    options.set_log_error(True)
    options.set_log_callback(lambda *record: messages.append(record[4]))
    other = tb.TRITONSERVER_Server(options)
    tb.TRITONSERVER_LogMessage(tb.TRITONSERVER_LogLevel.ERROR, "here.py", 1, 'say "hello"')
    assert 'say "hello"' in messages
    other.stop()
    options.set_log_error(False)


@pytest.mark.parametrize("function", NEWER)
def test_newer_function(release: Any, server: tritonserver.Server, function: str) -> None:
    since = FUNCTIONS[function]
    if release.has(since):
        NEWER[function](server._server)
        return
    with pytest.raises(tb.UnsupportedError) as raised:
        NEWER[function](server._server)
    missed = MISSED_FIRST.get(function, function)
    assert str(raised.value) == (
        f"TRITONSERVER_{missed} needs Triton {since} or later; "
        f"the core at {tb._loaded_library()} is release {release.name}"
    )


def test_types_of_parameters(release: Any, server: tritonserver.Server) -> None:
    """24.02 put DOUBLE in the place of BYTES, which no program notices."""
    types = tb.TRITONSERVER_ParameterType
    assert tb.TRITONSERVER_ParameterTypeString(types.BYTES) == "BYTES"
    tb.TRITONSERVER_Parameter("content", b"\0\1")
    if release.has("24.02"):
        # The core forgot the name at first.
        name = "DOUBLE" if release.has("24.06") else "<invalid>"
        assert tb.TRITONSERVER_ParameterTypeString(types.DOUBLE) == name
        return
    with pytest.raises(tb.UnsupportedError, match=r"DOUBLE need Triton 24\.02 or later") as raised:
        tb.TRITONSERVER_ParameterTypeString(types.DOUBLE)
    assert str(raised.value).endswith(f"is release {release.name}")


def test_parameter_object_of_type_double(release: Any, server: tritonserver.Server) -> None:
    """Requests have such parameters from 24.02 on; the core makes no object of them at first."""
    if release.has("24.06"):
        tb.TRITONSERVER_Parameter("half", 0.5)
        return
    with pytest.raises(tb.UnsupportedError, match=r"DOUBLE need Triton 24\.06 or later") as raised:
        tb.TRITONSERVER_Parameter("half", 0.5)
    assert str(raised.value).endswith(f"is release {release.name}")
