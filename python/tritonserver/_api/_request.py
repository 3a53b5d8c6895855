"""Inference requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

import tritonserver
from tritonserver._api._allocators import MemoryAllocator
from tritonserver._api._copies import Copies
from tritonserver._api._datautils import DeviceOrMemoryType
from tritonserver._c import _inference
from tritonserver._c._handle import Handle
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TritonError,
    UnavailableError,
    _check_model_name,
)


class ResponseQueue(Protocol):
    """What a `response_queue` must have: `queue.SimpleQueue`, `asyncio.Queue` and others do."""

    def put_nowait(self, item: tritonserver.InferenceResponse, /) -> Any:
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
    requested_outputs: Sequence[str | tritonserver.RequestedOutput] | None
    trace: tritonserver.Trace | None


class InferenceArguments(SequenceArguments, total=False):
    """The fields of `InferenceRequest` as keyword arguments, without its model."""

    flags: int
    correlation_id: int | str | None


@dataclass
class InferenceRequest(Copies, Handle):
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
        Bits of `TRITONSERVER_RequestFlag`: start and end of a sequence. A start within a sequence
        begins it anew: the model sees another start, but no end.
    correlation_id
        The sequence to which the request belongs: a positive number or, if the model has no control
        input for it, text; 0 and empty text mean none. Where the model has a control input, of kind
        `CONTROL_SEQUENCE_CORRID`, a number must fit its type, and text needs one of `TYPE_STRING`,
        which no Triton before 25.01 serves. The same holds for the steps of an ensemble.
    priority
        1 is the highest; 0, and a level that the model does not have, mean the model's default.
        Within a level, requests keep their order.
    timeout
        Microseconds that the request may wait in the model's queue, if the queue policy of its
        configuration has `allow_timeout_override`; 0 means the model's default. A request that is
        too late is an `UnavailableError` or, with the `timeout_action` `DELAY`, comes after those
        that are in time. Once the model has it, there is no limit; nor is this how long the caller
        waits: see `ResponseIterator.next`.
    inputs
        Name to value: `Tensor`, NumPy array, nested list, text, number, or an object with DLPack,
        the buffer protocol or `__array__`, such as columns of pandas, Polars and PyArrow without
        nulls. What has a data type keeps it. Python's numbers, alone or in lists, tuples and
        ranges, have none and take the model's, if it has every one of them: an int must be exact,
        in a type of floating point as well, whereas a float may be rounded, but not to infinity; no
        float is an integer, not even 1.0; and BOOL takes `bool`, which nothing else does. A number
        or text alone has no dimensions. Optional inputs may be left out; requests that leave out
        others never share a batch.
    parameters
        Free values for the model: `str`, `int` (64 bits, signed), `bool` or `float`. A response
        cache does not look at them; see `Options.cache_config`.
    output_memory_type
        Where outputs are wanted; where the backend prefers them if None.
    output_memory_allocator
        Provides the memory of outputs, instead of `default_memory_allocators`.
    response_queue
        Gets every response as soon as it arrives, the same object that the iterator yields.
    requested_outputs
        The outputs to compute, as names or, to get the classes that an output stands for, as
        `RequestedOutput`; None means all. A model with a response cache computes all of them.
    trace
        Collects what happens to the request; for one inference only.
    """

    model: tritonserver.Model
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
    requested_outputs: Sequence[str | tritonserver.RequestedOutput] | None = field(
        default=None, kw_only=True
    )
    trace: tritonserver.Trace | None = field(default=None, kw_only=True, repr=False, compare=False)

    _instead = "send its inputs and other fields, and ask a model there"

    def __post_init__(self) -> None:
        # Releases without allocators had the queue in the place of the allocator.
        if hasattr(self.output_memory_allocator, "put_nowait"):
            if self.response_queue is None:
                self.response_queue = self.output_memory_allocator
            self.output_memory_allocator = None


def explain_rejection(
    model: tritonserver.Model, refusal: str, given: Mapping[str, tuple[str, list[int]] | None]
) -> str:
    """Return why a request was refused, and what the model takes where that is not what was given.

    Parameters
    ----------
    given
        Name to data type and shape of each input; None for one that could not be converted.
    """
    try:
        inputs = model.metadata()["inputs"]
        optional = {each["name"] for each in model.config()["input"] if each.get("optional")}
    except TritonError:
        return _impossible_name(model) or f"{refusal}{_end_of_server(model)}"
    wanted = {each["name"]: (each["datatype"], each["shape"]) for each in inputs}
    unknown = given.keys() - wanted.keys()
    concerned = {
        name: tensor
        for name, tensor in wanted.items()
        if name in given and not _fits(given[name], tensor)
    }
    if unknown or not (concerned or wanted.keys() - given.keys() <= optional):
        concerned = wanted
    if not concerned:
        return refusal
    import difflib  # only here: nobody waits for it who makes no mistake

    parts = [refusal.rstrip(" .")]
    for name in unknown:
        close = difflib.get_close_matches(name, wanted.keys() - given.keys(), 1, 0.5)
        if close:
            parts.append(f"did you mean {close[0]!r} instead of {name!r}?")
    parts.append(f"model {model.name!r} takes {_list(concerned)}")
    known = {name: tensor for name, tensor in given.items() if tensor is not None}
    if concerned is not wanted:
        known = {name: tensor for name, tensor in known.items() if name in concerned}
    if known or not given:
        parts.append(f"given: {_list(known)}")
    return "; ".join(parts)


def _impossible_name(model: tritonserver.Model) -> str:
    try:
        _check_model_name(model.name)
    except InvalidArgumentError as error:
        return str(error)
    return ""


def _end_of_server(model: tritonserver.Model) -> str:
    try:
        model._server.is_live()
    except UnavailableError:
        return "; its server has been stopped: start it, and ask it for the model again"
    return ""


def _fits(given: tuple[str, list[int]] | None, wanted: tuple[str, list[int]]) -> bool:
    if given is None:
        return False
    (data_type, shape), (wanted_type, wanted_shape) = given, wanted
    return (
        data_type == wanted_type
        and len(shape) == len(wanted_shape)
        and all(there in (-1, here) for here, there in zip(shape, wanted_shape, strict=True))
    )


def _list(tensors: Mapping[str, tuple[str, list[int]]]) -> str:
    return ", ".join(f"{name!r} {type_} {shape}" for name, (type_, shape) in tensors.items()) or (
        "nothing"
    )


_inference.register(InferenceRequest)
_inference.register(explain_rejection)
