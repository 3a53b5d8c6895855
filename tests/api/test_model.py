"""Model handles: information, the one-call form, and what comes of a missing model."""

import asyncio
import inspect
import json
import typing
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    InternalError,
    InvalidArgumentError,
    Model,
    ModelBatchFlag,
    ModelTxnPropertyFlag,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)

X = np.arange(3, dtype=np.float32)
REPEAT = {"IN": np.int32([5]), "DELAY": np.uint32([0]), "WAIT": np.uint32([0])}
REPEAT_TWICE = {"IN": np.int32([5, 6]), "DELAY": np.uint32([0, 0]), "WAIT": np.uint32([0])}


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_fp32")


def test_a_handle(native_server: tritonserver.Server, model: Model) -> None:
    assert list(model.__dict__) == ["name", "version", "state", "reason", "_server"]
    assert (model.name, model.version, model.state, model.reason) == (
        "identity_fp32",
        -1,
        None,
        None,
    )
    assert model._server is native_server._server
    assert str(model) == repr(model) == "{'name': 'identity_fp32', 'version': -1, 'state': None}"
    assert model != native_server.model("identity_fp32")
    assert len({model, native_server.model("identity_fp32")}) == 2
    model.name = "other"
    assert not model.ready()


def test_a_handle_by_hand(native_server: tritonserver.Server) -> None:
    model = Model(native_server, "identity_fp32", 1, "READY", "because")
    assert (model.version, model.state, model.reason) == (1, "READY", "because")
    assert len(list(model.infer(inputs={"INPUT0": X}))) == 1


def test_a_handle_needs_a_started_server() -> None:
    with pytest.raises(InvalidArgumentError, match="not started"):
        Model(tritonserver.Server(), "x")


def test_metadata(model: Model) -> None:
    tensor = {"datatype": "FP32", "shape": [-1]}
    assert model.metadata() == {
        "name": "identity_fp32",
        "versions": ["1"],
        "platform": "identity",
        "inputs": [{"name": "INPUT0", **tensor}],
        "outputs": [{"name": "OUTPUT0", **tensor}],
    }


def test_config(model: Model) -> None:
    config = model.config()
    assert (config["name"], config["backend"]) == ("identity_fp32", "identity")
    assert config["max_batch_size"] == 0
    assert config["input"][0]["name"] == "INPUT0"
    json.dumps(config)
    with pytest.raises(InvalidArgumentError):
        model.config(2)


def test_statistics(model: Model) -> None:
    before = model.statistics()["model_stats"][0]["inference_count"]
    model(INPUT0=X)
    (after,) = model.statistics()["model_stats"]
    assert after["inference_count"] == before + 1
    assert after["version"] == "1"


def conforms(value: Any, declared: Any) -> bool:
    """Whether a document is what its typed dictionary says."""
    if declared is Any:
        return True
    if typing.is_typeddict(declared):
        types = typing.get_type_hints(declared)
        assert declared.__required_keys__ <= value.keys() <= types.keys()
        return all(conforms(item, types[key]) for key, item in value.items())
    origin, arguments = typing.get_origin(declared) or declared, typing.get_args(declared)
    if origin is dict:
        value = value.values()
    elif origin is not list:
        return isinstance(value, origin)
    return all(conforms(item, arguments[-1]) for item in value)


def test_documents_are_what_their_types_say(native_server: tritonserver.Server) -> None:
    list(native_server.model("repeat_int32").infer(inputs=REPEAT_TWICE))
    for model in native_server.models().values():
        for call in (model.metadata, model.config, model.statistics):
            assert conforms(call(), typing.get_type_hints(call)["return"])


def test_properties(native_server: tritonserver.Server, model: Model) -> None:
    assert repr(model.transaction_properties()) == (
        "<TRITONSERVER_ModelTxnPropertyFlag.ONE_TO_ONE: 1>"
    )
    assert model.batch_properties() == ModelBatchFlag.UNKNOWN
    repeat = native_server.model("repeat_int32")
    assert repeat.transaction_properties() == ModelTxnPropertyFlag.DECOUPLED
    batching = native_server.model("identity_priority")
    assert batching.batch_properties() == ModelBatchFlag.FIRST_DIM


def test_an_unknown_model(native_server: tritonserver.Server) -> None:
    for model in (native_server.model("nope"), native_server.model("identity_fp32", 7)):
        assert model.ready() is False
        with pytest.raises((NotFoundError, UnavailableError)):
            model.infer(inputs={"INPUT0": X})
    with pytest.raises(NotFoundError):
        native_server.model("nope").metadata()
    with pytest.raises(NotFoundError):
        native_server.model("nope").async_infer()


def test_odd_names_and_versions(native_server: tritonserver.Server) -> None:
    with pytest.raises(TypeError):
        native_server.model(5).infer()  # type: ignore[arg-type] # that is the point
    with pytest.raises(InvalidArgumentError, match="NUL"):
        native_server.model("a\0b").infer()
    for version in ("1", 1.5, 2**63):
        with pytest.raises(TypeError):
            native_server.model("identity_fp32", version).infer()  # type: ignore[arg-type] # that is the point


