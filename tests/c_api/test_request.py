"""Requests: what they consist of, and their way through the core."""

import asyncio
import concurrent.futures
import gc
import json
import queue
import sys
import threading
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
FINAL = int(tb.TRITONSERVER_ResponseCompleteFlag.FINAL)
Make = Callable[..., Request]
Receive = Callable[[Request], list[Response | None]]
Output = Callable[..., np.ndarray[Any, Any]]

X = np.array([1, 2, 3], np.float32)


def wait_for_release(request: Request) -> None:
    """Wait until the request may be changed again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            request.flags = request.flags
        except tb.UnavailableError:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        else:
            return


# What it consists of


def test_properties(make_request: Make) -> None:
    request = make_request("identity_priority")
    assert (request.id, request.flags, request.correlation_id) == ("", 0, 0)
    assert request.timeout_microseconds == 0
    request.id = "größe"
    request.flags = 3
    request.timeout_microseconds = 2**64 - 1
    assert (request.id, request.flags) == ("größe", 3)
    assert request.timeout_microseconds == 2**64 - 1


def test_correlation_id_is_a_number_or_a_text(make_request: Make) -> None:
    request = make_request("identity_sequence")
    request.correlation_id = 2**64 - 1
    assert request.correlation_id == 2**64 - 1
    with pytest.raises(tb.InvalidArgumentError):
        _ = request.correlation_id_string
    request.correlation_id_string = "sequence"
    assert request.correlation_id_string == "sequence"
    with pytest.raises(tb.InvalidArgumentError):
        _ = request.correlation_id
    with pytest.raises(tb.UnsupportedError, match="128 characters"):
        request.correlation_id_string = "x" * 129
    assert request.correlation_id_string == "sequence"


def test_priority(make_request: Make) -> None:
    request = make_request("identity_priority")
    for name in ("priority", "priority_uint64"):
        setattr(request, name, 1)
        assert (request.priority, request.priority_uint64) == (1, 1)
        setattr(request, name, 7)
        assert (request.priority, request.priority_uint64) == (2, 2), "the model's default"


def test_inputs(make_request: Make) -> None:
    request = make_request("identity_eight")
    request.add_input("INPUT0", FP32, [3])
    with pytest.raises(tb.InvalidArgumentError, match="INPUT0"):
        request.add_input("INPUT0", FP32, [3])
    with pytest.raises(tb.InvalidArgumentError):
        request.add_raw_input("INPUT1")
    with pytest.raises(tb.InvalidArgumentError):
        request.remove_input("INPUT1")
    request.append_input_data("INPUT0", X.ctypes.data, 12, CPU, 0)
    request.remove_input("INPUT0")
    request.add_input("INPUT0", FP32, (3,))
    request.add_input("INPUT1", FP32, np.array([3, 1]))
    request.remove_all_inputs()
    attributes = tb.TRITONSERVER_BufferAttributes()
    for append in (
        lambda: request.append_input_data("INPUT0", X.ctypes.data, 12, CPU, 0),
        lambda: request.append_input_data_with_host_policy("INPUT0", 1, 1, CPU, 0, "cpu"),
        lambda: request.append_input_data_with_buffer_attributes("INPUT0", 1, attributes),
        lambda: request.remove_all_input_data("INPUT0"),
    ):
        with pytest.raises(tb.InvalidArgumentError, match="INPUT0"):
            append()


@pytest.mark.parametrize("how", ["plain", "chunks", "attributes", "again"])
def test_input_data(make_request: Make, infer: Any, output: Output, how: str) -> None:
    request = make_request("identity_fp32")
    request.add_input("INPUT0", FP32, X.shape)
    if how == "plain":
        request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    elif how == "chunks":
        request.append_input_data("INPUT0", X.ctypes.data, 4, CPU, 0)
        request.append_input_data("INPUT0", 0, 0, CPU, 0)
        request.append_input_data("INPUT0", X.ctypes.data + 4, 8, CPU, 0)
    elif how == "attributes":
        attributes = tb.TRITONSERVER_BufferAttributes()
        attributes.byte_size = X.nbytes
        request.append_input_data_with_buffer_attributes("INPUT0", X.ctypes.data, attributes)
        attributes.byte_size = 1
    else:
        request.append_input_data("INPUT0", 8, 4, CPU, 0)
        request.remove_all_input_data("INPUT0")
        request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    np.testing.assert_array_equal(output(infer(request)), X)


@pytest.mark.parametrize("policy", [None, "cpu", "gpu_0"])
def test_input_data_for_a_host_policy(
    make_request: Make, infer: Any, output: Output, policy: str | None
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    chunks = np.array([4, 5], np.float32), np.array([6], np.float32)
    for chunk in chunks:
        request.append_input_data_with_host_policy(
            "INPUT0", chunk.ctypes.data, chunk.nbytes, CPU, 0, "cpu"
        )
    if policy is not None:
        request.set_string_parameter("host_policy", policy)
    np.testing.assert_array_equal(
        output(infer(request)), np.concatenate(chunks) if policy == "cpu" else X
    )


def test_raw_input(make_request: Make, infer: Any, output: Output) -> None:
    request = make_request("identity_fixed")
    data = np.arange(6, dtype=np.float32)
    request.add_raw_input("anything")
    request.append_input_data("anything", data.ctypes.data, data.nbytes, CPU, 0)
    np.testing.assert_array_equal(output(infer(request)), data.reshape(2, 3))


def test_requested_outputs(make_request: Make, infer: Any) -> None:
    def names(request: Request) -> list[str]:
        response = infer(request)
        response.throw_if_response_error()
        wait_for_release(request)
        return sorted(response.output(i)[0] for i in range(response.output_count))

    request = make_request("identity_eight", **{f"INPUT{i}": X for i in range(8)})
    everything = [f"OUTPUT{i}" for i in range(8)]
    assert names(request) == everything
    request.add_requested_output("OUTPUT1")
    request.add_requested_output("OUTPUT5")
    assert names(request) == ["OUTPUT1", "OUTPUT5"]
    request.remove_requested_output("OUTPUT1")
    request.remove_requested_output("never asked for")
    assert names(request) == ["OUTPUT5"]
    request.remove_all_requested_outputs()
    assert names(request) == everything


def test_requested_output_that_does_not_exist(server: Server, make_request: Make) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    request.add_requested_output("OUTPUT9")
    with pytest.raises(tb.InvalidArgumentError, match="OUTPUT9"):
        server.infer_async(request)


def test_parameters(make_request: Make, infer: Any) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    request.set_bool_parameter("echo_parameters", True)
    request.set_string_parameter("text", "größe")
    request.set_string_parameter("empty", "")
    request.set_int_parameter("large", 2**63 - 1)
    request.set_int_parameter("small", -(2**63))
    request.set_bool_parameter("no", np.bool_(False))
    request.set_double_parameter("double", 1e300)
    response = infer(request)
    echoed = [response.parameter(i) for i in range(response.parameter_count)]
    kind = tb.TRITONSERVER_ParameterType
    assert echoed == [
        ("echo_parameters", kind.BOOL, True),
        ("text", kind.STRING, "größe"),
        ("empty", kind.STRING, ""),
        ("large", kind.INT, 2**63 - 1),
        ("small", kind.INT, -(2**63)),
        ("no", kind.BOOL, False),
        ("double", kind.DOUBLE, 1e300),
    ]
    assert [type(value) for *_, value in echoed] == [bool, str, str, int, int, bool, float]


def test_sequence(server: Server, make_request: Make, receive: Receive, output: Output) -> None:
    flags = tb.TRITONSERVER_RequestFlag
    for flag in (flags.SEQUENCE_START, 0, flags.SEQUENCE_END):
        request = make_request("identity_sequence", INPUT0=X.reshape(1, 3))
        request.correlation_id = 5
        request.flags = flag
        server.infer_async(request)
        [response] = receive(request)
        assert response is not None
        np.testing.assert_array_equal(output(response), X.reshape(1, 3))
    request = make_request("identity_sequence", INPUT0=X.reshape(1, 3))
    with pytest.raises(tb.InvalidArgumentError, match="correlation ID"):
        server.infer_async(request)


def test_timeout(server: Server, make_request: Make, receive: Receive) -> None:
    busy, late = (make_request("identity_priority", INPUT0=X.reshape(1, 3)) for _ in range(2))
    late.timeout_microseconds = 1
    server.infer_async(busy)
    server.infer_async(late)
    [response] = receive(late)
    assert response is not None
    with pytest.raises(tb.TritonError, match="timeout"):
        response.throw_if_response_error()
    receive(busy)


@pytest.mark.parametrize("name", ["priority", "priority_uint64"])
def test_requests_of_higher_priority_go_first(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator, name: str
) -> None:
    answered: queue.Queue[str] = queue.Queue()

    def send(what: str, priority: int, delay: int) -> None:
        request = make_request("identity_priority", INPUT0=X.reshape(1, 3))
        setattr(request, name, priority)
        request.set_int_parameter("execute_delay_ms", delay)
        request.set_response_callback(allocator, None, lambda *_: answered.put(what), None)
        server.infer_async(request)

    send("first", 2, 2000)  # the others wait meanwhile
    send("low", 2, 0)
    send("high", 1, 0)
    assert [answered.get(timeout=30) for _ in range(3)] == ["first", "high", "low"]


@pytest.mark.parametrize("version", [-1, 1])
def test_model_version(server: Server, make_request: Make, version: int) -> None:
    make_request("identity_fp32")
    tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", version)


def test_model_that_cannot_be_run(server: Server, make_request: Make) -> None:
    with pytest.raises(tb.NotFoundError, match="no_such_model"):
        tb.TRITONSERVER_InferenceRequest(server, "no_such_model", -1)
    make_request("identity_fp32")
    with pytest.raises(tb.NotFoundError):
        tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", 9)


# Sending


def test_refused_request_can_be_mended(
    server: Server, make_request: Make, receive: Receive, output: Output
) -> None:
    request = make_request("identity_fp32")
    for _ in range(2):
        with pytest.raises(tb.InvalidArgumentError):
            server.infer_async(request)
    request.add_input("INPUT0", FP32, X.shape)
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    server.infer_async(request)
    [response] = receive(request)
    assert response is not None
    np.testing.assert_array_equal(output(response), X)


def test_request_in_flight_is_left_alone(
    server: Server, make_request: Make, receive: Receive
) -> None:
    request = make_request("identity_slow", INPUT0=X)
    request.id = "in flight"
    server.infer_async(request)
    allocator = tb.TRITONSERVER_ResponseAllocator(print, print)
    changes: list[Callable[[], Any]] = [
        lambda: server.infer_async(request),
        lambda: setattr(request, "id", "x"),
        lambda: request.add_input("INPUT1", FP32, [1]),
        lambda: request.append_input_data("INPUT0", X.ctypes.data, 12, CPU, 0),
        lambda: request.remove_all_inputs(),
        lambda: request.add_requested_output("OUTPUT0"),
        lambda: request.remove_all_requested_outputs(),
        lambda: request.set_int_parameter("x", 1),
        lambda: request.set_release_callback(print, None),
        lambda: request.set_response_callback(allocator, None, print, None),
    ]
    for change in changes:
        with pytest.raises(tb.UnavailableError, match="in flight"):
            change()
    assert request.id == "in flight"
    assert not request.is_cancelled
    [response] = receive(request)
    assert response is not None
    response.throw_if_response_error()


def test_sending_again(
    server: Server, make_request: Make, receive: Receive, output: Output
) -> None:
    data = np.zeros(3, np.float32)
    request = make_request("identity_fp32", INPUT0=data)
    request.id = "again"
    request.add_requested_output("OUTPUT0")
    request.set_bool_parameter("echo_parameters", True)
    for number in range(5):
        data[:] = number
        request.set_int_parameter("number", number)
        server.infer_async(request)
        [response] = receive(request)
        assert response is not None
        np.testing.assert_array_equal(output(response), data)
        assert response.id == "again"
        parameters = [response.parameter(i) for i in range(response.parameter_count)]
        assert ("number", tb.TRITONSERVER_ParameterType.INT, number) in parameters
        assert len(parameters) == 2, "a parameter that is set again replaces the earlier value"
        wait_for_release(request)


def test_sending_again_with_changed_inputs_misses_the_cache(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], receive: Receive, output: Output
) -> None:
    options = make_options("identity_cached")
    options.set_cache_config("local", '{"size": 1048576}')
    server = tb.TRITONSERVER_Server(options)
    data = np.zeros(3, np.float32)
    request = tb.TRITONSERVER_InferenceRequest(server, "identity_cached", -1)
    request.add_input("INPUT0", FP32, data.shape)
    request.append_input_data("INPUT0", data.ctypes.data, data.nbytes, CPU, 0)
    for number in [1, 2, 2, 1]:  # the last two are answered from the cache, while they are sent
        data[:] = number
        server.infer_async(request)
        [response] = receive(request)
        assert response is not None
        np.testing.assert_array_equal(output(response), data)
        wait_for_release(request)
    statistics = json.loads(server.model_statistics("identity_cached", 1).serialize_to_json())
    assert statistics["model_stats"][0]["inference_stats"]["cache_hit"]["count"] == 2
    server.stop()


def test_sending_again_to_an_ensemble(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], receive: Receive
) -> None:
    server = tb.TRITONSERVER_Server(make_options("ensemble"))
    request = tb.TRITONSERVER_InferenceRequest(server, "ensemble", -1)
    request.add_input("INPUT0", FP32, X.shape)
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    for _ in range(3):
        server.infer_async(request)
        [response] = receive(request)
        wait_for_release(request)
        del response
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 5


def test_request_of_another_server(
    server: Server,
    make_request: Make,
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions],
) -> None:
    other = tb.TRITONSERVER_Server(make_options())
    with pytest.raises(tb.InvalidArgumentError, match="another server"):
        other.infer_async(make_request("identity_fp32", INPUT0=X))
    other.stop()


def test_request_outlives_its_model_and_the_names_of_its_server(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], receive: Receive, output: Output
) -> None:
    server = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
    request.add_input("INPUT0", FP32, X.shape)
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    server.unload_model("identity_fp32")
    server.infer_async(request)
    del server
    gc.collect()
    [response] = receive(request)
    del request
    assert response is not None
    np.testing.assert_array_equal(output(response), X)


def test_request_of_a_server_that_was_stopped(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], receive: Receive
) -> None:
    server = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    requests = [tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1) for _ in range(2)]
    requests[1].add_input("INPUT0", FP32, X.shape)
    requests[1].append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    server.infer_async(requests[1])
    receive(requests[1])
    wait_for_release(requests[1])
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 5, "requests must not pin their model"
    uses: list[Callable[[Request], Any]] = [
        lambda request: request.id,
        lambda request: request.add_input("INPUT0", FP32, [1]),
        lambda request: request.cancel(),
        server.infer_async,
    ]
    for request in requests:
        for use in uses:
            with pytest.raises(tb.UnavailableError, match="server was stopped"):
                use(request)
    with pytest.raises(tb.NotFoundError):
        tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)


# Cancelling


def test_cancel_before_sending(make_request: Make) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    with pytest.raises(tb.InternalError):
        request.cancel()
    with pytest.raises(tb.InternalError):
        _ = request.is_cancelled


def test_cancel(server: Server, make_request: Make, receive: Receive) -> None:
    request = make_request("identity_slow", INPUT0=X)
    request.set_int_parameter("execute_delay_ms", 20_000)
    server.infer_async(request)
    assert not request.is_cancelled
    request.cancel()
    request.cancel()
    assert request.is_cancelled
    [response] = receive(request)
    assert response is not None
    with pytest.raises(tb.CancelledError) as caught:
        response.throw_if_response_error()
    assert isinstance(caught.value, tb.UnknownError)
    wait_for_release(request)
    request.set_int_parameter("execute_delay_ms", 1)
    server.infer_async(request)
    assert not request.is_cancelled
    [response] = receive(request)
    assert response is not None
    response.throw_if_response_error()


def test_cancel_from_many_threads(server: Server, make_request: Make, receive: Receive) -> None:
    for _ in range(20):
        request = make_request("identity_slow", INPUT0=X)
        request.set_int_parameter("execute_delay_ms", 20_000)

        def cancel(request: Request = request) -> None:
            while True:
                try:
                    request.cancel()
                except tb.InternalError:  # not yet sent
                    continue
                return

        threads = [threading.Thread(target=cancel) for _ in range(3)]
        for thread in threads:
            thread.start()
        server.infer_async(request)
        for thread in threads:
            thread.join()
        [response] = receive(request)
        assert response is not None
        with pytest.raises(tb.CancelledError):
            response.throw_if_response_error()


# Futures


def test_future_before_and_after_the_response(server: Server, make_request: Make) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    request.get_next_response(future)
    server.infer_async(request)
    response, flags = future.result(timeout=10)
    assert isinstance(response, Response)
    assert flags == FINAL

    wait_for_release(request)
    server.infer_async(request)
    wait_for_release(request)
    time.sleep(0.1)
    future = concurrent.futures.Future()
    request.get_next_response(future)
    assert future.done()


def test_one_future_at_a_time(server: Server, make_request: Make) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    first: concurrent.futures.Future[Any] = concurrent.futures.Future()
    request.get_next_response(first)
    with pytest.raises(tb.AlreadyExistsError):
        request.get_next_response(concurrent.futures.Future())
    server.infer_async(request)
    assert first.result(timeout=10)[1] == FINAL


@pytest.mark.parametrize("sent", ["before", "after"])
def test_cancelled_future_loses_no_response(
    server: Server, make_request: Make, receive: Receive, sent: str
) -> None:
    request = make_request("square_int32", IN=np.array([3], np.int32))
    cancelled: concurrent.futures.Future[Any] = concurrent.futures.Future()
    if sent == "before":
        cancelled.cancel()
    request.get_next_response(cancelled)
    cancelled.cancel()
    server.infer_async(request)
    assert len([response for response in receive(request) if response]) == 3


def test_callback_of_a_future_asks_for_the_next_response(
    server: Server, make_request: Make
) -> None:
    count = 3000
    request = make_request("square_int32", IN=np.array([count], np.int32))
    flags = []
    done = threading.Event()

    def next_response(future: concurrent.futures.Future[Any] | None = None) -> None:
        if future is not None:
            flags.append(future.result()[1])
            if flags[-1] == FINAL:
                done.set()
                return
        future = concurrent.futures.Future()
        future.add_done_callback(next_response)
        request.get_next_response(future)

    server.infer_async(request)
    wait_for_release(request)
    time.sleep(0.2)  # so that many responses are waiting
    next_response()
    assert done.wait(30)
    assert len(flags) >= count


async def test_asyncio(server: Server, make_request: Make, output: Output) -> None:
    request = make_request("square_int32", IN=np.array([5], np.int32))
    server.infer_async(request)
    responses = []
    flags = 0
    while flags != FINAL:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        request.get_next_response(future)
        response, flags = await asyncio.wait_for(future, 10)
        responses.append(response)
    assert [int(output(response)[0]) for response in responses if response] == [5] * 5


async def test_cancelled_asyncio_future_loses_no_response(
    server: Server, make_request: Make
) -> None:
    request = make_request("square_int32", IN=np.array([4], np.int32))
    loop = asyncio.get_running_loop()
    server.infer_async(request)
    received = 0
    flags = 0
    while flags != FINAL:
        cancelled = loop.create_future()
        request.get_next_response(cancelled)  # its result is on the way when it is cancelled
        cancelled.cancel()
        future = loop.create_future()
        request.get_next_response(future)
        response, flags = await asyncio.wait_for(future, 10)
        received += response is not None
    assert received == 4


def test_future_of_a_closed_loop_loses_no_response(
    server: Server, make_request: Make, receive: Receive
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    loop.close()
    request.get_next_response(future)
    server.infer_async(request)
    wait_for_release(request)
    future.cancel()
    [response] = receive(request)
    assert response is not None


def test_request_is_dropped_with_a_future(server: Server, make_request: Make) -> None:
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    request = make_request("identity_slow", INPUT0=X)
    server.infer_async(request)
    request.get_next_response(future)
    del request
    gc.collect()
    assert future.result(timeout=10)[1] == FINAL


# Callbacks


def allocate(allocator: Any, name: str, size: int, memory_type: Any, device: int, user: Any) -> Any:
    block = np.empty(size, np.byte)
    return block.ctypes.data, block, CPU, 0


def release(*_: Any) -> None:
    pass


@pytest.fixture
def allocator() -> tb.TRITONSERVER_ResponseAllocator:
    return tb.TRITONSERVER_ResponseAllocator(allocate, release)


def test_callbacks(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator, output: Output
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    done: queue.Queue[Any] = queue.Queue()
    released: queue.Queue[Any] = queue.Queue()
    request.set_release_callback(lambda *arguments: released.put(arguments), "release user")
    request.set_response_callback(
        allocator, None, lambda *arguments: done.put(arguments), "response user"
    )
    server.infer_async(request)
    response, flags, user = done.get(timeout=10)
    assert (flags, user) == (FINAL, "response user")
    np.testing.assert_array_equal(output(response), X)
    same, flags, user = released.get(timeout=10)
    assert same is request
    assert (flags, user) == (int(tb.TRITONSERVER_RequestReleaseFlag.ALL), "release user")
    assert done.empty()
    assert released.empty()


def test_callbacks_serve_one_inference(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    done: queue.Queue[Any] = queue.Queue()

    def set_release() -> None:
        request.set_release_callback(lambda *_: done.put("released"), None)

    def set_response() -> None:
        request.set_response_callback(allocator, None, lambda *_: done.put("response"), None)

    set_release()
    set_response()
    server.infer_async(request)
    assert {done.get(timeout=10) for _ in range(2)} == {"released", "response"}
    wait_for_release(request)
    for set_callback in (set_release, set_response):
        with pytest.raises(tb.InvalidArgumentError, match="set the callbacks again"):
            server.infer_async(request)
        set_callback()
    server.infer_async(request)
    assert {done.get(timeout=10) for _ in range(2)} == {"released", "response"}
    with pytest.raises(tb.InvalidArgumentError, match="response callback"):
        request.get_next_response(concurrent.futures.Future())


def test_callbacks_stay_when_a_request_is_refused(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator
) -> None:
    request = make_request("identity_fp32")
    done: queue.Queue[Any] = queue.Queue()
    request.set_release_callback(lambda *_: done.put("released"), None)
    request.set_response_callback(allocator, None, lambda *_: done.put("response"), None)
    with pytest.raises(tb.InvalidArgumentError):
        server.infer_async(request)
    request.add_input("INPUT0", FP32, X.shape)
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    server.infer_async(request)
    assert {done.get(timeout=10) for _ in range(2)} == {"released", "response"}


def test_release_callback_beside_futures(
    server: Server, make_request: Make, receive: Receive
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    released = threading.Event()
    request.set_release_callback(lambda *_: released.set(), None)
    server.infer_async(request)
    assert len(receive(request)) == 1
    assert released.wait(10)


def test_decoupled_callbacks(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator, output: Output
) -> None:
    request = make_request("square_int32", IN=np.array([3], np.int32))
    done: queue.Queue[Any] = queue.Queue()
    request.set_response_callback(allocator, None, lambda r, f, _: done.put((r, f)), None)
    server.infer_async(request)
    answers = [done.get(timeout=10) for _ in range(4)]
    assert [flags for _, flags in answers] == [0, 0, 0, FINAL]
    assert [int(output(response)[0]) for response, _ in answers[:3]] == [3] * 3
    assert answers[3][0] is None


def test_sending_again_from_the_release_callback(
    server: Server, make_request: Make, receive: Receive
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    sent = [1]
    finished = threading.Event()

    def send_again(same: Request, flags: int, user: None) -> None:
        if sent[0] == 5:
            finished.set()
            return
        sent[0] += 1
        same.set_release_callback(send_again, None)
        server.infer_async(same)

    request.set_release_callback(send_again, None)
    server.infer_async(request)
    assert finished.wait(10)
    assert len([receive(request) for _ in range(5)]) == 5


def test_request_dropped_in_flight(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator
) -> None:
    done: queue.Queue[Any] = queue.Queue()
    request = make_request("identity_slow", INPUT0=X)
    request.set_release_callback(lambda request, *_: done.put(request.id), None)
    request.set_response_callback(allocator, None, lambda *_: done.put("response"), None)
    request.id = "dropped"
    server.infer_async(request)
    del request, allocator
    gc.collect()
    assert {done.get(timeout=10) for _ in range(2)} == {"dropped", "response"}


def test_exceptions_in_callbacks_are_reported(
    server: Server,
    make_request: Make,
    allocator: tb.TRITONSERVER_ResponseAllocator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: queue.Queue[Any] = queue.Queue()
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.put(repr(args.exc_value)))

    def fail(*_: Any) -> None:
        raise RuntimeError("in a callback")

    request = make_request("identity_fp32", INPUT0=X)
    request.set_release_callback(fail, None)
    request.set_response_callback(allocator, None, fail, None)
    server.infer_async(request)
    for _ in range(2):
        assert reported.get(timeout=10) == "RuntimeError('in a callback')"
    assert server.is_ready()


def test_callbacks_are_dropped_after_use(
    server: Server, make_request: Make, allocator: tb.TRITONSERVER_ResponseAllocator
) -> None:
    user = object()
    before = sys.getrefcount(user)
    released = threading.Event()
    request = make_request("identity_fp32", INPUT0=X)
    request.set_release_callback(lambda *_: released.set(), user)
    request.set_response_callback(allocator, user, lambda *_: None, user)
    assert sys.getrefcount(user) == before + 3
    server.infer_async(request)
    assert released.wait(10)
    deadline = time.monotonic() + 10
    while sys.getrefcount(user) != before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_stopping_in_a_callback(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], receive: Receive
) -> None:
    server = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
    request.add_input("INPUT0", FP32, X.shape)
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    raised: queue.Queue[Any] = queue.Queue()

    def stop(*_: Any) -> None:
        try:
            server.stop()
        except tb.UnavailableError as error:
            raised.put(error)

    request.set_release_callback(stop, None)
    server.infer_async(request)
    assert "callback" in str(raised.get(timeout=10))
    receive(request)
    server.stop()


def test_last_reference_to_a_server_goes_in_a_callback(run_program: Callable[..., Any]) -> None:
    result = run_program("""
        import numpy as np, threading, time
        options = tb.TRITONSERVER_ServerOptions()
        options.set_log_info(False)
        options.set_model_repository_path("tests/models/native")
        options.set_startup_model("identity_fp32")
        options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
        server = tb.TRITONSERVER_Server(options)
        request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
        x = np.zeros(1, np.float32)
        request.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [1])
        request.append_input_data("INPUT0", x.ctypes.data, 4, tb.TRITONSERVER_MemoryType.CPU, 0)
        request.set_int_parameter("execute_delay_ms", 300)
        server.infer_async(request)
        del server, request
        time.sleep(1)
    """)
    assert result.returncode == 0, result.stderr
    assert "cannot delete" not in result.stderr
