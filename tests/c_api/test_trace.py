"""Traces."""

import collections
import ctypes
import gc
import json
import queue
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tritonserver._c import triton_bindings as tb

Activity = tb.TRITONSERVER_InferenceTraceActivity
Level = tb.TRITONSERVER_InferenceTraceLevel
Trace = tb.TRITONSERVER_InferenceTrace
Server = tb.TRITONSERVER_Server
Make = Callable[..., tb.TRITONSERVER_InferenceRequest]
TIMESTAMPS = int(Level.TIMESTAMPS)
TENSORS = int(Level.TENSORS)

X = np.array([1, 2, 3], np.float32)
STAGES = [
    Activity.REQUEST_START,
    Activity.QUEUE_START,
    Activity.COMPUTE_START,
    Activity.COMPUTE_INPUT_END,
    Activity.COMPUTE_OUTPUT_START,
    Activity.COMPUTE_END,
    Activity.REQUEST_END,
]


class Recorder:
    """Functions of a trace that note what they are told."""

    def __init__(self) -> None:
        self.activities: list[tuple[int, Activity, int]] = []
        self.tensors: list[tuple[Any, ...]] = []
        self.released: queue.Queue[Trace] = queue.Queue()
        self.facts: dict[int, tuple[Any, ...]] = {}

    def activity(self, trace: Trace, activity: Activity, timestamp: int, user: Any) -> None:
        assert user is self
        self.activities.append((trace.id, activity, timestamp))
        self.facts[trace.id] = (
            trace.parent_id, trace.model_name, trace.model_version, trace.request_id,
        )  # fmt: skip

    def tensor(
        self, trace: Trace, activity: Activity, name: str, data_type: Any, pointer: int, size: int,
        shape: Any, memory_type: Any, memory_type_id: int, user: Any,
    ) -> None:  # fmt: skip
        assert user is self
        assert memory_type is tb.TRITONSERVER_MemoryType.CPU
        assert (shape.dtype, memory_type_id) == (np.int64, 0)
        data = ctypes.string_at(pointer, size)
        self.tensors.append((activity, name, data_type, shape.tolist(), data))

    def release(self, trace: Trace, user: Any) -> None:
        assert user is self
        self.released.put(trace)

    def trace(self, parent_id: int = 0) -> Trace:
        return Trace(TIMESTAMPS, parent_id, self.activity, self.release, self)

    def tensor_trace(self, level: int = TIMESTAMPS | TENSORS) -> Trace:
        return Trace(level, 0, self.activity, self.tensor, self.release, self)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def infer_traced(server: Server, receive: Any) -> Callable[..., Any]:
    """Send a request with a trace, drop its responses, and return the trace when it is released."""

    def infer_traced(request: Any, trace: Trace, recorder: Recorder) -> Trace:
        server.infer_async(request, trace)
        receive(request)
        return recorder.released.get(timeout=10)

    return infer_traced


def test_timestamps(make_request: Make, infer_traced: Any, recorder: Recorder) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    request.id = "traced"
    trace = recorder.trace(parent_id=2**64 - 1)
    number = trace.id
    released = infer_traced(request, trace, recorder)
    assert released.id == number
    assert {identifier for identifier, *_ in recorder.activities} == {number}
    in_order = sorted(recorder.activities, key=lambda entry: entry[2])
    assert [activity for _, activity, _ in in_order] == STAGES
    expected = (2**64 - 1, "identity_fp32", 1, "traced")
    assert recorder.facts[number] == expected
    assert (
        released.parent_id, released.model_name, released.model_version, released.request_id
    ) == expected  # fmt: skip
    assert recorder.released.empty()


def test_tensors(make_request: Make, infer_traced: Any, recorder: Recorder) -> None:
    request = make_request("identity_eight", **{f"INPUT{i}": X + i for i in range(8)})
    infer_traced(request, recorder.tensor_trace(), recorder)
    fp32 = tb.TRITONSERVER_DataType.FP32
    expected = [
        (activity, f"{name}{i}", fp32, [3], (X + i).tobytes())
        for activity, name in (
            (Activity.TENSOR_QUEUE_INPUT, "INPUT"),
            (Activity.TENSOR_BACKEND_OUTPUT, "OUTPUT"),
        )
        for i in range(8)
    ]
    assert sorted(recorder.tensors) == expected
    assert {activity for _, activity, _ in recorder.activities} == set(STAGES)


@pytest.mark.parametrize("level", [0, int(Level.MIN), int(Level.MAX), TENSORS])
def test_level(make_request: Make, infer_traced: Any, recorder: Recorder, level: int) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    infer_traced(request, recorder.tensor_trace(level), recorder)
    assert bool(recorder.activities) == (level in (Level.MIN, Level.MAX))
    assert bool(recorder.tensors) == (level == TENSORS)


@pytest.mark.parametrize("level", [16, 2**31, TENSORS])
def test_level_that_is_refused(recorder: Recorder, level: int) -> None:
    with pytest.raises(tb.InvalidArgumentError, match=f"level {level}"):
        Trace(level, 0, recorder.activity, recorder.release, None)


def test_before_use(recorder: Recorder) -> None:
    first, second = recorder.trace(), recorder.trace(parent_id=7)
    assert second.id > first.id > 0
    assert (first.parent_id, second.parent_id) == (0, 7)
    assert (first.model_name, first.model_version, first.request_id) == ("", -1, "")
    assert first.context == ""


