"""Traces as spans of OpenTelemetry. Needs the package `opentelemetry-api` only."""

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tritonserver._api._tracing import Trace, TraceSpan

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer


class OpenTelemetryTrace(Trace):
    """A `Trace` that reports a request as spans of OpenTelemetry.

    A span begins at once, below the current one or the one that `carrier` names, and ends with the
    request; below it is one for each model, with the stages as events. Backends get the trace as
    `carrier`, and its headers come out of it for services that are called.

    Parameters
    ----------
    carrier
        Headers of an incoming call, W3C's `traceparent` among them; None for the current context.
    tracer
        Makes the spans; None for the global provider's.
    tensors
        Whether names and shapes of tensors are events too.

    Raises
    ------
    ImportError
        `opentelemetry-api` is not installed.
    """

    def __init__(
        self,
        carrier: Mapping[str, str] | None = None,
        *,
        tracer: "Tracer | None" = None,
        tensors: bool = False,
    ) -> None:
        from opentelemetry import propagate
        from opentelemetry import trace as api

        parent = None if carrier is None else propagate.extract(carrier)
        self._tracer = tracer or api.get_tracer("tritonserver")
        self._root = self._tracer.start_span("tritonserver.infer", context=parent)
        self.carrier: dict[str, str] = {}
        propagate.inject(self.carrier, context=api.set_span_in_context(self._root))
        # Triton's times are those of the monotonic clock, OpenTelemetry's those of the epoch.
        self._epoch_ns = time.time_ns() - time.monotonic_ns()
        super().__init__(tensors=tensors, context=json.dumps(self.carrier))

    def _refused(self, reason: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._root.set_status(Status(StatusCode.ERROR, reason))

    def _ended(self) -> None:
        super()._ended()
        from opentelemetry import trace as api

        context = api.set_span_in_context(self._root)
        made: dict[int, Any] = {}
        for span in self.spans:
            # An ensemble's span comes before those of its steps.
            parent = made.get(span.parent_id)
            made[span.id] = self._begin(
                span, context if parent is None else api.set_span_in_context(parent)
            )
        for span in self.spans:
            times = [time_ns for _, time_ns in span.timestamps]
            made[span.id].end(self._to_epoch(max(times, default=time.monotonic_ns())))
        self._root.end()

    def _begin(self, span: TraceSpan, context: Any) -> "Span":
        times = [time_ns for _, time_ns in span.timestamps]
        made = self._tracer.start_span(
            span.model_name,
            context=context,
            start_time=self._to_epoch(min(times, default=time.monotonic_ns())),
            attributes={
                "triton.model_name": span.model_name,
                "triton.model_version": span.model_version,
                "triton.trace_id": span.id,
                "triton.request_id": span.request_id,
            },
        )
        for activity, time_ns in sorted(span.timestamps, key=lambda event: event[1]):
            made.add_event(activity.name, timestamp=self._to_epoch(time_ns))
        for tensor in span.tensors:
            made.add_event(
                tensor.activity.name,
                {
                    "triton.tensor": tensor.name,
                    "triton.data_type": tensor.data_type.name,
                    "triton.shape": tensor.shape,
                },
            )
        return made

    def _to_epoch(self, monotonic_ns: int) -> int:
        return self._epoch_ns + monotonic_ns
