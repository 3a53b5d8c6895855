"""Responses: what they hold, and how long."""

import ctypes
import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tritonserver._c import triton_bindings as tb

Server = tb.TRITONSERVER_Server
Request = tb.TRITONSERVER_InferenceRequest
Response = tb.TRITONSERVER_InferenceResponse
FP32 = tb.TRITONSERVER_DataType.FP32
CPU = tb.TRITONSERVER_MemoryType.CPU
Make = Callable[..., Request]
Infer = Callable[[Request], Response]

X = np.array([[1, 2, 3]], np.float32)


def test_contents(make_request: Make, infer: Infer) -> None:
    request = make_request("native_identity", fp32_input=X, int32_input=X.astype(np.int32))
    request.id = "the id"
    response = infer(request)
    response.throw_if_response_error()
    assert response.model == ("native_identity", 1)
    assert response.id == "the id"
    assert (response.output_count, response.parameter_count) == (2, 0)
    outputs = {response.output(i)[0]: response.output(i)[1:] for i in range(2)}
    data_type, shape, pointer, size, memory_type, memory_type_id = outputs["fp32_output"]
    assert (data_type, memory_type, memory_type_id) == (FP32, CPU, 0)
    assert (shape.dtype, shape.tolist()) == (np.int64, [1, 3])
    assert size == X.nbytes
    assert pointer % 64 == 0
    assert ctypes.string_at(pointer, size) == X.tobytes()
    assert outputs["int32_output"][0] is tb.TRITONSERVER_DataType.INT32


@pytest.mark.parametrize("index", [2, 2**32 - 1])
def test_index_out_of_range(make_request: Make, infer: Infer, index: int) -> None:
    response = infer(make_request("identity_fp32", INPUT0=X[0]))
    for get in (response.output, response.parameter):
        with pytest.raises(tb.TritonError):
            get(index)
    with pytest.raises(tb.TritonError):
        response.output_classification_label(index, 0)


def test_classification_label(make_request: Make, infer: Infer) -> None:
    response = infer(make_request("classifier", INPUT0=X[0]))
    labels = [response.output_classification_label(0, i) for i in range(5)]
    assert labels == ["cat", "dog", "bird", "", ""]
    response = infer(make_request("identity_fp32", INPUT0=X[0]))
    assert response.output_classification_label(0, 0) == ""


def test_empty_output(make_request: Make, infer: Infer) -> None:
    request = make_request("identity_fp32")
    request.add_input("INPUT0", FP32, [0])
    response = infer(request)
    response.throw_if_response_error()
    _, _, shape, pointer, size, _, _ = response.output(0)
    assert (shape.tolist(), pointer, size) == ([0], 0, 0)


def test_output_of_an_empty_batch(make_request: Make, infer: Infer) -> None:
    request = make_request("identity_batching")
    request.add_input("INPUT0", FP32, [0, 0])
    response = infer(request)
    response.throw_if_response_error()
    _, _, shape, _, size, _, _ = response.output(0)
    assert (shape.tolist(), size) == ([0, 0], 0)


@pytest.mark.parametrize("code", tb.TRITONSERVER_Error_Code)
def test_error(make_request: Make, infer: Infer, code: tb.TRITONSERVER_Error_Code) -> None:
    request = make_request("identity_fp32", INPUT0=X[0])
    request.set_string_parameter("error", "on demand")
    request.set_int_parameter("error_code", code)
    response = infer(request)
    classes = {
        "UNKNOWN": tb.UnknownError,
        "INTERNAL": tb.InternalError,
        "NOT_FOUND": tb.NotFoundError,
        "INVALID_ARG": tb.InvalidArgumentError,
        "UNAVAILABLE": tb.UnavailableError,
        "UNSUPPORTED": tb.UnsupportedError,
        "ALREADY_EXISTS": tb.AlreadyExistsError,
        "CANCELLED": tb.CancelledError,
    }
    for _ in range(2):
        with pytest.raises(tb.TritonError, match="on demand") as caught:
            response.throw_if_response_error()
        assert type(caught.value) is classes[code.name]


def test_many_error_objects_are_deleted(make_request: Make, infer: Infer) -> None:
    request = make_request("identity_fp32", INPUT0=X[0])
    request.set_string_parameter("error", "x" * 1_000_000)
    response = infer(request)

    def resident() -> int:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * 4096

    for number in range(300):
        with pytest.raises(tb.InternalError):
            response.throw_if_response_error()
        if number == 50:
            before = resident()
    assert resident() - before < 50e6, "250 errors of a megabyte each"


def test_response_keeps_its_model(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], receive: Any, output: Any
) -> None:
    server = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
    request.add_input("INPUT0", FP32, [3])
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    server.infer_async(request)
    [response] = receive(request)
    server.unload_model("identity_fp32")
    del request, server
    gc.collect()
    assert response.model == ("identity_fp32", 1)
    np.testing.assert_array_equal(output(response), X[0])


@pytest.mark.parametrize("read", [True, False])
def test_stopping_with_responses(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions],
    receive: Any,
    read: bool,
) -> None:
    server = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
    request.add_input("INPUT0", FP32, [3])
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    server.infer_async(request)
    if read:
        [response] = receive(request)
        _, _, _, pointer, size, _, _ = response.output(0)
    else:
        time.sleep(0.2)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 5, "responses must not pin their model"
    if not read:
        [response] = receive(request)
    else:
        assert ctypes.string_at(pointer, size) == X.tobytes(), "the memory stays"
    uses: list[Callable[[Response], Any]] = [
        lambda response: response.model,
        lambda response: response.id,
        lambda response: response.output_count,
        lambda response: response.output(0),
        lambda response: response.parameter(0),
        lambda response: response.throw_if_response_error(),
    ]
    for use in uses:
        with pytest.raises(tb.UnavailableError, match="server was stopped"):
            use(response)


def test_decoupled_stream(server: Server, make_request: Make, receive: Any, output: Any) -> None:
    values = np.array([7, 8, 9], np.int32)
    delays = np.zeros(3, np.uint32)
    request = make_request("repeat_int32", IN=values, DELAY=delays, WAIT=np.zeros(1, np.uint32))
    server.infer_async(request)
    *responses, last = receive(request)
    assert last is None
    assert [int(output(response, 0)[0]) for response in responses] == [7, 8, 9]
    assert [int(output(response, 1)[0]) for response in responses] == [0, 1, 2]


def test_stream_without_responses(server: Server, make_request: Make, receive: Any) -> None:
    request = make_request("square_int32", IN=np.array([0], np.int32))
    server.infer_async(request)
    assert receive(request) == [None]


def test_responses_of_many_threads(server: Server, make_request: Make, output: Any) -> None:
    import concurrent.futures

    def one(number: int) -> float:
        data = np.full(3, number, np.float32)
        request = make_request("identity_fp32", INPUT0=data)
        server.infer_async(request)
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        request.get_next_response(future)
        response, _ = future.result(timeout=30)
        return float(output(response)[0])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(300))) == list(range(300))
