"""Traces: when a request passed which stage, in which model, and with which tensors."""

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tritonserver._api._blocking import Deadline
from tritonserver._api._enums import DataType, MemoryType, TraceActivity
from tritonserver._c._handle import Handle
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TRITONSERVER_InferenceTrace,
    TRITONSERVER_InferenceTraceLevel,
    UnavailableError,
)


@dataclass(frozen=True, slots=True)
class TraceTensor:
    """A tensor on its way into or out of a model; `data` is a copy, None if not in host memory."""

    activity: TraceActivity
    name: str
    data_type: DataType
    shape: tuple[int, ...]
    memory_type: MemoryType
    memory_type_id: int
    data: bytes | None


@dataclass(slots=True)
class TraceSpan:
    """What one model did for a traced request.

    `parent_id` is the id of the ensemble's span, 0 if there is none. `timestamps` are stages and
    nanoseconds of the monotonic clock, in the order in which they arrived, which need not be that
    of the times.
    """

    id: int
    parent_id: int
    model_name: str
    model_version: int
    request_id: str
    timestamps: list[tuple[TraceActivity, int]] = field(default_factory=list)
    tensors: list[TraceTensor] = field(default_factory=list)


class Trace(Handle):
    """Collects what happens to one request; give it to `Model.infer` as `trace`.

    The functions are called on threads of the core, which they hold up. A request that is refused
    ends its trace.

    Parameters
    ----------
    timestamps
        Whether to report when stages were reached.
    tensors
        Whether to report tensors. Host memory is copied.
    context
        Text for the backends, usually JSON with the `traceparent` of a surrounding trace.
    on_timestamp
        Called with the span, the stage and its time.
    on_tensor
        Called with the span and the tensor.
    on_end
        Called with this object when nothing more will be reported.

    Raises
    ------
    InvalidArgumentError
        Nothing is to be reported.
    UnsupportedError
        A `context` is given, and the core is older than 24.03.

    Notes
    -----
    C API: TRITONSERVER_InferenceTraceTensorNew, TRITONSERVER_InferenceTraceSetContext
    """

    _instead = "send its spans"

    def __init__(
        self,
        *,
        timestamps: bool = True,
        tensors: bool = False,
        context: str | None = None,
        on_timestamp: Callable[[TraceSpan, TraceActivity, int], object] | None = None,
        on_tensor: Callable[[TraceSpan, TraceTensor], object] | None = None,
        on_end: Callable[["Trace"], object] | None = None,
    ) -> None:
        levels = TRITONSERVER_InferenceTraceLevel
        level = int(levels.TIMESTAMPS) * timestamps | int(levels.TENSORS) * tensors
        if not level:
            raise InvalidArgumentError("timestamps, tensors: one of them must be on")
        self._on_timestamp = on_timestamp
        self._on_tensor = on_tensor
        self._on_end = on_end
        self._changed = threading.Condition()
        self._spans: dict[int, TraceSpan] = {}
        native = TRITONSERVER_InferenceTrace(
            level, 0, _on_activity, _on_tensor_activity, _on_release, self
        )
        if context is not None:
            native.context = context
        self._unused: TRITONSERVER_InferenceTrace | None = native
        # Those that may still report.
        self._open = {native.id}

    @property
    def spans(self) -> list[TraceSpan]:
        """The spans so far, the request's own first and then those of an ensemble's steps."""
        with self._changed:
            return [self._spans[id_] for id_ in sorted(self._spans)]

    @property
    def ended(self) -> bool:
        """Whether nothing more will be reported."""
        return not self._open

    def wait(self, timeout: float | None = None) -> list[TraceSpan]:
        """Wait until the request and its responses are gone, and return the spans.

        Parameters
        ----------
        timeout
            Seconds; None for no limit.

        Raises
        ------
        UnavailableError
            The time was over; or there is no limit, and no request has the trace.
        """
        deadline = Deadline(timeout)
        with self._changed:
            if timeout is None and self._unused is not None:
                raise UnavailableError("the trace has not begun: no request has it")
            if not self._changed.wait_for(lambda: self.ended, deadline.remaining()):
                raise UnavailableError("the trace has not ended; a response may still be alive")
        return self.spans

    def _take(self) -> TRITONSERVER_InferenceTrace:
        """Return the native trace, for the one request that it serves."""
        with self._changed:
            unused, self._unused = self._unused, None
        if unused is None:
            raise InvalidArgumentError("trace: was given to a request before; make a new one")
        return unused

    def _refuse(self, reason: str) -> None:
        """End the trace if the core has never had it: its request was refused."""
        with self._changed:
            unused, self._unused = self._unused, None
        if unused is not None:
            self._refused(reason)
            self._end(unused)

    def _refused(self, reason: str) -> None:
        """Do what is to be done before a trace ends so; there is nothing here."""

    def _span(self, native: TRITONSERVER_InferenceTrace) -> TraceSpan:
        with self._changed:
            if native.id not in self._spans:
                self._open.add(native.id)
                self._spans[native.id] = TraceSpan(
                    native.id,
                    native.parent_id,
                    native.model_name,
                    native.model_version,
                    native.request_id,
                )
            return self._spans[native.id]

    def _end(self, native: TRITONSERVER_InferenceTrace) -> None:
        with self._changed:
            self._open.discard(native.id)
            self._changed.notify_all()
        if self.ended:
            self._ended()

    def _ended(self) -> None:
        if self._on_end is not None:
            self._on_end(self)


def _on_activity(
    native: TRITONSERVER_InferenceTrace, activity: TraceActivity, time_ns: int, trace: Any
) -> None:
    span = trace._span(native)
    span.timestamps.append((activity, time_ns))
    if trace._on_timestamp is not None:
        trace._on_timestamp(span, activity, time_ns)


def _on_tensor_activity(
    native: TRITONSERVER_InferenceTrace,
    activity: TraceActivity,
    name: str,
    data_type: DataType,
    pointer: int,
    byte_size: int,
    shape: Any,
    memory_type: MemoryType,
    memory_type_id: int,
    trace: Any,
) -> None:
    on_host = memory_type != MemoryType.GPU
    data = ctypes.string_at(pointer, byte_size) if on_host else None
    tensor = TraceTensor(
        activity, name, data_type, tuple(shape.tolist()), memory_type, memory_type_id, data
    )
    span = trace._span(native)
    span.tensors.append(tensor)
    if trace._on_tensor is not None:
        trace._on_tensor(span, tensor)


def _on_release(native: TRITONSERVER_InferenceTrace, trace: Any) -> None:
    trace._end(native)
