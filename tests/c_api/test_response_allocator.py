"""Response allocators made of Python functions."""

import ctypes
import gc
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tritonserver._c import triton_bindings as tb

Server = tb.TRITONSERVER_Server
Request = tb.TRITONSERVER_InferenceRequest
Allocator = tb.TRITONSERVER_ResponseAllocator
Attributes = tb.TRITONSERVER_BufferAttributes
CPU = tb.TRITONSERVER_MemoryType.CPU
Make = Callable[..., Request]

X = np.array([1, 2, 3], np.float32)


class Recorder:
    """Functions of an allocator that provide NumPy blocks and note how they were called."""

    def __init__(self) -> None:
        self.allocated: list[tuple[Any, ...]] = []
        self.released: list[tuple[Any, ...]] = []
        self.started: list[tuple[Any, ...]] = []

    def alloc(self, *arguments: Any) -> Any:
        self.allocated.append(arguments)
        block = np.zeros(arguments[2], np.byte)
        return block.ctypes.data, block, CPU, 0

    def release(self, *arguments: Any) -> None:
        self.released.append(arguments)

    def start(self, *arguments: Any) -> None:
        self.started.append(arguments)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def infer_with(server: Server) -> Callable[..., Any]:
    """Send a request with an allocator and return its response."""

    def infer_with(request: Request, allocator: Allocator, user: Any = None) -> Any:
        done: queue.Queue[Any] = queue.Queue()
        released = threading.Event()
        request.set_release_callback(lambda *_: released.set(), None)
        request.set_response_callback(
            allocator, user, lambda response, *_: done.put(response), None
        )
        server.infer_async(request)
        assert released.wait(10)
        return done.get(timeout=10)

    return infer_with


def test_calls(
    make_request: Make, infer_with: Callable[..., Any], output: Any, recorder: Recorder
) -> None:
    allocator = Allocator(recorder.alloc, recorder.release, recorder.start)
    user = object()
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator, user)
    np.testing.assert_array_equal(output(response), X)
    assert recorder.started == [(allocator, user)]
    assert recorder.allocated == [(allocator, "OUTPUT0", 12, CPU, 0, user)]
    assert recorder.released == []

    name, data_type, shape, pointer, size, memory_type, memory_type_id, block = response.output(0)
    assert (name, data_type, size) == ("OUTPUT0", tb.TRITONSERVER_DataType.FP32, 12)
    assert (memory_type, memory_type_id) == (CPU, 0)
    assert shape.tolist() == [3]
    assert pointer == block.ctypes.data
    np.testing.assert_array_equal(block.view(np.float32), X)

    held = sys.getrefcount(block)
    del response
    assert recorder.released == [(allocator, pointer, block, 12, CPU, 0)]
    recorder.released.clear()
    assert sys.getrefcount(block) == held - 1


def test_empty_output(
    make_request: Make, infer_with: Callable[..., Any], recorder: Recorder
) -> None:
    marker = object()
    released: list[Any] = []
    allocator = Allocator(
        lambda *_: (0, marker, CPU, 0),
        lambda _, pointer, user, size, *__: released.append((pointer, user, size)),
    )
    request = make_request("identity_fp32")
    request.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [0])
    response = infer_with(request, allocator)
    *_, pointer, size, _, _, block = response.output(0)
    assert (pointer, size) == (0, 0)
    assert block is marker
    del response
    assert released == [(0, marker, 0)]


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (tb.NotFoundError("no memory"), tb.NotFoundError),
        (tb.CancelledError("no memory"), tb.CancelledError),
        (MemoryError("no memory"), tb.UnknownError),
    ],
)
def test_alloc_raises(
    make_request: Make, infer_with: Callable[..., Any], raised: Exception, error: type[Exception]
) -> None:
    def alloc(*_: Any) -> Any:
        raise raised

    released: list[Any] = []
    allocator = Allocator(alloc, lambda *arguments: released.append(arguments))
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator)
    with pytest.raises(error, match="no memory"):
        response.throw_if_response_error()
    if response.output_count:  # an output without a buffer
        assert response.output(0)[3:5] == (0, 0)
        assert response.output(0)[7] is None
    del response
    assert released == []


