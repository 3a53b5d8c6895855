"""Responses: what they carry, and that they pin nothing."""

import copy
import dataclasses
import gc
import json
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    CancelledError,
    InferenceResponse,
    InternalError,
    Model,
    NotFoundError,
    Tensor,
    UnknownError,
)
from tritonserver._api import _response

X = np.arange(3, dtype=np.float32)
KEYS = [
    "model",
    "request_id",
    "parameters",
    "outputs",
    "error",
    "classification_label",
    "final",
]


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_fp32")


def respond(model: Model, **arguments: Any) -> InferenceResponse:
    (response,) = model.infer(inputs={"INPUT0": X}, raise_on_error=False, **arguments)
    return response


def test_what_a_response_carries(model: Model) -> None:
    response = respond(model, request_id="r-1")
    assert list(response.__dict__) == KEYS == [f.name for f in dataclasses.fields(response)]
    assert (response.model.name, response.model.version) == ("identity_fp32", 1)
    assert response.request_id == "r-1"
    assert response.parameters == {}
    assert list(response.outputs) == ["OUTPUT0"]
    assert response.error is None
    assert response.classification_label is None
    assert response.final is True
    assert respond(model).request_id == ""


def test_a_response_can_be_made_by_hand(model: Model) -> None:
    response = InferenceResponse(model)
    assert list(response.__dict__) == KEYS
    assert (response.request_id, response.outputs, response.final) == (None, {}, False)


def test_the_model_of_a_response_is_a_handle_of_its_own(model: Model) -> None:
    first, second = respond(model), respond(model)
    assert model.version == -1
    assert first.model is not second.model
    assert list(first.model.__dict__) == ["name", "version", "state", "reason", "_server"]
    assert first.model.ready()
    first.model.__dict__.pop("_server")
    assert respond(model).model.ready()
    assert second.model.ready()


def test_a_response_becomes_json(model: Model) -> None:
    document = respond(model).__dict__
    document["outputs"] = {name: t.to_numpy().tolist() for name, t in document["outputs"].items()}
    document["model"] = document["model"].__dict__
    document["model"].pop("_server", None)
    assert json.dumps(document) == (
        '{"model": {"name": "identity_fp32", "version": 1, "state": null, "reason": null}, '
        '"request_id": "", "parameters": {}, "outputs": {"OUTPUT0": [0.0, 1.0, 2.0]}, '
        '"error": null, "classification_label": null, "final": true}'
    )


def test_outputs_are_tensors_over_bytes(model: Model) -> None:
    tensor = respond(model).outputs["OUTPUT0"]
    assert isinstance(tensor, Tensor)
    assert list(tensor.shape) == [3]
    owner = tensor.memory_buffer.owner
    assert (owner.dtype, owner.ctypes.data) == (np.byte, tensor.data_ptr)
    assert owner.tobytes() == X.tobytes()
    assert tensor.data_ptr % 64 == 0


async def test_an_output_that_is_not_there(
    model: Model, native_server: tritonserver.Server
) -> None:
    inputs = {"INPUT0": X}
    stream = native_server.model("repeat_int32")
    nothing = {
        "IN": np.zeros(0, np.int32),
        "DELAY": np.zeros(0, np.uint32),
        "WAIT": np.zeros(1, np.uint32),
    }
    match = r"the response has 'OUTPUT0'; unknown output 'OUTPUT1'; did you mean 'OUTPUT0'\?"
    for outputs in (
        respond(model).outputs,
        model(inputs),
        await model.call_async(inputs),
        model.bind(inputs=inputs).run(),
        model.bind({"OUTPUT0": np.zeros_like(X)}, inputs=inputs).run(),
    ):
        with pytest.raises(KeyError, match=match):
            outputs["OUTPUT1"]
        assert outputs.get("OUTPUT1") is None
        assert "OUTPUT1" not in outputs
    with pytest.raises(KeyError, match="the response has 'OUTPUT0'; not 0"):
        respond(model).outputs[0]  # type: ignore[index] # a mistake
    for outputs in (
        respond(model, parameters={"error": "boo"}).outputs,
        stream(nothing),
        await stream.call_async(nothing),
    ):
        with pytest.raises(KeyError, match="the response has no outputs; unknown output 'OUT'"):
            outputs["OUT"]


def test_outputs_are_a_dict(model: Model) -> None:
    outputs = respond(model).outputs
    assert isinstance(outputs, dict)
    assert outputs == dict(outputs)
    assert repr(outputs) == repr(dict(outputs))
    for again in (copy.copy(outputs), copy.deepcopy(outputs), pickle.loads(pickle.dumps(outputs))):
        assert again == outputs
        with pytest.raises(KeyError, match="'OUTPUT0'"):
            again["OUTPUT1"]
    outputs["MINE"] = outputs.pop("OUTPUT0")
    assert list(outputs) == ["MINE"]
    assert outputs | {"more": outputs["MINE"]} == {**outputs, "more": outputs["MINE"]}


