"""Traces: timestamps, tensors, ensembles, and OpenTelemetry."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tritonserver import (
    DataType,
    InvalidArgumentError,
    MemoryType,
    OpenTelemetryTrace,
    Server,
    Trace,
    TraceActivity,
    TraceSpan,
    TraceTensor,
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


def test_a_request_that_is_refused_ends_its_trace(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    trace = Trace()
    with pytest.raises(InvalidArgumentError):
        server.model("identity_fp32").infer(inputs={}, trace=trace)
    with pytest.raises(TypeError, match="trace must be a Trace, not str"):
        server.model("identity_fp32").infer(inputs=INPUTS, trace="yes")
    trace = Trace()
    list(server.model("identity_fp32").infer(inputs=INPUTS, trace=trace))
    assert trace.wait(5)


def test_a_trace_serves_one_request(start_server: Start) -> None:
    model = start_server("native/identity_fp32").model("identity_fp32")
    trace = Trace()
    list(model.infer(inputs=INPUTS, trace=trace))
    with pytest.raises(InvalidArgumentError, match="was given to a request before"):
        model.infer(inputs=INPUTS, trace=trace)


def test_waiting_for_a_trace_that_is_not_used() -> None:
    with pytest.raises(UnavailableError, match="has not ended"):
        Trace().wait(0.05)


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

    def end(self, end_time: int | None = None) -> None:
        self.end_time = end_time


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
        made.add_event, made.end = span.add_event, span.end
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


def test_opentelemetry_context_reaches_the_core() -> None:
    trace = OpenTelemetryTrace(tracer=Tracer())  # type: ignore[arg-type] # quacks like one
    assert json.loads(trace._take().context) == trace.carrier
