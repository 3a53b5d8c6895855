"""The C API one to one: inference, with a callback of each kind."""

import asyncio
import concurrent.futures

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from tritonserver._c import triton_bindings as t

buffers: dict[int, NDArray[np.uint8]] = {}


def allocate(
    allocator: t.TRITONSERVER_ResponseAllocator,
    name: str,
    byte_size: int,
    memory_type: t.TRITONSERVER_MemoryType,
    memory_type_id: int,
    user_object: object,
) -> tuple[int, object, t.TRITONSERVER_MemoryType, int]:
    buffer = np.empty(byte_size, np.uint8)
    buffers[buffer.ctypes.data] = buffer
    return buffer.ctypes.data, buffer, t.TRITONSERVER_MemoryType.CPU, 0


def release(
    allocator: t.TRITONSERVER_ResponseAllocator,
    pointer: int,
    buffer: object,
    byte_size: int,
    memory_type: t.TRITONSERVER_MemoryType,
    memory_type_id: int,
) -> None:
    del buffers[pointer]


def start(allocator: t.TRITONSERVER_ResponseAllocator, user_object: object) -> None:
    print("a response begins")


def query(
    allocator: t.TRITONSERVER_ResponseAllocator,
    user_object: object,
    name: str,
    byte_size: int | None,
    memory_type: t.TRITONSERVER_MemoryType,
    memory_type_id: int,
) -> tuple[t.TRITONSERVER_MemoryType, int]:
    return t.TRITONSERVER_MemoryType.CPU, 0


def describe(
    allocator: t.TRITONSERVER_ResponseAllocator,
    name: str,
    attributes: t.TRITONSERVER_BufferAttributes,
    user_object: object,
    buffer: object,
) -> t.TRITONSERVER_BufferAttributes:
    return attributes


allocator = t.TRITONSERVER_ResponseAllocator(allocate, release, start)
allocator.set_query_function(query)
allocator.set_buffer_attributes_function(describe)


def on_release(request: t.TRITONSERVER_InferenceRequest, flags: int, user: object) -> None:
    assert flags & t.TRITONSERVER_RequestReleaseFlag.ALL


def on_response(
    response: t.TRITONSERVER_InferenceResponse | None, flags: int, user: object
) -> None:
    if response is not None:
        response.throw_if_response_error()
        assert_type(response.model, tuple[str, int])
        for i in range(response.output_count):
            name, data_type, shape, address, byte_size, memory_type, *_ = response.output(i)
            assert_type(name, str)
            assert_type(data_type, t.TRITONSERVER_DataType)
            assert_type(shape, NDArray[np.int64])
            assert_type(address + byte_size, int)
            assert_type(memory_type, t.TRITONSERVER_MemoryType)
        for i in range(response.parameter_count):
            _, parameter_type, value = response.parameter(i)
            assert_type(parameter_type, t.TRITONSERVER_ParameterType)
            assert_type(value, str | int | bool | float | None)
    if flags & t.TRITONSERVER_ResponseCompleteFlag.FINAL:
        print("done")


def on_activity(
    trace: t.TRITONSERVER_InferenceTrace,
    activity: t.TRITONSERVER_InferenceTraceActivity,
    timestamp_ns: int,
    user: object,
) -> None:
    print(trace.id, activity.name, timestamp_ns)


def on_tensor_activity(
    trace: t.TRITONSERVER_InferenceTrace,
    activity: t.TRITONSERVER_InferenceTraceActivity,
    name: str,
    data_type: t.TRITONSERVER_DataType,
    pointer: int,
    byte_size: int,
    shape: NDArray[np.int64],
    memory_type: t.TRITONSERVER_MemoryType,
    memory_type_id: int,
    user: object,
) -> None:
    print(name, shape.tolist())


def on_trace_release(trace: t.TRITONSERVER_InferenceTrace, user: object) -> None:
    assert_type(trace.model_name, str)


options = t.TRITONSERVER_ServerOptions()
options.set_model_repository_path("models")
server = t.TRITONSERVER_Server(options)
request = t.TRITONSERVER_InferenceRequest(server, "test", -1)
request.id = "1"
request.flags = t.TRITONSERVER_RequestFlag.SEQUENCE_START | t.SEQUENCE_END
request.correlation_id = 1
request.correlation_id_string = "one"
request.priority_uint64 = 1
request.timeout_microseconds = 1_000_000
assert_type(request.is_cancelled, bool)
data = np.ones(4, np.float32)
request.add_input("fp32_input", t.TRITONSERVER_DataType.FP32, np.array([1, 4]).tolist())
request.append_input_data(
    "fp32_input", data.ctypes.data, data.nbytes, t.TRITONSERVER_MemoryType.CPU, 0
)
request.add_requested_output("fp32_output")
request.set_string_parameter("text", "x")
request.set_int_parameter("integer", 1)
request.set_bool_parameter("flag", True)
request.set_double_parameter("number", 0.5)
request.set_release_callback(on_release, None)
request.set_response_callback(allocator, None, on_response, user=None)

level = t.TRITONSERVER_InferenceTraceLevel.TIMESTAMPS | t.TENSORS
assert_type(level, t.TRITONSERVER_InferenceTraceLevel)
trace = t.TRITONSERVER_InferenceTrace(
    level, 0, on_activity, on_tensor_activity, on_trace_release, None
)
trace.context = "{}"
trace.report_activity(1, "begin")
assert_type(trace.spawn_child_trace(), t.TRITONSERVER_InferenceTrace)
t.TRITONSERVER_InferenceTrace(t.MIN, 0, on_activity, on_trace_release, None)
server.infer_async(request, trace)

future: concurrent.futures.Future[tuple[t.TRITONSERVER_InferenceResponse | None, int]]
future = concurrent.futures.Future()
request.get_next_response(future)
response, flags = future.result(timeout=1)
assert_type(response, t.TRITONSERVER_InferenceResponse | None)


async def next_response() -> t.TRITONSERVER_InferenceResponse | None:
    future: asyncio.Future[tuple[t.TRITONSERVER_InferenceResponse | None, int]] = asyncio.Future()
    request.get_next_response(future)
    server.infer_async(request)
    response, _ = await future
    return response