def test_after_the_server_stopped(start_server: Callable[..., tritonserver.Server]) -> None:
    server = start_server("native/identity_fp32")
    model = server.model("identity_fp32")
    server.stop()
    with pytest.raises(NotFoundError, match="server has been stopped: start it"):
        model.infer(inputs={"INPUT0": X})
    with pytest.raises((UnavailableError, NotFoundError, InvalidArgumentError)):
        model.metadata()


def test_one_call(model: Model) -> None:
    outputs = model(INPUT0=X)
    assert np.array_equal(outputs["OUTPUT0"].to_numpy(), X)
    assert np.array_equal(model({"INPUT0": X})["OUTPUT0"].to_numpy(), X)
    with pytest.raises(InvalidArgumentError, match="'INPUT0' FP32"):
        model(INPUT1=X)


async def test_one_call_async(model: Model) -> None:
    results = await asyncio.gather(*(model.call_async(INPUT0=X + i) for i in range(20)))
    for i, outputs in enumerate(results):
        assert np.array_equal(outputs["OUTPUT0"].to_numpy(), X + i)
    assert "OUTPUT0" in await model.call_async({"INPUT0": X})


async def test_one_call_of_a_model_that_answers_more_than_once(
    native_server: tritonserver.Server,
) -> None:
    model = native_server.model("repeat_int32")
    assert model(REPEAT)["OUT"].to_numpy().tolist() == [5]
    assert (await model.call_async(REPEAT))["OUT"].to_numpy().tolist() == [5]
    with pytest.raises(UnsupportedError, match="more than once"):
        model(REPEAT_TWICE)
    with pytest.raises(UnsupportedError, match="more than once"):
        await model.call_async(REPEAT_TWICE)


def test_one_call_that_fails(native_server: tritonserver.Server) -> None:
    bound = native_server.model("identity_fp32").bind(
        inputs={"INPUT0": X}, parameters={"error": "boo"}
    )
    with pytest.raises(InternalError, match="boo"):
        bound.run()


async def test_cancelling_one_call_cancels_the_inference(
    native_server: tritonserver.Server,
) -> None:
    model = native_server.model("repeat_int32")
    count = 5000
    inputs = {
        "IN": np.zeros(count, np.int32),
        "DELAY": np.full(count, 1000, np.uint32),
        "WAIT": np.uint32([0]),
    }
    task = asyncio.ensure_future(model.call_async(inputs))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The model stops, or else the server of these tests could not.
    assert model(REPEAT)["OUT"].to_numpy().tolist() == [5]


def test_misspelled_keywords(model: Model) -> None:
    for send in (model.infer, model.async_infer, model.create_request, model.bind):
        with pytest.raises(TypeError, match="input"):
            send(input={"INPUT0": X})  # type: ignore[call-arg] # that is the point


@pytest.mark.parametrize("function", [Model.infer, Model.async_infer])
def test_signatures_can_be_inspected(function: Callable[..., object]) -> None:
    parameters = inspect.signature(function).parameters.values()
    assert [(each.name, each.default, each.kind.name) for each in parameters][1:] == [
        ("inference_request", None, "POSITIONAL_OR_KEYWORD"),
        ("raise_on_error", True, "POSITIONAL_OR_KEYWORD"),
        ("kwargs", inspect.Parameter.empty, "VAR_KEYWORD"),
    ]


def test_an_iterator_is_not_made_by_hand() -> None:
    for cls in (tritonserver.ResponseIterator, tritonserver.AsyncResponseIterator):
        with pytest.raises(TypeError):
            cls()


def test_arguments_by_position(model: Model) -> None:
    request = model.create_request(inputs={"INPUT0": X}, parameters={"error": "boo"})
    (response,) = model.infer(request, False)
    assert str(response.error) == "boo"
    with pytest.raises(InternalError):
        list(model.infer(request, True))


def test_any_value_as_raise_on_error(model: Model) -> None:
    flag: Any = np.False_
    (response,) = model.infer(
        inputs={"INPUT0": X}, parameters={"error": "boo"}, raise_on_error=flag
    )
    assert response.error


def test_arguments_given_wrongly(model: Model) -> None:
    infer: Any = model.infer
    request = model.create_request(inputs={"INPUT0": X})
    with pytest.raises(TypeError, match=r"infer\(\) got multiple values for argument 'raise_on"):
        infer(request, False, raise_on_error=False)
    with pytest.raises(TypeError, match=r"infer\(\) got multiple values for argument 'inference"):
        infer(request, inference_request=request)
    with pytest.raises(TypeError, match=r"at most 2 positional arguments, but got 3"):
        infer(request, True, {"INPUT0": X})
    with pytest.raises(TypeError, match=r"descriptor 'infer' .*'int'"):
        Model.infer(1)  # type: ignore[arg-type] # that is the point


def test_keywords_that_are_made_at_run_time(model: Model) -> None:
    # Other objects than names in source code are.
    inputs, raise_on_error = ("".join(letters) for letters in ("inputs", "raise_on_error"))
    keywords: Any = {inputs: {"INPUT0": X}, raise_on_error: False}
    (response,) = model.infer(**keywords)
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == X.tolist()
