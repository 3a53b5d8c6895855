"""What is data can be sent to another process, and what is not says what to send instead."""

import copy
import copyreg
import dataclasses
import io
import multiprocessing.reduction
import pickle
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    InferenceResponse,
    InternalError,
    InvalidArgumentError,
    MemoryBuffer,
    MemoryType,
    Model,
    Tensor,
)
from tritonserver._c import triton_bindings as tb

X = np.arange(3, dtype=np.float32)
PARAMETERS = {"echo_parameters": True, "text": "ü", "number": 7, "half": 0.5}


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_fp32")


def respond(model: Model, **arguments: Any) -> InferenceResponse:
    (response,) = model.infer(inputs={"INPUT0": X}, raise_on_error=False, **arguments)
    return response


def cloudpickle(thing: object) -> bytes:
    """Pickle as cloudpickle and joblib do it: with a look at `copyreg`, and a hook."""

    class Pickler(pickle.Pickler):
        dispatch_table = types.MappingProxyType(copyreg.dispatch_table)

        def reducer_override(self, obj: object) -> Any:
            return NotImplemented

    file = io.BytesIO()
    Pickler(file, pickle.HIGHEST_PROTOCOL).dump(thing)
    return file.getvalue()


def fork_pickle(thing: object) -> bytes:
    return bytes(multiprocessing.reduction.ForkingPickler.dumps(thing))


WAYS: dict[str, Callable[[Any], bytes]] = {
    "pickle": pickle.dumps,
    "pure Python": pickle._dumps,  # type: ignore[attr-defined] # public in all but name
    "cloudpickle": cloudpickle,
    "multiprocessing": fork_pickle,
    **{f"protocol {n}": lambda thing, n=n: pickle.dumps(thing, n) for n in range(5)},
}
each_way = pytest.mark.parametrize("way", WAYS)


@each_way
def test_responses(model: Model, way: str) -> None:
    response = respond(model, request_id="seven", parameters=PARAMETERS)
    again = pickle.loads(WAYS[way](response))
    assert type(again) is InferenceResponse
    assert vars(again).keys() == vars(response).keys()
    assert again.outputs == response.outputs
    assert again.outputs["OUTPUT0"].to_numpy().tolist() == X.tolist()
    assert again.outputs["OUTPUT0"].data_ptr != response.outputs["OUTPUT0"].data_ptr
    assert again.parameters == response.parameters == PARAMETERS
    assert (again.request_id, again.error, again.final) == ("seven", None, True)
    assert isinstance(again.model, Model)
    assert (again.model.name, again.model.version) == ("identity_fp32", 1)
    assert repr(again.model) == repr(response.model)
    # The original is as it was.
    assert response.model.ready()
    # What arrived can be sent on.
    assert pickle.loads(WAYS[way](again)).outputs == response.outputs


@each_way
def test_responses_with_an_error(model: Model, way: str) -> None:
    response = respond(model, parameters={"error": "boo"})
    again = pickle.loads(WAYS[way](response))
    assert type(again.error) is InternalError
    assert again.error.args == ("boo", again)
    assert again.outputs == {}


@each_way
def test_errors_of_an_inference(model: Model, way: str) -> None:
    with pytest.raises(InternalError) as raised:
        list(model.infer(inputs={"INPUT0": X}, parameters={"error": "boo"}, request_id="seven"))
    again = pickle.loads(WAYS[way](raised.value))
    assert type(again) is InternalError
    assert str(again) == again.args[0] == "boo"
    assert again.args[1].error is again
    assert again.args[1].request_id == "seven"
    with pytest.raises(InvalidArgumentError) as refused:
        model.infer(inputs={"INPUT9": X})
    assert pickle.loads(WAYS[way](refused.value)).args == refused.value.args


def test_text_and_classes(native_server: tritonserver.Server) -> None:
    text = np.array([["a", "ü"]], object)
    (response,) = native_server.model("native_identity").infer(inputs={"string_input": text})
    again = pickle.loads(pickle.dumps(response))
    assert again.outputs["string_output"].to_string_array().tolist() == text.tolist()
    wanted = tritonserver.RequestedOutput("OUTPUT0", 1)
    assert pickle.loads(pickle.dumps(wanted)) == wanted
    (response,) = native_server.model("classifier").infer(
        inputs={"INPUT0": X}, requested_outputs=[wanted]
    )
    (found,) = pickle.loads(pickle.dumps(response)).outputs["OUTPUT0"].to_classes().ravel()
    assert pickle.loads(pickle.dumps(found)) == found == (2, 2, "bird")


