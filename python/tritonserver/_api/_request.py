"""Inference requests."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from tritonserver._api._allocators import MemoryAllocator
from tritonserver._api._datautils import DeviceOrMemoryType
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import TritonError

if TYPE_CHECKING:
    from tritonserver._api._model import Model
    from tritonserver._api._response import InferenceResponse
    from tritonserver._api._tracing import Trace


class ResponseQueue(Protocol):
    """What a `response_queue` must have: `queue.SimpleQueue`, `asyncio.Queue` and others do."""

    def put_nowait(self, item: InferenceResponse, /) -> Any:
        """Add a response without waiting."""


class SequenceArguments(TypedDict, total=False):
    """The fields of `InferenceRequest` that a request of a sequence is free to set."""

    request_id: str | None
    priority: int
    timeout: int
    inputs: Mapping[str, Any]
    parameters: Mapping[str, str | int | bool | float]
    output_memory_type: DeviceOrMemoryType | None
    output_memory_allocator: MemoryAllocator | None
    response_queue: ResponseQueue | None
    requested_outputs: Sequence[str] | None
    trace: Trace | None


class InferenceArguments(SequenceArguments, total=False):
    """The fields of `InferenceRequest` as keyword arguments, without its model."""

    flags: int
    correlation_id: int | str | None


@dataclass
class InferenceRequest:
    """What is asked of a model. May be sent any number of times, and changed in between.

    A request that was sent keeps the values it had then. The data of its inputs is not copied if
    it is contiguous, so it must not be written to until the response is there.

    Parameters
    ----------
    model
        The model to ask.
    request_id
        Free text that the responses carry.
    flags
        Bits of `TRITONSERVER_RequestFlag`: start and end of a sequence.
    correlation_id
        The sequence to which the request belongs: a positive number, or text.
    priority
        0 means the model's default, 1 is the highest.
    timeout
        Microseconds that the request may wait in a queue, if the model's configuration allows it;
        0 means the model's default. Not how long the caller waits: see `ResponseIterator.next`.
    inputs
        Name to value: `Tensor`, NumPy array, nested list, text, number, or an object with DLPack or
        the buffer protocol.
    parameters
        Free values for the model: `str`, `int` (64 bits, signed), `bool` or `float`.
    output_memory_type
        Where outputs are wanted; where the backend prefers them if None.
    output_memory_allocator
        Provides the memory of outputs, instead of `default_memory_allocators`.
    response_queue
        Gets every response as soon as it arrives, the same object that the iterator yields.
    requested_outputs
        Names of the outputs to compute; None means all.
    trace
        Collects what happens to the request; for one inference only.
    """

    model: Model
    request_id: str | None = None
    flags: int = 0
    correlation_id: int | str | None = None
    priority: int = 0
    timeout: int = 0
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str | int | bool | float] = field(default_factory=dict)
    output_memory_type: DeviceOrMemoryType | None = None
    output_memory_allocator: MemoryAllocator | None = None
    response_queue: ResponseQueue | None = None
    _: KW_ONLY
    requested_outputs: Sequence[str] | None = None
    trace: Trace | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Releases without allocators had the queue in the place of the allocator.
        if hasattr(self.output_memory_allocator, "put_nowait"):
            if self.response_queue is None:
                self.response_queue = self.output_memory_allocator
            self.output_memory_allocator = None


def explain_rejection(model: Model, refusal: str, given: Mapping[str, str]) -> str:
    """Return why a request was refused: with what was given and what the model takes.

    Parameters
    ----------
    given
        Name to data type and shape of each input.
    """
    try:
        inputs = model.metadata()["inputs"]
    except TritonError:
        return refusal
    wanted = {each["name"]: f"{each['datatype']} {each['shape']}" for each in inputs}
    parts = [refusal.rstrip(".")]
    for name in given.keys() - wanted.keys():
        close = difflib.get_close_matches(name, wanted.keys() - given.keys(), 1, 0.5)
        if close:
            parts.append(f"did you mean {close[0]!r} instead of {name!r}?")
    parts.append(f"model {model.name!r} takes {_list(wanted)}")
    parts.append(f"given: {_list(given)}")
    return "; ".join(parts)


def _list(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name!r} {what}" for name, what in tensors.items()) or "nothing"


_inference.register(InferenceRequest)
_inference.register(explain_rejection)
