"""How a program reaches each function of the C API, with arguments that are right."""

import concurrent.futures
from collections.abc import Callable
from typing import Any

from tritonserver._c import triton_bindings as tb

CPU = tb.TRITONSERVER_MemoryType.CPU
FP32 = tb.TRITONSERVER_DataType.FP32
GAUGE = tb.TRITONSERVER_MetricKind.GAUGE


class Objects:
    """An object of each kind, and those of a server."""

    def __init__(self, server: tb.TRITONSERVER_Server) -> None:
        self.allocator = tb.TRITONSERVER_ResponseAllocator(lambda *_: (1, None, CPU, 0), ignore)
        self.args = tb.TRITONSERVER_MetricArgs()
        self.attributes = tb.TRITONSERVER_BufferAttributes()
        self.error = tb.TRITONSERVER_Error(tb.TRITONSERVER_Error_Code.UNKNOWN, "unknown")
        self.family = tb.TRITONSERVER_MetricFamily(GAUGE, "family", "")
        self.message = tb.TRITONSERVER_Message("{}")
        self.metric = tb.TRITONSERVER_Metric(self.family, [])
        self.options = tb.TRITONSERVER_ServerOptions()
        self.parameter = tb.TRITONSERVER_Parameter("name", "value")
        self.server = server
        self.metrics = server.metrics()
        self.request = tb.TRITONSERVER_InferenceRequest(server, "model", -1)
        self.unsent = tb.TRITONSERVER_InferenceRequest(server, "model", -1)
        self.trace = new_trace()
        released: list[tb.TRITONSERVER_InferenceTrace] = []
        server.infer_async(self.request, new_trace(lambda trace, _: released.append(trace)))
        self.released_trace = released.pop()
        response = concurrent.futures.Future[Any]()
        self.request.get_next_response(response)
        self.response: tb.TRITONSERVER_InferenceResponse = response.result(timeout=10)[0]

    def drop(self, *names: str) -> None:
        for name in names:
            delattr(self, name)


def ignore(*_: object) -> None:
    pass


def new_trace(release: Callable[..., object] = ignore) -> tb.TRITONSERVER_InferenceTrace:
    return tb.TRITONSERVER_InferenceTrace(0, 0, ignore, release, None)


def new_tensor_trace() -> tb.TRITONSERVER_InferenceTrace:
    return tb.TRITONSERVER_InferenceTrace(0, 0, ignore, ignore, ignore, None)