def test_trace_that_was_given_away(
    server: Server, make_request: Make, receive: Any, recorder: Recorder
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    trace = recorder.trace()
    server.infer_async(request, trace)
    other = make_request("identity_fp32", INPUT0=X)
    uses: list[Callable[[], Any]] = [
        lambda: trace.id,
        lambda: trace.context,
        lambda: setattr(trace, "context", "x"),
        lambda: trace.report_activity(1, "x"),
        lambda: trace.spawn_child_trace(),
        lambda: server.infer_async(other, trace),
    ]
    for use in uses:
        with pytest.raises(tb.InvalidArgumentError, match="no longer valid"):
            use()
    receive(request)
    recorder.released.get(timeout=10)


def test_lent_trace_is_valid_in_the_callback_only(
    make_request: Make, infer_traced: Any, recorder: Recorder
) -> None:
    lent: list[Trace] = []
    trace = Trace(TIMESTAMPS, 0, lambda trace, *_: lent.append(trace), recorder.release, recorder)
    infer_traced(make_request("identity_fp32", INPUT0=X), trace, recorder)
    assert len(lent) == 7
    for trace in lent:
        with pytest.raises(tb.InvalidArgumentError, match="no longer valid"):
            _ = trace.id


def test_refused_request_leaves_the_trace(
    server: Server, make_request: Make, infer_traced: Any, recorder: Recorder
) -> None:
    trace = recorder.trace()
    with pytest.raises(tb.InvalidArgumentError):
        server.infer_async(make_request("identity_fp32"), trace)
    assert trace.id > 0
    assert recorder.released.empty()
    infer_traced(make_request("identity_fp32", INPUT0=X), trace, recorder)


def test_trace_of_a_request_that_fails_after_it_began(
    server: Server, make_request: Make, recorder: Recorder
) -> None:
    request = make_request("identity_sequence", INPUT0=X.reshape(1, 3))
    trace = recorder.trace()
    number = trace.id
    with pytest.raises(tb.InvalidArgumentError, match="correlation ID"):
        server.infer_async(request, trace)
    try:
        given_back = trace.id
    except tb.InvalidArgumentError:
        given_back = recorder.released.get(timeout=10).id
    assert given_back == number
    assert recorder.released.empty()


def test_children(make_request: Make, infer_traced: Any, recorder: Recorder) -> None:
    request = make_request("ensemble", INPUT0=X)
    trace = recorder.trace()
    root = trace.id
    traces = {infer_traced(request, trace, recorder).id}
    while len(traces) < 3:
        traces.add(recorder.released.get(timeout=10).id)
    assert root in traces
    facts = {number: recorder.facts[number][:2] for number in traces}
    assert facts.pop(root) == (0, "ensemble")
    assert list(facts.values()) == [(root, "identity_fp32")] * 2
    assert collections.Counter(number for number, *_ in recorder.activities)[root] >= 2


def test_spawned_child(make_request: Make, infer_traced: Any, recorder: Recorder) -> None:
    parent = recorder.trace()
    child = parent.spawn_child_trace()
    number = child.id
    assert child.parent_id == parent.id
    assert (child.model_name, child.model_version, child.request_id) == ("", -1, "")
    del parent
    gc.collect()
    released = infer_traced(make_request("identity_fp32", INPUT0=X), child, recorder)
    assert released.id == number
    assert {identifier for identifier, *_ in recorder.activities} == {number}


def test_context(recorder: Recorder) -> None:
    trace = recorder.trace()
    trace.context = '{"traceparent": "00-1-2-03", "ü": 1}'
    assert trace.context == '{"traceparent": "00-1-2-03", "ü": 1}'
    trace.context = ""
    assert trace.context == ""


def test_activity_of_the_program(recorder: Recorder) -> None:
    trace = recorder.trace()
    trace.report_activity(123, "reading the file")
    assert recorder.activities == [(trace.id, Activity.CUSTOM_ACTIVITY, 123)]
    assert json.loads(trace.context) == {"123": "reading the file"}


def test_functions_live_as_long_as_a_trace(make_request: Make, infer_traced: Any) -> None:
    recorder = Recorder()
    gone = weakref.ref(recorder)
    trace = recorder.trace()
    children = [trace.spawn_child_trace() for _ in range(2)]
    released = infer_traced(make_request("identity_fp32", INPUT0=X), trace, recorder)
    del recorder, trace, released
    gc.collect()
    assert gone() is not None
    children.pop()
    assert gone() is not None
    children.pop().report_activity(1, "last")
    gc.collect()
    assert gone() is None


def test_exceptions_are_reported(
    server: Server, make_request: Make, receive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: queue.Queue[Any] = queue.Queue()
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.put(repr(args.exc_value)))

    def fail(*_: Any) -> None:
        raise RuntimeError("in a trace")

    trace = Trace(TIMESTAMPS | TENSORS, 0, fail, fail, fail, None)
    request = make_request("identity_fp32", INPUT0=X)
    server.infer_async(request, trace)
    [response] = receive(request)
    response.throw_if_response_error()
    del response
    assert [reported.get(timeout=10) for _ in range(10)] == ["RuntimeError('in a trace')"] * 10


def test_response_holds_its_trace(
    server: Server, make_request: Make, receive: Any, recorder: Recorder
) -> None:
    request = make_request("identity_fp32", INPUT0=X)
    server.infer_async(request, recorder.trace())
    responses = receive(request)
    with pytest.raises(queue.Empty):
        recorder.released.get(timeout=0.3)
    thread = threading.Thread(target=responses.clear)
    thread.start()
    thread.join()
    recorder.released.get(timeout=10)