def test_a_model_of_another_process(model: Model) -> None:
    there = pickle.loads(pickle.dumps(respond(model))).model
    inputs = {"INPUT0": X}
    uses: list[Callable[[], object]] = [
        lambda: there.infer(inputs=inputs),
        lambda: there.async_infer(inputs=inputs),
        lambda: there(inputs),
        lambda: there.bind(inputs=inputs).run(),
        lambda: there.sequence()(inputs),
        lambda: model.infer(there.create_request(inputs=inputs)),
        there.ready,
        there.metadata,
        there.config,
        there.statistics,
        there.batch_properties,
        there.transaction_properties,
    ]
    for use in uses:
        with pytest.raises(InvalidArgumentError, match=r"'identity_fp32' .* no server in this"):
            use()
    for again in (copy.copy(there), copy.deepcopy(there), pickle.loads(pickle.dumps(there))):
        assert (again.name, again.version) == ("identity_fp32", 1)
    with pytest.raises(AttributeError, match="nothing"):
        there.nothing  # noqa: B018 - it raises


class Mine(InferenceResponse):
    """A class of a program."""


def test_responses_made_by_hand(model: Model) -> None:
    tensor = Tensor.from_dlpack(X)
    for cls in (InferenceResponse, Mine):
        made = cls(model, outputs={"Y": tensor})
        made.note = "kept"  # type: ignore[attr-defined] # which programs may do
        again = pickle.loads(pickle.dumps(made))
        assert type(again) is cls
        assert again.note == "kept"
        assert again.outputs == {"Y": tensor}
    assert pickle.loads(pickle.dumps(InferenceResponse.__new__(InferenceResponse))).__dict__ == {}


def handles(model: Model, server: tritonserver.Server) -> dict[str, tuple[object, str]]:
    """What belongs to its process, by class, and what the error must say."""
    inputs = {"INPUT0": X}
    family = tritonserver.MetricFamily(tritonserver.MetricKind.GAUGE, "pickled", "for a test")
    things = [
        (server, "options"),
        (model, "name"),
        (respond(model).model, "name"),
        (server.models(), r"Server\.index"),
        (model.infer(inputs=inputs), "responses"),
        (model.async_infer(inputs=inputs), "responses"),
        (model.create_request(inputs=inputs), "inputs"),
        (model.bind(inputs=inputs), "inputs"),
        (model.sequence(), "inputs"),
        (tritonserver.Trace(), "spans"),
        (tritonserver.OpenTelemetryTrace(), "spans"),
        (tritonserver.Metric(family, {}), "metrics of its own"),
        (family, "plain data"),
        (server._server, "plain data"),
        (tb.TRITONSERVER_ServerOptions(), "plain data"),
        (tb.TRITONSERVER_InferenceRequest(server._server, model.name, -1), "plain data"),
    ]
    return {type(thing).__name__: (thing, remedy) for thing, remedy in things}


@each_way
def test_handles(model: Model, native_server: tritonserver.Server, way: str) -> None:
    found = handles(model, native_server)
    assert len(found) == 15
    for name, (thing, remedy) in found.items():
        for inside in (thing, [thing], {"thing": (thing,)}):
            with pytest.raises(TypeError, match=rf"a {name} belongs to its process .*{remedy}"):
                WAYS[way](inside)


