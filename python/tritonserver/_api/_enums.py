"""The public names of the C API's enumerations."""

from tritonserver._c import triton_bindings

DataType = triton_bindings.TRITONSERVER_DataType
InstanceGroupKind = triton_bindings.TRITONSERVER_InstanceGroupKind
LogFormat = triton_bindings.TRITONSERVER_LogFormat
LogLevel = triton_bindings.TRITONSERVER_LogLevel
MemoryType = triton_bindings.TRITONSERVER_MemoryType
MetricFormat = triton_bindings.TRITONSERVER_MetricFormat
MetricKind = triton_bindings.TRITONSERVER_MetricKind
ModelBatchFlag = triton_bindings.TRITONSERVER_ModelBatchFlag
ModelControlMode = triton_bindings.TRITONSERVER_ModelControlMode
ModelTxnPropertyFlag = triton_bindings.TRITONSERVER_ModelTxnPropertyFlag
RateLimitMode = triton_bindings.TRITONSERVER_RateLimitMode
TraceActivity = triton_bindings.TRITONSERVER_InferenceTraceActivity