def test_outputs_are_freed_with_the_last_view(model: Model) -> None:
    response = respond(model)
    view = np.from_dlpack(response.outputs["OUTPUT0"])
    alive = weakref.ref(response.outputs["OUTPUT0"].memory_buffer.owner)
    del response
    gc.collect()
    assert np.array_equal(view, X)
    assert alive() is not None
    del view
    assert alive() is None


def test_an_error(model: Model) -> None:
    response = respond(model, parameters={"error": "not today"}, request_id="r-2")
    error = response.error
    assert type(error) is InternalError
    assert error.args == ("not today", response)
    assert str(error) == "not today"
    assert response.outputs == {}
    assert (response.model.name, response.request_id) == ("identity_fp32", "r-2")
    assert response.final
    assert "..." in repr(response)  # a cycle


def test_errors_are_raised_unless_asked_not_to(model: Model) -> None:
    responses = model.infer(inputs={"INPUT0": X}, parameters={"error": "boo"})
    with pytest.raises(InternalError, match="boo") as raised:
        next(responses)
    assert raised.value.args[1].error is raised.value
    assert list(responses) == []


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (0, UnknownError),
        (1, InternalError),
        (2, NotFoundError),
        (3, tritonserver.InvalidArgumentError),
        (4, tritonserver.UnavailableError),
        (5, tritonserver.UnsupportedError),
        (6, tritonserver.AlreadyExistsError),
        (7, CancelledError),
        (99, UnknownError),
    ],
)
def test_codes_of_errors(model: Model, code: int, error: type[Exception]) -> None:
    response = respond(model, parameters={"error": "boo", "error_code": code})
    assert type(response.error) is error
    if code in (0, 7, 99):
        assert isinstance(response.error, UnknownError)


@pytest.mark.parametrize("text", ["ünïcode 🚀", "two\nlines", "x" * 10_000])
def test_text_of_errors(model: Model, text: str) -> None:
    assert str(respond(model, parameters={"error": text}).error) == text


@pytest.mark.parametrize("text", ["", " \n"])
@pytest.mark.parametrize("code", [1, 3, 7, 99])
def test_errors_without_a_text(model: Model, text: str, code: int) -> None:
    response = respond(model, parameters={"error": text, "error_code": code})
    expected = "was cancelled" if code == 7 else "error that has no text"
    assert expected in str(response.error)
    assert "'identity_fp32'" in str(response.error)
    assert response.request_id == ""
    with pytest.raises(tritonserver.TritonError, match=expected):
        model.bind(inputs={"INPUT0": X}, parameters={"error": text, "error_code": code}).run()


def test_errors_are_collected_without_anything_native(model: Model) -> None:
    from tritonserver._c import _inference

    gc.collect()
    before = _inference.live_counts()
    gc.disable()
    try:
        for _ in range(10):
            with pytest.raises(InternalError):
                list(model.infer(inputs={"INPUT0": X}, parameters={"error": "boo"}))
        after = _inference.live_counts()
    finally:
        gc.enable()
    # The error and its response refer to each other, but to no inference and no buffer.
    assert after["inferences"] <= before["inferences"] + 1
    assert after["output_buffers"] == before["output_buffers"]


def test_errors_pickle_with_their_message(model: Model) -> None:
    error = respond(model, parameters={"error": "boo"}).error
    assert error is not None
    again = pickle.loads(pickle.dumps(type(error)(*error.args[:1])))
    assert (type(again), again.args) == (InternalError, ("boo",))


def test_responses_outlive_the_server(start_server: Any) -> None:
    server = start_server("native/identity_fp32")
    responses = [respond(server.model("identity_fp32")) for _ in range(3)]
    error = respond(server.model("identity_fp32"), parameters={"error": "boo"}).error
    server.stop()
    for response in responses:
        assert np.array_equal(np.from_dlpack(response.outputs["OUTPUT0"]), X)
        assert response.model.name == "identity_fp32"
    assert str(error) == "boo"


def test_names_that_programs_import_from_here() -> None:
    assert tritonserver.InferenceResponse is _response.InferenceResponse
    assert tritonserver.ResponseIterator is _response.ResponseIterator
    assert tritonserver.AsyncResponseIterator is _response.AsyncResponseIterator
    assert isinstance(tritonserver._api._response.InferenceResponse, type)