CALLS: dict[str, Callable[[Objects], object]] = {
    "ApiVersion": lambda _: tb.api_version(),
    "DataTypeString": lambda _: tb.TRITONSERVER_DataTypeString(FP32),
    "StringToDataType": lambda _: tb.TRITONSERVER_StringToDataType("FP32"),
    "DataTypeByteSize": lambda _: tb.TRITONSERVER_DataTypeByteSize(FP32),
    "MemoryTypeString": lambda _: tb.TRITONSERVER_MemoryTypeString(CPU),
    "ParameterTypeString": lambda _: tb.TRITONSERVER_ParameterTypeString(
        tb.TRITONSERVER_ParameterType.INT
    ),
    "ParameterNew": lambda _: tb.TRITONSERVER_Parameter("name", 1),
    "ParameterBytesNew": lambda _: tb.TRITONSERVER_Parameter("name", b"value"),
    "ParameterDelete": lambda it: it.drop("parameter"),
    "InstanceGroupKindString": lambda _: tb.TRITONSERVER_InstanceGroupKindString(
        tb.TRITONSERVER_InstanceGroupKind.CPU
    ),
    "LogIsEnabled": lambda _: tb.TRITONSERVER_LogIsEnabled(tb.TRITONSERVER_LogLevel.INFO),
    "LogMessage": lambda _: tb.TRITONSERVER_LogMessage(
        tb.TRITONSERVER_LogLevel.INFO, "file", 1, "message"
    ),
    "ErrorNew": lambda _: tb.TRITONSERVER_Error(tb.TRITONSERVER_Error_Code.UNKNOWN, "message"),
    "ErrorDelete": lambda it: it.drop("error"),
    "ErrorCode": lambda it: it.error.code,
    "ErrorCodeString": lambda it: it.error.code_string,
    "ErrorMessage": lambda it: it.error.message,
    "ResponseAllocatorNew": lambda _: tb.TRITONSERVER_ResponseAllocator(ignore, ignore),
    "ResponseAllocatorSetBufferAttributesFunction": lambda it: (
        it.allocator.set_buffer_attributes_function(ignore)
    ),
    "ResponseAllocatorSetQueryFunction": lambda it: it.allocator.set_query_function(ignore),
    "ResponseAllocatorDelete": lambda it: it.drop("allocator"),
    "MessageNewFromSerializedJson": lambda _: tb.TRITONSERVER_Message("{}"),
    "MessageDelete": lambda it: it.drop("message"),
    "MessageSerializeToJson": lambda it: it.message.serialize_to_json(),
    "MetricsDelete": lambda it: it.drop("metrics"),
    "MetricsFormatted": lambda it: it.metrics.formatted(tb.TRITONSERVER_MetricFormat.PROMETHEUS),
    "InferenceTraceLevelString": lambda _: tb.TRITONSERVER_InferenceTraceLevelString(
        tb.TRITONSERVER_InferenceTraceLevel.TIMESTAMPS
    ),
    "InferenceTraceActivityString": lambda _: tb.TRITONSERVER_InferenceTraceActivityString(
        tb.TRITONSERVER_InferenceTraceActivity.REQUEST_START
    ),
    "InferenceTraceNew": lambda _: new_trace(),
    "InferenceTraceTensorNew": lambda _: new_tensor_trace(),
    "InferenceTraceReportActivity": lambda it: it.trace.report_activity(1, "name"),
    "InferenceTraceDelete": lambda it: it.drop("trace"),
    "InferenceTraceId": lambda it: it.trace.id,
    "InferenceTraceParentId": lambda it: it.trace.parent_id,
    "InferenceTraceModelName": lambda it: it.trace.model_name,
    "InferenceTraceModelVersion": lambda it: it.released_trace.model_version,
    "InferenceTraceRequestId": lambda it: it.trace.request_id,
    "InferenceTraceSpawnChildTrace": lambda it: it.trace.spawn_child_trace(),
    "InferenceTraceSetContext": lambda it: setattr(it.trace, "context", "{}"),
    "InferenceTraceContext": lambda it: it.trace.context,
    "InferenceRequestNew": lambda it: tb.TRITONSERVER_InferenceRequest(it.server, "model", -1),
    "InferenceRequestDelete": lambda it: it.drop("unsent"),
    "InferenceRequestId": lambda it: it.request.id,
    "InferenceRequestSetId": lambda it: setattr(it.request, "id", "id"),
    "InferenceRequestFlags": lambda it: it.request.flags,
    "InferenceRequestSetFlags": lambda it: setattr(it.request, "flags", 1),
    "InferenceRequestCorrelationId": lambda it: it.request.correlation_id,
    "InferenceRequestCorrelationIdString": lambda it: it.request.correlation_id_string,
    "InferenceRequestSetCorrelationId": lambda it: setattr(it.request, "correlation_id", 1),
    "InferenceRequestSetCorrelationIdString": lambda it: setattr(
        it.request, "correlation_id_string", "id"
    ),
    "InferenceRequestCancel": lambda it: it.request.cancel(),
    "InferenceRequestIsCancelled": lambda it: it.request.is_cancelled,
    "InferenceRequestPriority": lambda it: it.request.priority,
    "InferenceRequestPriorityUInt64": lambda it: it.request.priority_uint64,
    "InferenceRequestSetPriority": lambda it: setattr(it.request, "priority", 1),
    "InferenceRequestSetPriorityUInt64": lambda it: setattr(it.request, "priority_uint64", 1),
    "InferenceRequestTimeoutMicroseconds": lambda it: it.request.timeout_microseconds,
    "InferenceRequestSetTimeoutMicroseconds": lambda it: setattr(
        it.request, "timeout_microseconds", 1
    ),
    "InferenceRequestAddInput": lambda it: it.request.add_input("name", FP32, [1]),
    "InferenceRequestAddRawInput": lambda it: it.request.add_raw_input("name"),
    "InferenceRequestRemoveInput": lambda it: it.request.remove_input("name"),
    "InferenceRequestRemoveAllInputs": lambda it: it.request.remove_all_inputs(),
    "InferenceRequestAppendInputData": lambda it: it.request.append_input_data(
        "name", 1, 1, CPU, 0
    ),
    "InferenceRequestAppendInputDataWithHostPolicy": lambda it: (
        it.request.append_input_data_with_host_policy("name", 1, 1, CPU, 0, "policy")
    ),
    "InferenceRequestAppendInputDataWithBufferAttributes": lambda it: (
        it.request.append_input_data_with_buffer_attributes("name", 1, it.attributes)
    ),
    "InferenceRequestRemoveAllInputData": lambda it: it.request.remove_all_input_data("name"),
    "InferenceRequestAddRequestedOutput": lambda it: it.request.add_requested_output("name"),
    "InferenceRequestRemoveRequestedOutput": lambda it: it.request.remove_requested_output("name"),
    "InferenceRequestRemoveAllRequestedOutputs": lambda it: (
        it.request.remove_all_requested_outputs()
    ),
    "InferenceRequestSetReleaseCallback": lambda it: it.server.infer_async(it.unsent),
    "InferenceRequestSetResponseCallback": lambda it: it.server.infer_async(it.unsent),
    "InferenceRequestSetStringParameter": lambda it: it.request.set_string_parameter(
        "name", "value"
    ),
    "InferenceRequestSetIntParameter": lambda it: it.request.set_int_parameter("name", 1),
    "InferenceRequestSetBoolParameter": lambda it: it.request.set_bool_parameter("name", True),
    "InferenceRequestSetDoubleParameter": lambda it: it.request.set_double_parameter("name", 0.5),
    "InferenceResponseDelete": lambda it: it.drop("response"),
    "InferenceResponseError": lambda it: it.response.throw_if_response_error(),
    "InferenceResponseModel": lambda it: it.response.model,
    "InferenceResponseId": lambda it: it.response.id,
    "InferenceResponseParameterCount": lambda it: it.response.parameter_count,
    "InferenceResponseParameter": lambda it: it.response.parameter(0),
    "InferenceResponseOutputCount": lambda it: it.response.output_count,
    "InferenceResponseOutput": lambda it: it.response.output(0),
    "InferenceResponseOutputClassificationLabel": lambda it: (
        it.response.output_classification_label(0, 0)
    ),
    "BufferAttributesNew": lambda _: tb.TRITONSERVER_BufferAttributes(),
    "BufferAttributesDelete": lambda it: it.drop("attributes"),
    "BufferAttributesSetMemoryTypeId": lambda it: setattr(it.attributes, "memory_type_id", 1),
    "BufferAttributesSetMemoryType": lambda it: setattr(it.attributes, "memory_type", CPU),
    "BufferAttributesSetCudaIpcHandle": lambda it: setattr(it.attributes, "cuda_ipc_handle", 1),
    "BufferAttributesSetByteSize": lambda it: setattr(it.attributes, "byte_size", 1),
    "BufferAttributesMemoryTypeId": lambda it: it.attributes.memory_type_id,
    "BufferAttributesMemoryType": lambda it: it.attributes.memory_type,
    "BufferAttributesCudaIpcHandle": lambda it: it.attributes.cuda_ipc_handle,
    "BufferAttributesByteSize": lambda it: it.attributes.byte_size,
    "ServerOptionsNew": lambda _: tb.TRITONSERVER_ServerOptions(),
    "ServerOptionsDelete": lambda it: it.drop("options"),
    "ServerOptionsSetServerId": lambda it: it.options.set_server_id("id"),
    "ServerOptionsSetModelRepositoryPath": lambda it: it.options.set_model_repository_path("path"),
    "ServerOptionsSetModelControlMode": lambda it: it.options.set_model_control_mode(
        tb.TRITONSERVER_ModelControlMode.EXPLICIT
    ),
    "ServerOptionsSetStartupModel": lambda it: it.options.set_startup_model("model"),
    "ServerOptionsSetStrictModelConfig": lambda it: it.options.set_strict_model_config(True),
    "ServerOptionsSetModelConfigName": lambda it: it.options.set_model_config_name("a"),
    "ServerOptionsSetRateLimiterMode": lambda it: it.options.set_rate_limiter_mode(
        tb.TRITONSERVER_RateLimitMode.OFF
    ),
    "ServerOptionsAddRateLimiterResource": lambda it: it.options.add_rate_limiter_resource(
        "name", 1, 0
    ),
    "ServerOptionsSetPinnedMemoryPoolByteSize": lambda it: (
        it.options.set_pinned_memory_pool_byte_size(1)
    ),
    "ServerOptionsSetCudaMemoryPoolByteSize": lambda it: it.options.set_cuda_memory_pool_byte_size(
        0, 1
    ),
    "ServerOptionsSetCudaVirtualAddressSize": lambda it: it.options.set_cuda_virtual_address_size(
        0, 1
    ),
    "ServerOptionsSetResponseCacheByteSize": lambda it: it.options.set_response_cache_byte_size(1),
    "ServerOptionsSetCacheConfig": lambda it: it.options.set_cache_config("name", "{}"),
    "ServerOptionsSetCacheDirectory": lambda it: it.options.set_cache_directory("path"),
    "ServerOptionsSetMinSupportedComputeCapability": lambda it: (
        it.options.set_min_supported_compute_capability(6.0)
    ),
    "ServerOptionsSetExitOnError": lambda it: it.options.set_exit_on_error(True),
    "ServerOptionsSetStrictReadiness": lambda it: it.options.set_strict_readiness(True),
    "ServerOptionsSetExitTimeout": lambda it: it.options.set_exit_timeout(1),
    "ServerOptionsSetBufferManagerThreadCount": lambda it: (
        it.options.set_buffer_manager_thread_count(1)
    ),
    "ServerOptionsSetModelLoadThreadCount": lambda it: it.options.set_model_load_thread_count(1),
    "ServerOptionsSetModelLoadRetryCount": lambda it: it.options.set_model_load_retry_count(1),
    "ServerOptionsSetModelNamespacing": lambda it: it.options.set_model_namespacing(True),
    "ServerOptionsSetEnablePeerAccess": lambda it: it.options.set_enable_peer_access(True),
    "ServerOptionsSetLogFile": lambda it: it.options.set_log_file("path"),
    "ServerOptionsSetLogInfo": lambda it: it.options.set_log_info(True),
    "ServerOptionsSetLogWarn": lambda it: it.options.set_log_warn(True),
    "ServerOptionsSetLogError": lambda it: it.options.set_log_error(True),
    "ServerOptionsSetLogFormat": lambda it: it.options.set_log_format(
        tb.TRITONSERVER_LogFormat.DEFAULT
    ),
    "ServerOptionsSetLogVerbose": lambda it: it.options.set_log_verbose(1),
    "ServerOptionsSetLogCallback": lambda it: it.options.set_log_callback(ignore),
    "ServerOptionsSetMetrics": lambda it: it.options.set_metrics(True),
    "ServerOptionsSetGpuMetrics": lambda it: it.options.set_gpu_metrics(True),
    "ServerOptionsSetCpuMetrics": lambda it: it.options.set_cpu_metrics(True),
    "ServerOptionsSetMetricsInterval": lambda it: it.options.set_metrics_interval(1),
    "ServerOptionsSetBackendDirectory": lambda it: it.options.set_backend_directory("a"),
    "ServerOptionsSetRepoAgentDirectory": lambda it: it.options.set_repo_agent_directory("path"),
    "ServerOptionsSetModelLoadDeviceLimit": lambda it: it.options.set_model_load_device_limit(
        tb.TRITONSERVER_InstanceGroupKind.GPU, 0, 0.5
    ),
    "ServerOptionsSetBackendConfig": lambda it: it.options.set_backend_config(
        "backend", "setting", "value"
    ),
    "ServerOptionsSetHostPolicy": lambda it: it.options.set_host_policy(
        "policy", "setting", "value"
    ),
    "ServerOptionsSetMetricsConfig": lambda it: it.options.set_metrics_config(
        "section", "setting", "value"
    ),
    "ServerNew": lambda it: tb.TRITONSERVER_Server(it.options),
    "ServerDelete": lambda it: it.drop("response", "request", "unsent", "server"),
    "ServerStop": lambda it: it.server.stop(),
    "ServerSetExitTimeout": lambda it: it.server.set_exit_timeout(1),
    "ServerRegisterModelRepository": lambda it: it.server.register_model_repository("path", []),
    "ServerUnregisterModelRepository": lambda it: it.server.unregister_model_repository("path"),
    "ServerPollModelRepository": lambda it: it.server.poll_model_repository(),
    "ServerIsLive": lambda it: it.server.is_live(),
    "ServerIsReady": lambda it: it.server.is_ready(),
    "ServerModelIsReady": lambda it: it.server.model_is_ready("model", -1),
    "ServerModelBatchProperties": lambda it: it.server.model_batch_properties("model", -1),
    "ServerModelTransactionProperties": lambda it: it.server.model_transaction_properties(
        "model", -1
    ),
    "ServerMetadata": lambda it: it.server.metadata(),
    "ServerModelMetadata": lambda it: it.server.model_metadata("model", -1),
    "ServerModelStatistics": lambda it: it.server.model_statistics("model", -1),
    "ServerModelConfig": lambda it: it.server.model_config("model", -1, 1),
    "ServerModelIndex": lambda it: it.server.model_index(0),
    "ServerLoadModel": lambda it: it.server.load_model("model"),
    "ServerLoadModelWithParameters": lambda it: it.server.load_model_with_parameters(
        "model", [it.parameter]
    ),
    "ServerUnloadModel": lambda it: it.server.unload_model("model"),
    "ServerUnloadModelAndDependents": lambda it: it.server.unload_model_and_dependents("model"),
    "ServerMetrics": lambda it: it.server.metrics(),
    "ServerInferAsync": lambda it: it.server.infer_async(it.unsent),
    "MetricFamilyNew": lambda _: tb.TRITONSERVER_MetricFamily(GAUGE, "other", ""),
    "MetricFamilyDelete": lambda it: it.drop("metric", "family"),
    "GetMetricFamilyKind": lambda it: it.family.kind,
    "MetricArgsNew": lambda _: tb.TRITONSERVER_MetricArgs(),
    "MetricArgsSetHistogram": lambda it: it.args.set_histogram([1.0]),
    "MetricArgsDelete": lambda it: it.drop("args"),
    "MetricNew": lambda it: tb.TRITONSERVER_Metric(it.family, []),
    "MetricNewWithArgs": lambda it: tb.TRITONSERVER_Metric(it.family, [], it.args),
    "MetricDelete": lambda it: it.drop("metric"),
    "MetricValue": lambda it: it.metric.value,
    "MetricIncrement": lambda it: it.metric.increment(1.0),
    "MetricSet": lambda it: it.metric.set_value(1.0),
    "MetricObserve": lambda it: it.metric.observe(1.0),
    "GetMetricKind": lambda it: it.metric.kind,
}
