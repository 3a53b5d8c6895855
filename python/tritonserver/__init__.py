"""Triton Inference Server in this process.

>>> import tritonserver
>>> with tritonserver.Server(model_repository="models") as server:  # doctest: +SKIP
...     for response in server.model("test").infer(inputs={"string_input": [["hello world!"]]}):
...         print(response.outputs["string_output"].to_string_array())
[['hello world!']]
"""

from typing import TYPE_CHECKING

from tritonserver import _c
from tritonserver._api._allocators import MemoryAllocator, default_memory_allocators
from tritonserver._api._classification import Classification, RequestedOutput
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
from tritonserver._api._home import locate_core
from tritonserver._api._logging import LogMessage
from tritonserver._api._memorybuffer import MemoryBuffer
from tritonserver._api._metrics import Metric, MetricFamily
from tritonserver._api._metrics_report import MetricSample, ReportedMetricFamily, parse_metrics
from tritonserver._api._model import Model
from tritonserver._api._model_dictionary import ModelDictionary
from tritonserver._api._opentelemetry import OpenTelemetryTrace
from tritonserver._api._options import ModelLoadDeviceLimit, Options, RateLimiterResource
from tritonserver._api._request import InferenceRequest
from tritonserver._api._response import AsyncResponseIterator, InferenceResponse, ResponseIterator
from tritonserver._api._server import Server
from tritonserver._api._tensor import Tensor
from tritonserver._api._tracing import Trace, TraceSpan, TraceTensor
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
    "ModelControlMode",
    "ModelDictionary",
    "ModelLoadDeviceLimit",
    "ModelTxnPropertyFlag",
    "NotFoundError",
    "OpenTelemetryTrace",
    "Options",
    "RateLimitMode",
    "RateLimiterResource",
    "ReportedMetricFamily",
    "RequestedOutput",
    "ResponseIterator",
    "Server",
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

_c.triton_bindings._set_home_locator(locate_core)


if TYPE_CHECKING:  # which would believe in any attribute if it saw the function
    __version__: str
else:

    def __getattr__(name: str) -> str:
        # Not at import, because importlib.metadata takes as long as all the rest.
        if name == "__version__":
            from importlib import metadata

            try:
                return metadata.version("tritonserver")
            except metadata.PackageNotFoundError:
                return "UNKNOWN"
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