def test_copies(model: Model, native_server: tritonserver.Server) -> None:
    for duplicate in (copy.copy, copy.deepcopy):
        again = duplicate(model)
        assert again is not model
        assert vars(again) == vars(model)
        assert again(INPUT0=X)["OUTPUT0"].to_numpy().tolist() == X.tolist()

        models = duplicate(native_server.models())
        assert models.keys() == native_server.models().keys()
        assert models["identity_fp32"].ready()

        request = duplicate(model.create_request(inputs={"INPUT0": X}, request_id="seven"))
        (response,) = again.infer(request)
        assert response.request_id == "seven"

        answer = duplicate(response)
        assert answer.outputs == response.outputs
        assert answer.model.ready()
        same = answer.outputs["OUTPUT0"].data_ptr == response.outputs["OUTPUT0"].data_ptr
        assert same is (duplicate is copy.copy)

        failed = respond(model, parameters={"error": "boo"})
        answer = duplicate(failed)
        assert answer.error is not None
        assert answer.error.args[0] == "boo"
        for thing in (native_server, model.infer(inputs={"INPUT0": X})):
            with pytest.raises(TypeError, match="belongs to its process"):
                duplicate(thing)
    failed = copy.deepcopy(failed)
    assert failed.error is not None
    assert failed.error.args[1] is failed
    assert dataclasses.asdict(response)["outputs"]["OUTPUT0"]["shape"] == [3]


def test_memory_buffers(model: Model) -> None:
    buffer = respond(model).outputs["OUTPUT0"].memory_buffer
    for again in (pickle.loads(pickle.dumps(buffer)), copy.deepcopy(buffer)):
        assert again.data_ptr == again.owner.ctypes.data != buffer.data_ptr
        assert again.owner.tobytes() == X.tobytes()
        assert Tensor(tritonserver.DataType.FP32, [3], again).to_numpy().tolist() == X.tolist()
    assert copy.copy(buffer).owner is buffer.owner
    on_gpu = MemoryBuffer(64, MemoryType.GPU, 0, 8, object())
    with pytest.raises(TypeError, match="send the tensor"):
        pickle.dumps(on_gpu)
    assert copy.copy(on_gpu) == on_gpu


def test_a_copied_buffer_keeps_what_the_original_kept() -> None:
    class Producer:
        """Whose memory is the capsule's."""

        def __dlpack__(self, **arguments: Any) -> Any:
            return np.arange(1000.0).__dlpack__()

        def __dlpack_device__(self) -> tuple[int, int]:
            return 1, 0

    again = copy.copy(MemoryBuffer.from_dlpack(Producer()))
    assert Tensor(tritonserver.DataType.FP64, [1000], again).to_numpy()[-1] == 999


def test_other_data(native_server: tritonserver.Server) -> None:
    model = native_server.model("identity_fp32")
    for data in (native_server.metadata(), native_server.index(), model.config(), model.metadata()):
        assert pickle.loads(pickle.dumps(data)) == data
    families = native_server.metric_families()
    assert pickle.loads(pickle.dumps(families)) == families
    trace = tritonserver.Trace()
    list(model.infer(inputs={"INPUT0": X}, trace=trace))
    spans = trace.wait(10)
    assert pickle.loads(pickle.dumps(spans)) == spans


def test_processes(run_program: Callable[..., Any], repository: Callable[..., Any]) -> None:
    program = """
    import multiprocessing, operator, sys
    from concurrent.futures import ProcessPoolExecutor
    import numpy as np, tritonserver
    X = np.arange(3, dtype=np.float32)
    with (
        tritonserver.Server(model_repository=sys.argv[1]) as server,
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        (response,) = server.model("identity_fp32").infer(inputs={"INPUT0": X}, request_id="seven")
        outputs = pool.submit(operator.attrgetter("outputs"), response).result(60)
        print(outputs["OUTPUT0"].to_numpy().tolist())
        print(pool.submit(operator.attrgetter("model.name"), response).result(60))
        there = pool.submit(operator.attrgetter("model"), response).result(60)
        try:
            pool.submit(operator.methodcaller("infer"), there).result(60)
        except tritonserver.InvalidArgumentError as error:
            print("no server" in str(error))
        try:
            pool.submit(operator.attrgetter("options"), server).result(60)
        except TypeError as error:
            print("options" in str(error))
        print(pool.submit(operator.attrgetter("server_id"), server.options).result(60))
    """
    ended = run_program(program, repository("native/identity_fp32"), timeout=120)
    assert ended.output.splitlines() == [
        "[0.0, 1.0, 2.0]",
        "identity_fp32",
        "True",
        "True",
        "triton",
    ], ended.errors
