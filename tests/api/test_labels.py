"""Class labels of outputs: of files as they come, and through the owner of an output's memory."""

import asyncio
import pickle
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import InvalidArgumentError, ModelControlMode, RequestedOutput, TritonError

X = np.float32([1, 2, 3])
NAMES = ["cat", "dog", "bird"]


def write_model(repository: Path, name: str, labels: dict[str, bytes], outputs: int = 2) -> None:
    """Write an identity model of INPUT0, … to OUTPUT0, …, with label files of some outputs."""
    model = repository / name
    (model / "1").mkdir(parents=True, exist_ok=True)
    lines = ['backend: "identity"']
    for i in range(outputs):
        lines.append(f'input {{ name: "INPUT{i}" data_type: TYPE_FP32 dims: [ -1 ] }}')
        file = f'label_filename: "{i}.txt"' if f"OUTPUT{i}" in labels else ""
        lines.append(f'output {{ name: "OUTPUT{i}" data_type: TYPE_FP32 dims: [ -1 ] {file} }}')
    (model / "config.pbtxt").write_text("\n".join(lines))
    for output, content in labels.items():
        (model / f"{output.removeprefix('OUTPUT')}.txt").write_bytes(content)


ENSEMBLE = """
platform: "ensemble"
input { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
ensemble_scheduling { step { model_name: "plain" model_version: -1
  input_map { key: "INPUT0" value: "INPUT0" } output_map { key: "OUTPUT0" value: "OUTPUT0" } } }
"""
ODD = ["", "a:b", "", "guinea pig ", " mouse", "ü", "", "\tx"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("repository")
    write_model(made, "plain", {"OUTPUT0": b"cat\ndog\nbird\n"}, 1)
    write_model(made, "second", {"OUTPUT1": b"cat\ndog\nbird"}, 3)
    write_model(made, "windows", {"OUTPUT0": "\r\n".join([*ODD, ""]).encode()}, 1)
    write_model(made, "unlabelled", {})
    lines = ["" if i % 7 == 3 or 5000 < i < 8000 else f"class {i}" for i in range(20_000)]
    write_model(made, "many", {"OUTPUT0": "\n".join(lines).encode()}, 1)
    write_model(made, "latin", {"OUTPUT0": b"caf\xe9\n"}, 1)
    ensemble = made / "ensemble"
    (ensemble / "1").mkdir(parents=True)
    (ensemble / "config.pbtxt").write_text(ENSEMBLE)
    return made


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[tritonserver.Server]:
    with tritonserver.Server(model_repository=repository) as running:
        yield running


def inputs(count: int = 1) -> dict[str, Any]:
    return {f"INPUT{i}": X for i in range(count)}


def labels_of(owner: Any, output: int = 0, count: int = 5) -> list[str]:
    return [owner.output_classification_label(output, i) for i in range(count)]


def test_line_ends_of_windows(server: tritonserver.Server) -> None:
    """Only they go: blanks and colons are part of a label, and an empty line is none."""
    scores = np.arange(len(ODD), 0, -1, dtype=np.float32)
    outputs = [RequestedOutput("OUTPUT0", len(ODD))]
    (response,) = server.model("windows").infer(
        inputs={"INPUT0": scores}, requested_outputs=outputs
    )
    classes = response.outputs["OUTPUT0"]
    assert [each.label for each in classes.to_classes()] == ODD
    wanted = [f"{8 - i}:{i}" + (f":{ODD[i]}" if ODD[i] else "") for i in range(8)]
    assert classes.to_string_array().tolist() == wanted
    owner = server.model("windows")(inputs())["OUTPUT0"].memory_buffer.owner
    assert labels_of(owner, count=8) == ODD


def test_owners_are_arrays_of_bytes(server: tritonserver.Server) -> None:
    for model, count in (("plain", 1), ("unlabelled", 2)):
        tensor = server.model(model)(inputs(count))["OUTPUT0"]
        owner = tensor.memory_buffer.owner
        assert isinstance(owner, np.ndarray)
        assert (owner.dtype, owner.shape, owner.nbytes) == (np.int8, (12,), 12)
        assert owner.tobytes() == X.tobytes()
        assert owner.ctypes.data == tensor.data_ptr
        assert owner.flags.writeable
        assert tensor.memory_buffer.owner is owner
        assert np.array_equal(owner.view(np.float32), X)


@pytest.mark.parametrize("model", ["plain", "ensemble"])
def test_every_way_to_get_an_output(server: tritonserver.Server, model: str) -> None:
    """An ensemble's outputs have the labels of the steps that make them."""
    handle = server.model(model)
    responses: queue.SimpleQueue[tritonserver.InferenceResponse] = queue.SimpleQueue()
    list(handle.infer(inputs=inputs(), response_queue=responses))
    bound = handle.bind(inputs=inputs())

    async def first() -> tritonserver.InferenceResponse:
        return await anext(handle.async_infer(inputs=inputs()))

    for outputs in (
        handle(inputs()),
        handle.infer(inputs=inputs()).next().outputs,
        handle.infer(inputs=inputs(), requested_outputs=["OUTPUT0"]).next().outputs,
        asyncio.run(handle.call_async(inputs())),
        asyncio.run(first()).outputs,
        responses.get(timeout=60).outputs,
        bound.run(),
        bound.run(),
    ):
        assert labels_of(outputs["OUTPUT0"].memory_buffer.owner) == [*NAMES, "", ""]


def test_outputs_by_their_place(server: tritonserver.Server) -> None:
    model = server.model("second")
    for requested in (None, ["OUTPUT1"], ["OUTPUT1", "OUTPUT2"], ["OUTPUT0", "OUTPUT2"]):
        (response,) = model.infer(inputs=inputs(3), requested_outputs=requested)
        assert set(response.outputs) == set(requested or ["OUTPUT0", "OUTPUT1", "OUTPUT2"])
        for tensor in response.outputs.values():
            owner = tensor.memory_buffer.owner
            for place, name in enumerate(response.outputs):
                wanted = NAMES if name == "OUTPUT1" else ["", "", ""]
                assert labels_of(owner, place, 3) == wanted


@pytest.mark.parametrize(("model", "count"), [("second", 3), ("unlabelled", 2)])
def test_places_that_are_none(server: tritonserver.Server, model: str, count: int) -> None:
    owner: Any = server.model(model)(inputs(count))["OUTPUT1"].memory_buffer.owner
    for output in (count, 9, 2**70, -1):
        with pytest.raises(InvalidArgumentError, match=f"no output number .*, but {count}$"):
            owner.output_classification_label(output, 0)
    for class_index in (3, 2**70, -1):
        assert owner.output_classification_label(np.int64(1), class_index) == ""
    for arguments in ((), (0,), (0, 0, 0), (0.0, 0), (0, "0"), (None, 0)):
        with pytest.raises(TypeError):
            owner.output_classification_label(*arguments)


def test_empty_outputs(server: tritonserver.Server) -> None:
    outputs = server.model("plain")(INPUT0=np.zeros(0, np.float32))
    owner = outputs["OUTPUT0"].memory_buffer.owner
    assert owner.tobytes() == b""
    assert labels_of(owner) == [*NAMES, "", ""]
    with pytest.raises(TritonError):
        owner.output_classification_label(1, 0)


def test_parts_and_copies(server: tritonserver.Server) -> None:
    owner = server.model("plain")(inputs())["OUTPUT0"].memory_buffer.owner
    for part in (owner[4:], owner.view(np.float32)[::2], owner.reshape(3, 4).T, owner[4:][4:]):
        assert labels_of(part) == [*NAMES, "", ""]
    for copied in (owner.copy(), owner + 1, pickle.loads(pickle.dumps(owner))):
        assert labels_of(copied) == [""] * 5
        assert copied.nbytes == 12


def test_many_labels_and_none_in_between(server: tritonserver.Server) -> None:
    owner = server.model("many")(inputs())["OUTPUT0"].memory_buffer.owner
    for i in (0, 1, 3, 5000, 6000, 8000, 19_999, 20_000):
        wanted = "" if i % 7 == 3 or 5000 < i < 8000 or i == 20_000 else f"class {i}"
        assert owner.output_classification_label(0, i) == wanted


def test_labels_in_another_encoding(server: tritonserver.Server) -> None:
    owner = server.model("latin")(inputs())["OUTPUT0"].memory_buffer.owner
    assert owner.output_classification_label(0, 0) == "caf\N{REPLACEMENT CHARACTER}"


def test_classes_have_owners_too(server: tritonserver.Server) -> None:
    asked = [RequestedOutput("OUTPUT0", 1)]
    (response,) = server.model("plain").infer(inputs=inputs(), requested_outputs=asked)
    owner = response.outputs["OUTPUT0"].memory_buffer.owner
    assert owner.tobytes()[4:] == b"3:2:bird"
    assert labels_of(owner) == [*NAMES, "", ""]


def test_the_buffer_of_an_allocator_keeps_its_owner(server: tritonserver.Server) -> None:
    kept = np.zeros(12, np.int8)

    class Own(tritonserver.MemoryAllocator):
        def allocate(self, size: int, *_: Any, **__: Any) -> tritonserver.MemoryBuffer:
            return tritonserver.MemoryBuffer.from_dlpack(kept)

    (response,) = server.model("plain").infer(inputs=inputs(), output_memory_allocator=Own())
    assert response.outputs["OUTPUT0"].memory_buffer.owner is kept


def test_owners_need_neither_response_nor_model_nor_server(
    repository: Path, tmp_path: Path
) -> None:
    write_model(tmp_path, "m", {"OUTPUT0": b"old\r\n"}, 1)
    mode = ModelControlMode.EXPLICIT
    with tritonserver.Server(model_repository=tmp_path, model_control_mode=mode) as server:

        def owner() -> Any:
            return server.load("m")(inputs())["OUTPUT0"].memory_buffer.owner

        owners = [owner()]
        server.unload("m", wait_until_unloaded=True)  # which an owner does not prevent
        for labels in ({"OUTPUT0": b"new\n"}, {}, {"OUTPUT0": b"newest"}):
            write_model(tmp_path, "m", labels, 1)
            owners.append(owner())
            server.unload("m", wait_until_unloaded=True)
    for kept, label in zip(owners, ["old", "new", "", "newest"], strict=True):
        assert kept.tobytes() == X.tobytes()
        assert labels_of(kept, count=2) == [label, ""]


def test_models_without_labels_are_asked_once(
    repository: Path, run_program: Callable[..., Any]
) -> None:
    ended = run_program(
        """
        import sys
        import numpy, tritonserver
        from tritonserver._c import triton_bindings as tb

        tb._set_call_counting(True)
        with tritonserver.Server(model_repository=sys.argv[1]) as server:
            x = numpy.ones(3, numpy.float32)
            before = tb._call_counts()
            for _ in range(20):
                server.model("unlabelled")(INPUT0=x, INPUT1=x)
            for name, count in tb._call_counts().items():
                if "Config" in name or "Label" in name or "ServerInferAsync" in name:
                    print(name, count - before[name])
        """,
        repository,
    )
    assert (ended.code, ended.errors) == (0, "")
    counts = dict(line.split() for line in ended.output.splitlines())
    assert counts["TRITONSERVER_ServerInferAsync"] == "20"
    assert counts["TRITONSERVER_ServerModelConfig"] == "1"
    assert counts["TRITONSERVER_InferenceResponseOutputClassificationLabel"] == "0"
