"""Inference requests: their fields, and what of them reaches the model."""

import asyncio
import collections
import dataclasses
import inspect
import queue
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    InferenceRequest,
    InternalError,
    InvalidArgumentError,
    MemoryAllocator,
    Model,
    UnsupportedError,
)

X = np.ones(2, np.float32)


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_fp32")


def echoed(model: Model, parameters: dict[str, Any]) -> dict[str, Any]:
    """The response parameters that these request parameters become."""
    (response,) = model.infer(
        inputs={"INPUT0": X}, parameters={**parameters, "echo_parameters": True}
    )
    response.parameters.pop("echo_parameters")
    return response.parameters


def test_fields_in_the_order_of_programs() -> None:
    names = [field.name for field in dataclasses.fields(InferenceRequest)]
    assert names[:11] == [
        "model",
        "request_id",
        "flags",
        "correlation_id",
        "priority",
        "timeout",
        "inputs",
        "parameters",
        "output_memory_type",
        "output_memory_allocator",
        "response_queue",
    ]
    parameters = inspect.signature(InferenceRequest).parameters
    additions = [parameters[name] for name in names[11:]]
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in additions)


def test_the_place_of_the_allocator_may_hold_the_queue(model: Model) -> None:
    responses: queue.SimpleQueue[tritonserver.InferenceResponse] = queue.SimpleQueue()
    request = InferenceRequest(model, "id", 0, None, 0, 0, {"INPUT0": X}, {}, None, responses)
    assert request.response_queue is responses
    assert request.output_memory_allocator is None
    list(model.infer(request))
    assert responses.get(timeout=10).request_id == "id"


def test_equality_is_by_value(model: Model) -> None:
    first = InferenceRequest(model, request_id="a", inputs={"INPUT0": X})
    assert first == InferenceRequest(model, request_id="a", inputs={"INPUT0": X})
    assert first != InferenceRequest(model, request_id="b", inputs={"INPUT0": X})


def test_a_request_can_be_changed_and_sent_again(model: Model) -> None:
    request = model.create_request(inputs={"INPUT0": X}, request_id="a")
    assert request.model is model
    first = model.infer(request)
    request.inputs["INPUT0"] = np.zeros(5, np.float32)  # type: ignore[index] # a dict by default
    request.request_id = "b"
    request.parameters = {"i": 1, "f": 0.5, "b": True, "s": "x"}
    request.priority, request.timeout, request.correlation_id = 1, 0, 42
    second = model.infer(request)
    (response,) = first
    assert response.request_id == "a"
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == [1, 1]
    (response,) = second
    assert response.request_id == "b"
    assert list(response.outputs["OUTPUT0"].shape) == [5]


def test_a_request_runs_on_its_own_model(native_server: tritonserver.Server, model: Model) -> None:
    request = InferenceRequest(model, inputs={"INPUT0": X})
    (response,) = native_server.model("identity_eight").infer(request)
    assert response.model.name == "identity_fp32"


def test_a_model_keyword_of_create_request_is_dropped(model: Model) -> None:
    assert model.create_request(model=None).model is model  # type: ignore[call-arg] # programs do


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"int": 0, "float": 0.5, "bool": False, "string": "test"},
        {"int": 2**63 - 1, "negative": -(2**63), "string": "", "text": "wörld 🚀"},
        {"float": float("inf"), "tiny": 5e-324, "true": True},
    ],
)
def test_parameters_keep_type_and_width(model: Model, parameters: dict[str, Any]) -> None:
    result = echoed(model, parameters)
    assert result == parameters
    assert {name: type(value) for name, value in result.items()} == {
        name: type(value) for name, value in parameters.items()
    }


def test_parameters_of_numpy(model: Model) -> None:
    assert echoed(model, {"i": np.int64(5), "f": np.float64(0.5)}) == {"i": 5, "f": 0.5}


@pytest.mark.parametrize(
    ("parameters", "cause"),
    [
        ({"x": {"y": 1}}, "must be str, int, bool or float, not dict"),
        ({"x": None}, "NoneType"),
        ({"x": b"bytes"}, "bytes"),
        ({"x": [1]}, "list"),
        ({"x": 2**63}, "64-bit"),
        ({"x": "a\0b"}, "NUL"),
        ({"x\0y": 1}, "NUL"),
        ({"x": "\ud800"}, "surrogate"),
    ],
)
def test_parameters_that_cannot_be_sent(
    model: Model, parameters: dict[str, Any], cause: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=cause):
        model.infer(inputs={"INPUT0": X}, parameters=parameters)


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"request_id": 5}, "request_id must be str, not int"),
        ({"flags": "x"}, "flags must be an int"),
        ({"flags": -1}, "flags must be an int from 0 to 4294967295"),
        ({"flags": 2**32}, "flags"),
        ({"priority": -1}, "priority"),
        ({"priority": 2**64}, "priority"),
        ({"priority": 1.5}, "priority"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": "1"}, "timeout"),
        ({"correlation_id": -1}, "correlation_id"),
        ({"correlation_id": 1.5}, "correlation_id"),
        ({"correlation_id": b"x"}, "correlation_id"),
        ({"inputs": [1]}, "inputs must be a dict"),
        ({"parameters": 5}, "parameters must be a dict"),
        ({"requested_outputs": "OUTPUT0"}, "requested_outputs must be a sequence of names"),
        ({"requested_outputs": [5]}, "the name of an output must be str"),
        ({"inputz": {}}, "'inputz'"),
        ({"model": None}, "'model'"),
    ],
)
def test_fields_of_the_wrong_type(model: Model, arguments: dict[str, Any], cause: str) -> None:
    with pytest.raises(TypeError, match=cause):
        model.infer(**{"inputs": {"INPUT0": X}, **arguments})


