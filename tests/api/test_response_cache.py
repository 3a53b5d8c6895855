"""Models with a response cache: each request gets its own answer, or is told that it cannot."""

import gc
import queue
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tritonserver
from tritonserver import InvalidArgumentError, Model, UnavailableError, UnsupportedError
from tritonserver._c import triton_bindings as tb

CONFIGURATION = """
backend: "identity"
max_batch_size: {batch}
input {{ name: "INPUT0" data_type: TYPE_{type_} dims: [ -1, -1 ] }}
input {{ name: "INPUT1" data_type: TYPE_{type_} dims: [ -1, -1 ] optional: true }}
output {{ name: "OUTPUT0" data_type: TYPE_{type_} dims: [ -1, -1 ] }}
output {{ name: "OUTPUT1" data_type: TYPE_{type_} dims: [ -1, -1 ] }}
{extra}
"""
STEP = """
platform: "ensemble"
input { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1, -1 ] }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1, -1 ] }
ensemble_scheduling {
  step {
    model_name: "number"
    model_version: -1
    input_map { key: "INPUT0" value: "INPUT0" }
    output_map { key: "OUTPUT0" value: "OUTPUT0" }
  }
}
"""
CACHED = "response_cache { enable: true }"
ORDERED = "dynamic_batching { preserve_ordering: true }"
CACHE = {"local": {"size": 1 << 20}}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Models `number`, `text` and `ordered` with a response cache, and `plain` without.

    The ensemble `step` has `number` as a step, and `whole` has a cache of its own as well.
    """

    def write(name: str, text: str) -> None:
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "config.pbtxt").write_text(text)

    write("number", CONFIGURATION.format(type_="FP32", extra=CACHED, batch=0))
    write("text", CONFIGURATION.format(type_="STRING", extra=CACHED, batch=0))
    write("ordered", CONFIGURATION.format(type_="FP32", extra=CACHED + ORDERED, batch=4))
    write("plain", CONFIGURATION.format(type_="FP32", extra="", batch=0))
    write("step", STEP)
    write("whole", STEP + CACHED)
    return tmp_path


@pytest.fixture
def log() -> list[str]:
    """The warnings of the server."""
    return []


@pytest.fixture
def server(repository: Path, log: list[str]) -> Iterator[tritonserver.Server]:
    def keep(level: object, file: str, line: int, time: int, message: str) -> None:
        log.append(message)

    with tritonserver.Server(
        model_repository=repository, cache_config=CACHE, log_callback=keep, log_warn=True
    ) as server:
        yield server
    del server
    gc.collect()  # errors, which refer to their responses: the next one needs the only cache


def zeros(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, np.float32)


def shapes(model: Model, *inputs: NDArray[Any], **fields: Any) -> dict[str, list[int]]:
    """Ask the model, and return the shapes of the outputs by name."""
    named = {f"INPUT{i}": each for i, each in enumerate(inputs)}
    (response,) = model.infer(inputs=named, **fields)
    return {name: list(tensor.shape) for name, tensor in response.outputs.items()}


def hits(model: Model) -> int:
    """How many answers came from the cache."""
    statistics = model.statistics()["model_stats"][0]["inference_stats"]
    return int(statistics["cache_hit"]["count"])


def test_equal_requests(server: tritonserver.Server) -> None:
    model = server.model("number")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert shapes(model, zeros(2, 3)) == {"OUTPUT0": [2, 3]}
            assert shapes(model, np.ones((3, 2), np.float32)) == {"OUTPUT0": [3, 2]}
    assert hits(model) == 4


@pytest.mark.parametrize(("first", "second"), [((2, 3), (3, 2)), ((0, 3), (5, 0))])
def test_other_shapes(
    server: tritonserver.Server, first: tuple[int, int], second: tuple[int, int]
) -> None:
    model = server.model("number")
    assert shapes(model, zeros(*first)) == {"OUTPUT0": [*first]}
    match = rf"response cache of model 'number' .* 'INPUT0' FP32 \[{second[0]}, {second[1]}\]"
    for _ in range(2):
        with pytest.raises(UnsupportedError, match=match):
            shapes(model, zeros(*second))
    assert shapes(model, zeros(*first)) == {"OUTPUT0": [*first]}
    assert shapes(model, zeros(*second), zeros(1, 1))["OUTPUT0"] == [*second]


def test_a_model_that_would_wait_for_its_turn(server: tritonserver.Server) -> None:
    model = server.model("ordered")
    for factor in range(2):
        with pytest.raises(UnsupportedError, match=r"cache and preserve_ordering.* switch one"):
            shapes(model, zeros(1, 2, 3) + factor)


@pytest.mark.parametrize(("name", "cached"), [("step", "number"), ("whole", "whole")])
def test_ensembles(server: tritonserver.Server, name: str, cached: str) -> None:
    model = server.model(name)
    assert shapes(model, zeros(2, 3)) == {"OUTPUT0": [2, 3]}
    with pytest.raises(UnsupportedError, match=f"response cache of model '{cached}'"):
        shapes(model, zeros(3, 2))
    with pytest.warns(RuntimeWarning, match=f"response cache of model '{cached}'"):
        shapes(model, zeros(2, 3), parameters={"k": 1})


def test_other_shapes_of_text(server: tritonserver.Server) -> None:
    model = server.model("text")
    text = np.array([["a", "b", "c"], ["d", "e", "f"]], object)
    assert shapes(model, text) == {"OUTPUT0": [2, 3]}
    with pytest.raises(UnsupportedError, match="response cache of model 'text'"):
        shapes(model, text.reshape(3, 2))
    assert shapes(model, text[::-1].reshape(3, 2)) == {"OUTPUT0": [3, 2]}


async def test_all_ways_to_ask(server: tritonserver.Server) -> None:
    model = server.model("number")
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    shapes(model, zeros(2, 3))
    inputs = {"INPUT0": zeros(3, 2)}
    target = zeros(3, 2)
    bound = model.bind({"OUTPUT0": target}, inputs=inputs)
    ways: list[Callable[[], object]] = [
        lambda: model(inputs),
        lambda: model.infer(inputs=inputs, response_queue=answers),
        lambda: model.infer(model.create_request(inputs=inputs)),
        lambda: model.async_infer(inputs=inputs),
        bound.run,
    ]
    for ask in ways:
        with pytest.raises(UnsupportedError, match="response cache"):
            ask()
    with pytest.raises(UnsupportedError, match="response cache"):
        await model.call_async(inputs)
    inputs["INPUT0"] += 1
    bound.run()
    assert target.tolist() == inputs["INPUT0"].tolist()


def test_inputs_change_places(server: tritonserver.Server) -> None:
    model = server.model("number")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for names in (["INPUT0", "INPUT1"], ["INPUT1", "INPUT0"]):
            assert set(model({name: zeros(1, 2) for name in names})) == {"OUTPUT0", "OUTPUT1"}
    assert hits(model) == 1


def test_other_parameters(server: tritonserver.Server, log: list[str]) -> None:
    model = server.model("number")
    parameters: list[Mapping[str, Any]] = [{"k": 1, "m": "a"}, {"m": "a", "k": 1}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in parameters:
            shapes(model, zeros(1, 1), parameters=each)
    for each in ({"k": 2, "m": "a"}, {"k": 1}, {"k": True, "m": "a"}, {}):
        with pytest.warns(RuntimeWarning, match="response cache of model 'number'") as told:
            assert shapes(model, zeros(1, 1), parameters=each) == {"OUTPUT0": [1, 1]}
        assert [warning.filename for warning in told] == [__file__]
    server.stop()
    assert sum("other parameters" in message for message in log) == 1


def test_a_warning_that_is_an_error(server: tritonserver.Server) -> None:
    model = server.model("number")
    shapes(model, zeros(1, 1))
    bound = model.bind(
        {"OUTPUT0": zeros(1, 1)}, inputs={"INPUT0": zeros(1, 1)}, parameters={"k": 1}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(RuntimeWarning, match="response cache"):
                bound.run()
    assert hits(model) == 0


def test_requested_outputs(server: tritonserver.Server) -> None:
    model = server.model("number")
    inputs = zeros(1, 2), zeros(2, 1)
    all_outputs = {"OUTPUT0": [1, 2], "OUTPUT1": [2, 1]}
    for names in (["OUTPUT0"], ["OUTPUT1"], None, ["OUTPUT1", "OUTPUT0"], ["OUTPUT0"]):
        wanted = {name: all_outputs[name] for name in names or all_outputs}
        assert shapes(model, *inputs, requested_outputs=names) == wanted
    assert hits(model) == 4
    with pytest.raises(InvalidArgumentError, match="OUTPUT9"):
        shapes(model, *inputs, requested_outputs=["OUTPUT9"])


def ask_for_one_output(server: tritonserver.Server, output: str) -> None:
    """Send zeros of shape (1, 1) to the model `number`, through the C API."""
    data, buffer = zeros(1, 1), zeros(1, 1)
    ended: queue.SimpleQueue[object] = queue.SimpleQueue()
    allocator = tb.TRITONSERVER_ResponseAllocator(
        lambda *_: (buffer.ctypes.data, None, tb.TRITONSERVER_MemoryType.CPU, 0), lambda *_: None
    )
    request = tb.TRITONSERVER_InferenceRequest(server._server, "number", -1)
    for name in ("INPUT0", "INPUT1"):
        request.add_input(name, tb.TRITONSERVER_DataType.FP32, [1, 1])
        request.append_input_data(
            name, data.ctypes.data, data.nbytes, tb.TRITONSERVER_MemoryType.CPU, 0
        )
    request.add_requested_output(output)
    request.set_release_callback(lambda *_: ended.put(None), None)
    request.set_response_callback(allocator, None, lambda *_: ended.put(None), None)
    server._server.infer_async(request)
    for _ in range(2):
        ended.get(timeout=10)


def test_an_answer_that_lacks_an_output(server: tritonserver.Server) -> None:
    """Who uses the C API fills the cache with what they ask for."""
    ask_for_one_output(server, "OUTPUT0")
    model = server.model("number")
    inputs = zeros(1, 1), zeros(1, 1)
    with pytest.raises(UnavailableError, match=r"without output 'OUTPUT1', or its response cache"):
        shapes(model, *inputs, requested_outputs=["OUTPUT0", "OUTPUT1"])
    assert shapes(model, *inputs, requested_outputs=["OUTPUT0"]) == {"OUTPUT0": [1, 1]}


def test_a_failure_that_was_kept(server: tritonserver.Server) -> None:
    """The core keeps it as an answer without outputs."""
    model = server.model("number")
    with pytest.raises(tritonserver.InternalError, match="boo"):
        shapes(model, zeros(1, 1), parameters={"error": "boo"})
    for _ in range(2):
        with (
            pytest.warns(RuntimeWarning, match="other parameters"),
            pytest.raises(UnavailableError, match="without outputs, or its response cache"),
        ):
            shapes(model, zeros(1, 1))


def test_a_refused_request_is_forgotten(server: tritonserver.Server) -> None:
    model = server.model("number")
    with pytest.raises(InvalidArgumentError, match="shape"):
        shapes(model, zeros(1, 2, 2))
    assert shapes(model, zeros(2, 2)) == {"OUTPUT0": [2, 2]}


def test_models_without_a_cache(server: tritonserver.Server) -> None:
    model = server.model("plain")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shape in ((2, 3), (3, 2)):
            for parameters in ({}, {"k": 1}):
                found = shapes(model, zeros(*shape), parameters=parameters)
                assert found == {"OUTPUT0": list(shape)}


def test_servers_without_a_cache(repository: Path) -> None:
    with tritonserver.Server(model_repository=repository) as server:
        for shape in ((2, 3), (3, 2)):
            assert shapes(server.model("number"), zeros(*shape)) == {"OUTPUT0": list(shape)}


def test_another_server_begins_anew(repository: Path) -> None:
    for shape in ((2, 3), (3, 2)):
        with tritonserver.Server(model_repository=repository, cache_config=CACHE) as server:
            assert shapes(server.model("number"), zeros(*shape)) == {"OUTPUT0": list(shape)}
        del server
