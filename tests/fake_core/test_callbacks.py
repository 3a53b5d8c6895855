"""Callbacks in orders that are allowed but rare, and allocations that fail."""

import concurrent.futures
import queue
from collections.abc import Callable
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

CPU = tb.TRITONSERVER_MemoryType.CPU
FINAL = tb.TRITONSERVER_ResponseCompleteFlag.FINAL

# What happens after a request was sent, as fake_core.cc spells it, and the flags of the responses,
# None for one that does not exist.
SCRIPTS = {
    "fx": [("response", 1)],
    "xf": [("response", 1)],
    "xrrf": [("response", 0), ("response", 0), ("response", 1)],
    "rxrn": [("response", 0), ("response", 0), ("none", 1)],
    "nx": [("none", 1)],
    "xn": [("none", 1)],
    "0x0n": [("none", 1)],
}


def new_request(server: tb.TRITONSERVER_Server) -> tb.TRITONSERVER_InferenceRequest:
    return tb.TRITONSERVER_InferenceRequest(server, "model", -1)


def received(response: tb.TRITONSERVER_InferenceResponse | None, flags: int) -> tuple[str, int]:
    return "none" if response is None else "response", flags


@pytest.mark.parametrize("thread", ["", "t"], ids=["same thread", "other thread"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_order_for_callbacks(
    core: Any, server: tb.TRITONSERVER_Server, script: str, thread: str
) -> None:
    core.play(thread + script)
    allocated: list[bytearray] = []
    released: queue.Queue[Any] = queue.Queue()
    events: queue.Queue[Any] = queue.Queue()

    def allocate(*_: Any) -> Any:
        allocated.append(bytearray(8))
        return 1, allocated[-1], CPU, 0

    allocator = tb.TRITONSERVER_ResponseAllocator(allocate, lambda *args: released.put(args[2]))
    request = new_request(server)
    request.set_release_callback(lambda same, *_: events.put(same is request), None)
    request.set_response_callback(
        allocator, None, lambda *args: events.put(received(*args[:2])), None
    )
    server.infer_async(request)
    seen = [events.get(timeout=30) for _ in range(len(SCRIPTS[script]) + 1)]
    assert seen.count(True) == 1
    assert [event for event in seen if event is not True] == SCRIPTS[script]
    for block in allocated:
        assert released.get(timeout=30) is block


@pytest.mark.parametrize("script", SCRIPTS)
def test_order_for_futures(core: Any, server: tb.TRITONSERVER_Server, script: str) -> None:
    core.play(script)
    request = new_request(server)
    server.infer_async(request)
    for expected in SCRIPTS[script]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        request.get_next_response(future)
        assert received(*future.result(timeout=30)) == expected


@pytest.mark.parametrize("fault", ["error", "exception"])
@pytest.mark.parametrize(
    "function",
    [
        "InferenceRequestSetReleaseCallback",
        "InferenceRequestSetResponseCallback",
        "ServerInferAsync",
    ],
)
def test_request_that_could_not_be_sent_is_sent_again(
    core: Any, server: tb.TRITONSERVER_Server, function: str, fault: str
) -> None:
    released: queue.Queue[Any] = queue.Queue()
    request = new_request(server)
    request.set_release_callback(lambda *args: released.put(args), "user")
    trace = tb.TRITONSERVER_InferenceTrace(0, 0, print, lambda *args: released.put(args), "trace")
    core.inject(function, fault)
    with pytest.raises(tb.TritonError):
        server.infer_async(request, trace)
    assert released.empty()
    core.inject("", "")
    server.infer_async(request, trace)  # both still belong to the program
    assert released.get(timeout=30) == (request, 1, "user")
    assert released.get(timeout=30)[1] == "trace"
    with pytest.raises(tb.InvalidArgumentError, match="no longer valid"):
        _ = trace.id


def test_output_that_no_host_has_memory_for(core: Any, server: tb.TRITONSERVER_Server) -> None:
    core.set_output_size(2**62)
    request = new_request(server)
    server.infer_async(request)
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    request.get_next_response(future)
    response, flags = future.result(timeout=30)
    assert flags == FINAL
    with pytest.raises(tb.UnavailableError, match=f"cannot allocate {2**62} bytes .* 'OUTPUT'"):
        response.throw_if_response_error()
    assert response.output(0)[3:5] == (0, 0)

    core.inject("ErrorMessage", "null")
    with pytest.raises(tb.UnavailableError, match=r"^$"):
        response.throw_if_response_error()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda *_: (0, None, CPU, 0), tb.InvalidArgumentError),
        (lambda *_: None, tb.InvalidArgumentError),
        (lambda *_: bytearray(2**62), tb.UnknownError),
    ],
    ids=["null", "None", "MemoryError"],
)
def test_allocator_without_memory(
    core: Any, server: tb.TRITONSERVER_Server, answer: Callable[..., Any], error: type[Exception]
) -> None:
    responses: queue.Queue[Any] = queue.Queue()
    allocator = tb.TRITONSERVER_ResponseAllocator(answer, print)
    request = new_request(server)
    request.set_response_callback(allocator, None, lambda *args: responses.put(args[0]), None)
    server.infer_async(request)
    response = responses.get(timeout=30)
    with pytest.raises(error):
        response.throw_if_response_error()
    assert response.output(0)[3:5] == (0, 0)
