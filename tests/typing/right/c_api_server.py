"""The C API one to one: everything but inference."""

from typing_extensions import assert_type

from tritonserver._c import triton_bindings as t

assert_type(t.api_version(), tuple[int, int])
assert_type(t.TRITONSERVER_StringToDataType("FP32"), t.TRITONSERVER_DataType)
assert_type(t.TRITONSERVER_DataTypeString(t.TRITONSERVER_DataType.BYTES), str)
assert_type(t.TRITONSERVER_DataTypeByteSize(t.TRITONSERVER_DataType.FP64), int)
t.TRITONSERVER_MemoryTypeString(t.TRITONSERVER_MemoryType.CPU_PINNED)
t.TRITONSERVER_ParameterTypeString(t.TRITONSERVER_ParameterType.DOUBLE)
t.TRITONSERVER_InstanceGroupKindString(t.TRITONSERVER_InstanceGroupKind.MODEL)
t.TRITONSERVER_InferenceTraceLevelString(t.TIMESTAMPS)
t.TRITONSERVER_InferenceTraceActivityString(t.REQUEST_START)
assert_type(t.TRITONSERVER_LogIsEnabled(t.TRITONSERVER_LogLevel.VERBOSE), bool)
t.TRITONSERVER_LogMessage(t.TRITONSERVER_LogLevel.INFO, "file.py", 1, "message")

error = t.TRITONSERVER_Error(t.TRITONSERVER_Error_Code.NOT_FOUND, "no such thing")
assert_type(error.code, t.TRITONSERVER_Error_Code)
assert_type(error.code_string + error.message, str)

options = t.TRITONSERVER_ServerOptions()
options.set_server_id("typed")
options.set_model_repository_path("models")
options.set_model_control_mode(t.TRITONSERVER_ModelControlMode.EXPLICIT)
options.set_rate_limiter_mode(t.TRITONSERVER_RateLimitMode.OFF)
options.set_log_format(t.TRITONSERVER_LogFormat.DEFAULT)
options.set_model_load_device_limit(t.TRITONSERVER_InstanceGroupKind.GPU, 0, 0.5)
options.set_exit_timeout(5)


def log(level: t.TRITONSERVER_LogLevel, file: str, line: int, time: int, message: str) -> None:
    print(level, file, line, time, message)


options.set_log_callback(log)
options.set_log_callback(None)

server = t.TRITONSERVER_Server(options)
assert_type(server.is_live() and server.is_ready(), bool)
assert_type(server.model_batch_properties("test", -1), tuple[int, int])
server.load_model_with_parameters(
    "test",
    [
        t.TRITONSERVER_Parameter("config", "{}"),
        t.TRITONSERVER_Parameter("file:1/model.py", b"..."),
    ],
)
for message in (
    server.metadata(),
    server.model_config("test", -1, 1),
    server.model_index(t.TRITONSERVER_ModelIndexFlag.READY),
    t.TRITONSERVER_Message("{}"),
):
    assert_type(message, t.TRITONSERVER_Message)
    assert_type(message.serialize_to_json(), str)
flags, _ = server.model_transaction_properties("test", -1)
assert_type(t.TRITONSERVER_ModelTxnPropertyFlag(flags), t.TRITONSERVER_ModelTxnPropertyFlag)
assert_type(t.TRITONSERVER_ModelBatchFlag(1), t.TRITONSERVER_ModelBatchFlag)

metrics = server.metrics()
assert_type(metrics, t.TRITONSERVER_Metrics)
assert_type(metrics.formatted(t.TRITONSERVER_MetricFormat.PROMETHEUS), str)
family = t.TRITONSERVER_MetricFamily(t.TRITONSERVER_MetricKind.HISTOGRAM, "sizes", "Bytes")
args = t.TRITONSERVER_MetricArgs()
args.set_histogram([1, 2.5])
metric = t.TRITONSERVER_Metric(family, [t.TRITONSERVER_Parameter("label", "x")], args)
metric.observe(2)
assert_type(metric.kind, t.TRITONSERVER_MetricKind)
assert_type(t.TRITONSERVER_Metric(family, []).value, float)

attributes = t.TRITONSERVER_BufferAttributes()
attributes.memory_type = t.TRITONSERVER_MemoryType.GPU
attributes.byte_size = 16
assert_type(attributes.byte_size + attributes.memory_type_id + attributes.cuda_ipc_handle, int)

raised: type[t.TritonError]
for raised in (
    t.AlreadyExistsError,
    t.CancelledError,
    t.InternalError,
    t.InvalidArgumentError,
    t.NotFoundError,
    t.UnavailableError,
    t.UnknownError,
    t.UnsupportedError,
):
    print(raised.__doc__)
server.stop()