def test_text_that_c_would_cut(model: Model) -> None:
    for arguments in ({"request_id": "a\0b"}, {"correlation_id": "a\0b"}):
        with pytest.raises(InvalidArgumentError, match="NUL"):
            model.infer(inputs={"INPUT0": X}, **arguments)


def test_widest_values(model: Model) -> None:
    (response,) = model.infer(
        inputs={"INPUT0": X},
        flags=tritonserver._c.TRITONSERVER_RequestFlag.SEQUENCE_START,
        correlation_id=2**64 - 1,
        priority=2**64 - 1,
        timeout=2**64 - 1,
        request_id="ü" * 10_000,
    )
    assert response.request_id == "ü" * 10_000


def test_a_request_and_keywords_contradict_each_other(model: Model) -> None:
    request = model.create_request(inputs={"INPUT0": X})
    with pytest.raises(InvalidArgumentError, match="not both"):
        model.infer(request, request_id="x")
    with pytest.raises(TypeError, match="an InferenceRequest, not dict"):
        model.infer({"INPUT0": X})  # type: ignore[arg-type] # that is the point


def test_a_request_without_a_model(model: Model) -> None:
    request = InferenceRequest(None)  # type: ignore[arg-type] # that is the point
    with pytest.raises(TypeError, match="model must be a Model, not NoneType"):
        model.infer(request)


def test_requested_outputs(native_server: tritonserver.Server) -> None:
    inputs = {f"INPUT{i}": X for i in range(8)}
    model = native_server.model("identity_eight")
    (response,) = model.infer(inputs=inputs, requested_outputs=["OUTPUT3", "OUTPUT1"])
    assert set(response.outputs) == {"OUTPUT1", "OUTPUT3"}
    (response,) = model.infer(inputs=inputs, requested_outputs=[])
    assert len(response.outputs) == 8
    with pytest.raises(InvalidArgumentError, match="OUTPUT9"):
        model.infer(inputs=inputs, requested_outputs=["OUTPUT9"])


@pytest.mark.parametrize("bad", [[], 5, object()])
def test_queues_that_are_none(model: Model, bad: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="put_nowait"):
        model.infer(inputs={"INPUT0": X}, response_queue=bad)


def test_an_asyncio_queue_needs_a_loop(model: Model) -> None:
    async def make() -> asyncio.Queue[Any]:
        return asyncio.Queue()

    with pytest.raises(InvalidArgumentError, match="event loop"):
        model.infer(inputs={"INPUT0": X}, response_queue=asyncio.run(make()))


def test_an_odd_allocator_is_an_error_of_the_response(model: Model) -> None:
    class NoAllocator:
        pass

    with pytest.raises(InternalError, match="allocate"):
        list(model.infer(inputs={"INPUT0": X}, output_memory_allocator=NoAllocator()))  # type: ignore[arg-type] # that is the point


def test_a_priority_decides_who_is_next(native_server: tritonserver.Server) -> None:
    model = native_server.model("identity_priority")
    order: queue.SimpleQueue[tritonserver.InferenceResponse] = queue.SimpleQueue()

    def send(request_id: str, priority: int) -> Callable[[], None]:
        responses = model.infer(
            inputs={"INPUT0": X[None]},
            request_id=request_id,
            priority=priority,
            response_queue=order,
        )
        return lambda: collections.deque(responses, maxlen=0).clear()

    pending = [send("running", 0)] + [send(f"low{i}", 2) for i in range(2)] + [send("high", 1)]
    for finish in pending:
        finish()
    ids = [order.get(timeout=10).request_id for _ in pending]
    assert ids.index("high") < ids.index("low1")


def test_a_request_expires_in_the_queue(native_server: tritonserver.Server) -> None:
    model = native_server.model("identity_priority")
    running = model.infer(inputs={"INPUT0": X[None]})
    with pytest.raises((tritonserver.UnavailableError, UnsupportedError)):
        list(model.infer(inputs={"INPUT0": X[None]}, timeout=1000))
    list(running)


def test_allocators_are_a_class(model: Model) -> None:
    assert isinstance(MemoryAllocator, type)
    assert inspect.isabstract(MemoryAllocator)
