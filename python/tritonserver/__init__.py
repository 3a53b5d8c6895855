"""Triton Inference Server in this process.

>>> import tritonserver
>>> with tritonserver.Server(model_repository="models") as server:  # doctest: +SKIP
...     for response in server.model("test").infer(inputs={"string_input": [["hello world!"]]}):
...         print(response.outputs["string_output"].to_string_array())
[['hello world!']]
"""

import importlib
from typing import TYPE_CHECKING

from tritonserver import _c
from tritonserver._api import _home, _log_callback
from tritonserver._api._allocators import MemoryAllocator, default_memory_allocators
from tritonserver._api._dlpack import DLDeviceType
from tritonserver._api._enums import (
    DataType,
    InstanceGroupKind,
    LogFormat,
    LogLevel,
    MemoryType,
    MetricFormat,
    MetricKind,
    ModelBatchFlag,
    ModelControlMode,
    ModelTxnPropertyFlag,
    RateLimitMode,
    TraceActivity,
)
from tritonserver._api._memorybuffer import MemoryBuffer
from tritonserver._api._metrics import Metric, MetricFamily
from tritonserver._api._model import Model
from tritonserver._api._request import InferenceRequest
from tritonserver._api._response import AsyncResponseIterator, InferenceResponse, ResponseIterator
from tritonserver._api._tensor import Tensor
from tritonserver._c.triton_bindings import (
    AlreadyExistsError,
    CancelledError,
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    TritonError,
    UnavailableError,
    UnknownError,
    UnsupportedError,
)

__all__ = [
    "AlreadyExistsError",
    "AsyncResponseIterator",
    "CancelledError",
    "Classification",
    "DLDeviceType",
    "DataType",
    "InferenceRequest",
    "InferenceResponse",
    "InstanceGroupKind",
    "InternalError",
    "InvalidArgumentError",
    "LogFormat",
    "LogLevel",
    "LogMessage",
    "MemoryAllocator",
    "MemoryBuffer",
    "MemoryType",
    "Metric",
    "MetricFamily",
    "MetricFormat",
    "MetricKind",
    "MetricSample",
    "Model",
    "ModelBatchFlag",
    "ModelConfiguration",
    "ModelControlMode",
    "ModelDictionary",
    "ModelIndexEntry",
    "ModelLoadDeviceLimit",
    "ModelMetadata",
    "ModelStatistics",
    "ModelTxnPropertyFlag",
    "NotFoundError",
    "OpenTelemetryTrace",
    "Options",
    "OptionsKwargs",
    "RateLimitMode",
    "RateLimiterResource",
    "ReportedMetricFamily",
    "RequestedOutput",
    "ResponseIterator",
    "Server",
    "ServerMetadata",
    "Tensor",
    "Trace",
    "TraceActivity",
    "TraceSpan",
    "TraceTensor",
    "TritonError",
    "UnavailableError",
    "UnknownError",
    "UnsupportedError",
    "default_memory_allocators",
    "parse_metrics",
]

_c.triton_bindings._set_home_locator(_home.locate_core)
_c.triton_bindings._set_home_activator(_home.activate_home)
_c.triton_bindings._set_log_callback_installer(_log_callback.install_log_callback)

# What only a program that runs a server, or looks closely, needs is imported when it is first used.
if TYPE_CHECKING:
    from tritonserver import runtime as runtime
    from tritonserver._api._classification import Classification, RequestedOutput
    from tritonserver._api._logging import LogMessage
    from tritonserver._api._metrics_report import MetricSample, ReportedMetricFamily, parse_metrics
    from tritonserver._api._model_dictionary import ModelDictionary
    from tritonserver._api._model_documents import (
        ModelConfiguration,
        ModelMetadata,
        ModelStatistics,
    )
    from tritonserver._api._opentelemetry import OpenTelemetryTrace
    from tritonserver._api._options import (
        ModelLoadDeviceLimit,
        Options,
        OptionsKwargs,
        RateLimiterResource,
    )
    from tritonserver._api._server import ModelIndexEntry, Server, ServerMetadata
    from tritonserver._api._tracing import Trace, TraceSpan, TraceTensor

    __version__: str
else:
    _LATER = {
        "Classification": "_classification",
        "LogMessage": "_logging",
        "MetricSample": "_metrics_report",
        "ModelConfiguration": "_model_documents",
        "ModelDictionary": "_model_dictionary",
        "ModelIndexEntry": "_server",
        "ModelLoadDeviceLimit": "_options",
        "ModelMetadata": "_model_documents",
        "ModelStatistics": "_model_documents",
        "OpenTelemetryTrace": "_opentelemetry",
        "Options": "_options",
        "OptionsKwargs": "_options",
        "RateLimiterResource": "_options",
        "ReportedMetricFamily": "_metrics_report",
        "RequestedOutput": "_classification",
        "Server": "_server",
        "ServerMetadata": "_server",
        "Trace": "_tracing",
        "TraceSpan": "_tracing",
        "TraceTensor": "_tracing",
        "parse_metrics": "_metrics_report",
    }

    def __getattr__(name: str) -> object:
        if name == "__version__":
            value = _version()
        elif name == "runtime":
            value = importlib.import_module("tritonserver.runtime")
        elif name in _LATER:
            value = getattr(importlib.import_module(f"tritonserver._api.{_LATER[name]}"), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals().setdefault(name, value)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER, "__version__", "runtime"})

    def _version() -> str:
        from importlib import metadata  # takes as long as all the rest

        try:
            return metadata.version("tritonserver")
        except metadata.PackageNotFoundError:
            return "UNKNOWN"
