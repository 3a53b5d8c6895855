"""Traces: timestamps, tensors, ensembles, and OpenTelemetry."""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritonserver import (
    DataType,
    InvalidArgumentError,
    MemoryType,
    NotFoundError,
    OpenTelemetryTrace,
    Server,
    Trace,
    TraceActivity,
    TraceSpan,
    TraceTensor,
    TritonError,
    UnavailableError,
)

Start = Callable[..., Server]

INPUTS = {"INPUT0": np.array([1, 2], np.float32)}
STAGES = {
    TraceActivity.REQUEST_START,
    TraceActivity.QUEUE_START,
    TraceActivity.COMPUTE_START,
    TraceActivity.COMPUTE_INPUT_END,
    TraceActivity.COMPUTE_OUTPUT_START,
    TraceActivity.COMPUTE_END,
    TraceActivity.REQUEST_END,
}


def test_timestamps(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    trace = Trace()
    assert trace.spans == []
    assert not trace.ended
    before = time.monotonic_ns()
    list(server.model("identity_fp32").infer(inputs=INPUTS, request_id="r", trace=trace))
    (span,) = trace.wait(5)
    after = time.monotonic_ns()
    assert (span.model_name, span.model_version, span.request_id) == ("identity_fp32", 1, "r")
    assert span.parent_id == 0
    assert len(span.timestamps) == len(STAGES)
    assert {activity for activity, _ in span.timestamps} == STAGES
    assert all(before <= time_ns <= after for _, time_ns in span.timestamps)
    assert span.tensors == []
    assert trace.ended


def test_tensors(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    trace = Trace(timestamps=False, tensors=True)
    list(server.model("identity_fp32").infer(inputs=INPUTS, trace=trace))
    (span,) = trace.wait(5)
    data = INPUTS["INPUT0"].tobytes()
    assert span.timestamps == []
    assert span.tensors == [
        TraceTensor(activity, name, DataType.FP32, (2,), MemoryType.CPU, 0, data)
        for activity, name in (
            (TraceActivity.TENSOR_QUEUE_INPUT, "INPUT0"),
            (TraceActivity.TENSOR_BACKEND_OUTPUT, "OUTPUT0"),
        )
    ]


def test_ensemble(start_server: Start) -> None:
    server = start_server("native/identity_fp32", "native/ensemble")
    trace = Trace(tensors=True)
    list(server.model("ensemble").infer(inputs=INPUTS, trace=trace))
    parent, *steps = trace.wait(5)
    assert parent.model_name == "ensemble"
    assert [step.model_name for step in steps] == ["identity_fp32", "identity_fp32"]
    assert {step.parent_id for step in steps} == {parent.id}
    assert all({activity for activity, _ in step.timestamps} == STAGES for step in steps)


def test_functions(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    calls: list[tuple[str, Any]] = []
    ended = threading.Event()

    def on_timestamp(span: TraceSpan, activity: TraceActivity, time_ns: int) -> None:
        calls.append((span.model_name, (activity, time_ns)))

    def on_tensor(span: TraceSpan, tensor: TraceTensor) -> None:
        calls.append((span.model_name, tensor))

    trace = Trace(
        tensors=True,
        on_timestamp=on_timestamp,
        on_tensor=on_tensor,
        on_end=lambda trace: ended.set(),
    )
    list(server.model("identity_fp32").infer(inputs=INPUTS, trace=trace))
    assert ended.wait(5)
    (span,) = trace.spans
    assert sorted(calls, key=repr) == sorted(
        [("identity_fp32", each) for each in [*span.timestamps, *span.tensors]], key=repr
    )


class Counted(Trace):
    """Counts how often it ends."""

    def __init__(self) -> None:
        super().__init__(on_end=lambda _: self.ends.append(1))
        self.ends: list[int] = []


def assert_ended(trace: Counted) -> None:
    """Waiting without a limit returns, once and for all."""
    assert trace.ended
    trace.wait()
    assert trace.ends == [1]


# What is wrong with a request before the core has its trace.
REFUSED: dict[str, dict[str, Any]] = {
    "no inputs": {"inputs": {}},
    "data type": {"inputs": {"INPUT0": np.ones(1, np.int64)}},
    "nothing of a tensor": {"inputs": {"INPUT0": object()}},
    "unknown input": {"inputs": {**INPUTS, "INPUT9": np.ones(1, np.float32)}},
    "unknown output": {"inputs": INPUTS, "requested_outputs": ["OUTPUT9"]},
    "type of the priority": {"inputs": INPUTS, "priority": "high"},
    "memory": {"inputs": INPUTS, "output_memory_type": "nowhere"},
    "parameter": {"inputs": INPUTS, "parameters": {"x": None}},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_a_request_that_is_refused_ends_its_trace(
    native_server: Server, fields: dict[str, Any]
) -> None:
    model = native_server.model("identity_fp32")
    traces = [Counted() for _ in range(3)]
    with pytest.raises((InvalidArgumentError, TypeError)) as raised:
        model.infer(**fields, trace=traces[0])
    with pytest.raises(raised.type):
        model.async_infer(**fields, trace=traces[1])
    with pytest.raises(raised.type):
        model.infer(model.create_request(**fields, trace=traces[2]))
    for trace in traces:
        assert_ended(trace)
        assert trace.spans == []


def test_a_request_to_an_unknown_model_ends_its_trace(native_server: Server) -> None:
    trace = Counted()
    with pytest.raises(NotFoundError):
        native_server.model("no_such_model").infer(inputs=INPUTS, trace=trace)
    assert_ended(trace)


def test_a_bound_request_that_is_refused_ends_its_trace(native_server: Server) -> None:
    trace = Counted()
    bound = native_server.model("identity_fp32").bind(
        inputs={"INPUT0": np.ones(1, np.int32)}, trace=trace
    )
    assert not trace.ended
    with pytest.raises(InvalidArgumentError):
        bound.run()
    assert_ended(trace)


def test_a_request_that_the_core_refuses_after_it_began(native_server: Server) -> None:
    trace = Counted()
    model = native_server.model("identity_sequence")
    with pytest.raises(InvalidArgumentError, match="correlation ID"):
        model.infer(inputs={"INPUT0": np.ones((1, 1), np.float32)}, trace=trace)
    assert_ended(trace)


def test_requests_that_the_queue_has_no_room_for(
    start_server: Start, repository: Callable[..., Path]
) -> None:
    config = repository("native/identity_slow") / "identity_slow" / "config.pbtxt"
    config.write_text(
        config.read_text()
        + "max_batch_size: 1\ndynamic_batching { default_queue_policy { max_queue_size: 1 } }"
    )
    model = start_server(model_repository=config.parents[1]).model("identity_slow")
    refused: list[Counted] = []
    sent = []
    for _ in range(10):
        trace = Counted()
        try:
            inputs = {"INPUT0": np.ones((1, 1), np.float32)}
            sent.append((model.infer(inputs=inputs, trace=trace), trace))
        except UnavailableError:
            refused.append(trace)
    assert refused
    for trace in refused:
        assert_ended(trace)
    while sent:
        responses, trace = sent.pop()
        assert len(list(responses)) == 1
        del responses
        trace.wait(30)
        assert_ended(trace)


def test_a_request_to_a_server_that_was_stopped_ends_its_trace(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    model = server.model("identity_fp32")
    bound_trace = Counted()
    bound = model.bind(inputs=INPUTS, trace=bound_trace)
    server.stop()
    trace = Counted()
    with pytest.raises(TritonError):
        model.infer(inputs=INPUTS, trace=trace)
    assert_ended(trace)
    with pytest.raises(TritonError):
        bound.run()
    assert_ended(bound_trace)


def test_a_request_that_fails_later_ends_its_trace(start_server: Start) -> None:
    """Also while the error is still handled, which has the response."""
    model = start_server("failing/raises_in_execute").model("raises_in_execute")
    (tensor,) = model.metadata()["inputs"]
    trace = Counted()
    try:
        list(model.infer(inputs={tensor["name"]: np.ones(1, np.float32)}, trace=trace))
    except TritonError:
        trace.wait(30)
    assert_ended(trace)


def test_what_is_no_trace(native_server: Server) -> None:
    with pytest.raises(TypeError, match="trace must be a Trace, not str"):
        native_server.model("identity_fp32").infer(inputs=INPUTS, trace="yes")  # type: ignore[arg-type] # on purpose


def test_a_refusal_leaves_the_trace_of_another_request(native_server: Server) -> None:
    model = native_server.model("identity_slow")
    trace = Counted()
    responses = model.infer(inputs=INPUTS, trace=trace)
    for inputs in (INPUTS, {}):
        with pytest.raises(InvalidArgumentError):
            model.infer(inputs=inputs, trace=trace)
    assert not trace.ended
    list(responses)
    del responses
    assert len(trace.wait(30)) == 1
    assert trace.ends == [1]


def test_what_is_no_request_leaves_the_trace(native_server: Server) -> None:
    model = native_server.model("identity_fp32")
    trace = Counted()
    with pytest.raises(TypeError, match="unknown_field"):
        model.infer(inputs=INPUTS, trace=trace, unknown_field=1)  # type: ignore[call-arg] # on purpose
    with pytest.raises(UnavailableError, match="no request has it"):
        trace.wait()
    list(model.infer(inputs=INPUTS, trace=trace))
    assert len(trace.wait(30)) == 1


def test_a_function_that_raises_does_not_hide_the_refusal(
    native_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))

    def on_end(trace: Trace) -> None:
        raise ValueError("of on_end")

    trace = Trace(on_end=on_end)
    with pytest.raises(InvalidArgumentError):
        native_server.model("identity_fp32").infer(inputs={}, trace=trace)
    assert [str(error) for error in reported] == ["of on_end"]
    assert trace.wait() == []


def test_a_trace_serves_one_request(start_server: Start) -> None:
    model = start_server("native/identity_fp32").model("identity_fp32")
    trace = Trace()
    list(model.infer(inputs=INPUTS, trace=trace))
    with pytest.raises(InvalidArgumentError, match="was given to a request before"):
        model.infer(inputs=INPUTS, trace=trace)


def test_waiting_for_a_trace_that_is_not_used() -> None:
    with pytest.raises(UnavailableError, match="has not ended"):
        Trace().wait(0.05)
    with pytest.raises(UnavailableError, match="no request has it"):
        Trace().wait()


def test_a_trace_of_nothing() -> None:
    with pytest.raises(InvalidArgumentError, match="one of them must be on"):
        Trace(timestamps=False)


async def test_asyncio(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    trace = Trace()
    responses = server.model("identity_fp32").async_infer(inputs=INPUTS, trace=trace)
    assert [response.error async for response in responses] == [None]
    assert len(trace.wait(5)) == 1


class Span:
    """Remembers what a bridge tells it; all that OpenTelemetry's API asks of a span."""

    def __init__(self, tracer: "Tracer", name: str, parent: Any, start: int | None) -> None:
        from opentelemetry import trace

        self.name = name
        self.start = start
        self.end_time: int | None = None
        self.events: list[tuple[str, Any, int | None]] = []
        self.status: Any = None
        parent_context = trace.get_current_span(parent).get_span_context()
        self.parent_id = parent_context.span_id
        self._context = trace.SpanContext(
            parent_context.trace_id or 0xABC,
            len(tracer.spans) + 1,
            False,
            trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
        tracer.spans.append(self)

    def get_span_context(self) -> Any:
        return self._context

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self.events.append((name, attributes, timestamp))

    def set_status(self, status: Any) -> None:
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        self.end_time = end_time or time.time_ns()


class Tracer:
    """Makes spans and keeps them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def start_span(
        self,
        name: str,
        context: Any = None,
        start_time: int | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> Any:
        from opentelemetry import trace

        span = Span(self, name, context, start_time)
        made = type("RecordedSpan", (trace.NonRecordingSpan,), {})(span.get_span_context())
        made.add_event, made.end, made.set_status = span.add_event, span.end, span.set_status
        return made


def test_opentelemetry(start_server: Start) -> None:
    server = start_server("native/identity_fp32", "native/ensemble")
    tracer: Any = Tracer()
    incoming = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    trace = OpenTelemetryTrace(incoming, tracer=tracer, tensors=True)
    assert trace.carrier == {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01"
    }
    before = time.time_ns()
    list(server.model("ensemble").infer(inputs=INPUTS, trace=trace))
    trace.wait(5)
    root, ensemble, *steps = tracer.spans
    assert (root.name, root.parent_id) == ("tritonserver.infer", 0xB7AD6B7169203331)
    assert (ensemble.name, ensemble.parent_id) == ("ensemble", 1)
    assert [(step.name, step.parent_id) for step in steps] == [("identity_fp32", 2)] * 2
    for span in (ensemble, *steps):
        assert before - 10**9 < span.start <= span.end_time < time.time_ns() + 10**9
    names = [name for name, _, _ in steps[0].events]
    assert names[0] == "REQUEST_START"
    assert "TENSOR_BACKEND_OUTPUT" in names


def test_opentelemetry_of_a_request_that_is_refused(native_server: Server) -> None:
    from opentelemetry.trace import StatusCode

    tracer: Any = Tracer()
    trace = OpenTelemetryTrace(tracer=tracer)
    with pytest.raises(InvalidArgumentError) as raised:
        native_server.model("identity_fp32").infer(inputs={}, trace=trace)
    (root,) = tracer.spans
    assert root.end_time is not None
    assert root.status.status_code is StatusCode.ERROR
    assert root.status.description == str(raised.value)
    assert trace.wait() == []


def test_opentelemetry_context_reaches_the_core() -> None:
    trace = OpenTelemetryTrace(tracer=Tracer())  # type: ignore[arg-type] # quacks like one
    assert json.loads(trace._take().context) == trace.carrier