@pytest.mark.parametrize("returned", [None, (1, None), (1, None, 0, 0), ("p", None, CPU, 0)])
def test_alloc_returns_something_else(
    make_request: Make, infer_with: Callable[..., Any], returned: Any
) -> None:
    allocator = Allocator(lambda *_: returned, lambda *_: None)
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator)
    with pytest.raises(tb.InvalidArgumentError, match="alloc_function returned a value of the wro"):
        response.throw_if_response_error()


def test_alloc_returns_null(make_request: Make, infer_with: Callable[..., Any]) -> None:
    allocator = Allocator(lambda *_: (0, None, CPU, 0), lambda *_: None)
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator)
    with pytest.raises(tb.InvalidArgumentError, match="null pointer for 12 bytes of output 'OUT"):
        response.throw_if_response_error()


def test_start_and_release_raise(
    make_request: Make,
    infer_with: Callable[..., Any],
    output: Any,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("not this time")

    allocator = Allocator(recorder.alloc, fail, fail)
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator)
    np.testing.assert_array_equal(output(response), X)
    block = weakref.ref(response.output(0)[7])
    del response
    assert block() is None, "the buffer is released although the function failed"


@pytest.mark.parametrize("way", ["changed", "new"])
def test_buffer_attributes(
    make_request: Make,
    infer_with: Callable[..., Any],
    output: Any,
    recorder: Recorder,
    way: str,
) -> None:
    calls: list[Any] = []
    handle = (ctypes.c_char * 64)()

    def describe(*arguments: Any) -> Attributes:
        calls.append(arguments)
        attributes = arguments[2] if way == "changed" else Attributes()
        assert isinstance(attributes, Attributes)
        attributes.cuda_ipc_handle = ctypes.addressof(handle)
        attributes.byte_size = 12
        return attributes

    allocator = Allocator(recorder.alloc, recorder.release)
    allocator.set_buffer_attributes_function(describe)
    user = object()
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator, user)
    np.testing.assert_array_equal(output(response), X)
    [(same, name, lent, same_user, block)] = calls
    assert (same, name, same_user) == (allocator, "OUTPUT0", user)
    assert block is response.output(0)[7]
    uses: list[Callable[[], Any]] = [
        lambda: lent.byte_size,
        lambda: setattr(lent, "memory_type", CPU),
        lambda: make_request("identity_fp32").append_input_data_with_buffer_attributes(
            "INPUT0", 0, lent
        ),
    ]
    for use in uses:
        with pytest.raises(tb.InvalidArgumentError, match="no longer valid"):
            use()


@pytest.mark.parametrize("way", ["raises", "returns something else"])
def test_buffer_attributes_fail(
    make_request: Make, infer_with: Callable[..., Any], recorder: Recorder, way: str
) -> None:
    def describe(*_: Any) -> Any:
        if way == "raises":
            raise tb.UnsupportedError("no attributes")

    allocator = Allocator(recorder.alloc, recorder.release)
    allocator.set_buffer_attributes_function(describe)
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator)
    error = tb.UnsupportedError if way == "raises" else tb.InvalidArgumentError
    with pytest.raises(error, match="attributes"):
        response.throw_if_response_error()
    assert len(recorder.allocated) == len(recorder.released) == 1
    del response
    assert len(recorder.released) == 1


@pytest.fixture
def query_outputs(make_request: Make, infer_with: Callable[..., Any]) -> Callable[..., Any]:
    """Let the backend ask an allocator where the output will be."""

    def query_outputs(allocator: Allocator, user: object = None) -> Any:
        request = make_request("identity_fp32", INPUT0=X)
        request.set_bool_parameter("query_outputs", True)
        return infer_with(request, allocator, user)

    return query_outputs


def test_query_function(query_outputs: Callable[..., Any], output: Any, recorder: Recorder) -> None:
    asked: list[Any] = []

    def query(*arguments: Any) -> Any:
        asked.append(arguments)
        assert not recorder.allocated
        return tb.TRITONSERVER_MemoryType.CPU_PINNED, 3

    allocator = Allocator(recorder.alloc, recorder.release)
    allocator.set_query_function(query)
    user = object()
    response = query_outputs(allocator, user)
    np.testing.assert_array_equal(output(response), X)
    assert asked == [(allocator, user, "OUTPUT0", X.nbytes, CPU, 0)]
    told = [response.parameter(i) for i in range(response.parameter_count)]
    assert [(name, value) for name, _, value in told] == [
        ("OUTPUT0_memory_type", 1),
        ("OUTPUT0_memory_type_id", 3),
    ]


def test_query_function_is_replaced(query_outputs: Callable[..., Any], recorder: Recorder) -> None:
    allocator = Allocator(recorder.alloc, recorder.release)
    for number in range(2):
        allocator.set_query_function(lambda *_, number=number: (CPU, number))
    assert query_outputs(allocator).parameter(1)[2] == 1


@pytest.mark.parametrize(
    ("query", "error", "message"),
    [
        (None, tb.UnavailableError, "Output properties are not available$"),
        (lambda *_: 1 / 0, tb.UnknownError, "^ZeroDivisionError: division by zero$"),
        (lambda *_: CPU, tb.InvalidArgumentError, "^query_function returned a value of the wrong"),
        (lambda *_: (CPU, "0"), tb.InvalidArgumentError, "^query_function returned a value"),
    ],
    ids=["none", "raises", "no tuple", "wrong type"],
)
def test_query_function_fails(
    query_outputs: Callable[..., Any],
    recorder: Recorder,
    query: Any,
    error: type[tb.TritonError],
    message: str,
) -> None:
    allocator = Allocator(recorder.alloc, recorder.release)
    if query is not None:
        allocator.set_query_function(query)
    response = query_outputs(allocator)
    with pytest.raises(error, match=message):
        response.throw_if_response_error()
    assert not recorder.allocated


def test_allocator_outlives_its_names(
    make_request: Make, infer_with: Callable[..., Any], output: Any, recorder: Recorder
) -> None:
    allocator = Allocator(recorder.alloc, recorder.release)
    gone = weakref.ref(allocator)
    response = infer_with(make_request("identity_fp32", INPUT0=X), allocator)
    recorder.allocated.clear()
    del allocator
    gc.collect()
    np.testing.assert_array_equal(output(response), X)
    del response
    assert len(recorder.released) == 1
    recorder.released.clear()
    gc.collect()
    deadline = time.monotonic() + 10
    while gone() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_one_allocator_serves_many_requests(
    server: Server, make_request: Make, recorder: Recorder
) -> None:
    allocator = Allocator(recorder.alloc, recorder.release, recorder.start)
    done: queue.Queue[Any] = queue.Queue()
    requests = [make_request("identity_fp32", INPUT0=X) for _ in range(100)]
    for number, request in enumerate(requests):
        request.set_response_callback(
            allocator, number, lambda response, _, user: done.put((user, response)), number
        )
        server.infer_async(request)
    responses = dict(done.get(timeout=10) for _ in requests)
    assert sorted(responses) == list(range(100))
    assert sorted(arguments[-1] for arguments in recorder.allocated) == list(range(100))
    responses.clear()
    deadline = time.monotonic() + 10
    while len(recorder.released) < 100:  # the last callback may not have returned yet
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_response_is_deleted_on_another_thread(
    make_request: Make, infer_with: Callable[..., Any], recorder: Recorder
) -> None:
    allocator = Allocator(recorder.alloc, recorder.release)
    held = [infer_with(make_request("identity_fp32", INPUT0=X), allocator)]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert len(recorder.released) == 1


def test_stopping_releases_buffers(
    make_options: Callable[..., tb.TRITONSERVER_ServerOptions], recorder: Recorder
) -> None:
    server = tb.TRITONSERVER_Server(make_options("identity_fp32"))
    request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
    request.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [3])
    request.append_input_data("INPUT0", X.ctypes.data, X.nbytes, CPU, 0)
    done: queue.Queue[Any] = queue.Queue()
    request.set_response_callback(
        Allocator(recorder.alloc, recorder.release), None, lambda r, *_: done.put(r), None
    )
    server.infer_async(request)
    response = done.get(timeout=10)
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 5
    assert len(recorder.released) == 1
    with pytest.raises(tb.UnavailableError):
        response.output(0)
