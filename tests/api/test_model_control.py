"""Loading and unloading models, and changing repositories, while a server runs."""

import json
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritonserver import (
    AlreadyExistsError,
    InternalError,
    InvalidArgumentError,
    ModelControlMode,
    NotFoundError,
    Server,
    TritonError,
    UnavailableError,
    UnsupportedError,
)

Start = Callable[..., Server]
Repository = Callable[..., Path]

EXPLICIT = ModelControlMode.EXPLICIT
FAILING = Path(__file__).parents[1] / "models" / "failing"
FP32 = np.ones(1, np.float32)

PLUS_ONE = b"""
import triton_python_backend_utils as pb


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        config.set_max_batch_size(0)
        config.add_input({"name": "X", "data_type": "TYPE_FP32", "dims": [-1]})
        config.add_output({"name": "Y", "data_type": "TYPE_FP32", "dims": [-1]})
        return config

    def execute(self, requests):
        return [
            pb.InferenceResponse(
                [pb.Tensor("Y", pb.get_input_tensor_by_name(request, "X").as_numpy() + 1)]
            )
            for request in requests
        ]
"""


def test_load_and_unload(start_server: Start) -> None:
    server = start_server(
        "native/identity_fp32",
        "native/identity_fixed",
        model_control_mode=EXPLICIT,
        startup_models=["identity_fp32"],
    )
    assert server.model("identity_fp32").ready()
    assert not server.model("identity_fixed").ready()
    model = server.load("identity_fixed")
    assert repr(model) == "{'name': 'identity_fixed', 'version': -1, 'state': None}"
    assert model.ready()
    server.unload(model, wait_until_unloaded=True)
    assert not model.ready()
    unloaded = server.models()["identity_fixed", 1]
    assert (unloaded.state, unloaded.reason) == ("UNAVAILABLE", "unloaded")
    server.unload("identity_fixed")
    assert server.load("identity_fixed").ready()


def test_startup_of_all_models(start_server: Start) -> None:
    server = start_server(
        "native/identity_fp32",
        "native/identity_fixed",
        model_control_mode=EXPLICIT,
        startup_models=["*"],
    )
    assert len(server.models(exclude_not_ready=True)) == 2


CONFIG = {
    "backend": "identity",
    "input": [{"name": "A", "data_type": "TYPE_INT32", "dims": [-1]}],
    "output": [{"name": "B", "data_type": "TYPE_INT32", "dims": [-1]}],
}
TEXT = """
backend: "identity"
input { name: "A" data_type: TYPE_INT32 dims: -1 }  # one dimension
output [ { name: "B", data_type: TYPE_INT32, dims: [ -1 ] } ]
"""


@pytest.mark.parametrize("config", [CONFIG, json.dumps(CONFIG), TEXT], ids=["dict", "json", "text"])
@pytest.mark.parametrize("as_parameter", [False, True])
def test_configuration(start_server: Start, config: Any, as_parameter: bool) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    if as_parameter:
        model = server.load("identity_fp32", {"config": config})
    else:
        model = server.load("identity_fp32", config=config)
    assert [tensor["name"] for tensor in model.metadata()["inputs"]] == ["A"]
    server.unload("identity_fp32", wait_until_unloaded=True)
    model = server.load("identity_fp32")
    assert [tensor["name"] for tensor in model.metadata()["inputs"]] == ["INPUT0"]


@pytest.mark.parametrize("as_path", [False, True])
def test_files(start_server: Start, tmp_path: Path, as_path: bool) -> None:
    server = start_server(model_control_mode=EXPLICIT)
    content: Any = PLUS_ONE
    if as_path:
        content = tmp_path / "code.py"
        content.write_bytes(PLUS_ONE)
    model = server.load("plus_one", config={"backend": "python"}, files={"1/model.py": content})
    assert (model.metadata()["platform"], model.config()["backend"]) == ("python", "python")
    (response,) = model.infer(inputs={"X": FP32})
    assert response.outputs["Y"].to_numpy().tolist() == [2]
    del response
    server.unload("plus_one", unload_dependents=True, wait_until_unloaded=True, timeout=10)
    assert not model.ready()


def test_parameters_under_their_own_names(start_server: Start) -> None:
    server = start_server(model_control_mode=EXPLICIT)
    model = server.load(
        "plus_one", {"config": '{"backend": "python"}', "file:1/model.py": bytearray(PLUS_ONE)}
    )
    assert model.ready()


@pytest.mark.parametrize("name", [None, 1, b"identity_fp32"])
def test_names_of_other_types(start_server: Start, name: Any) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(TypeError, match=r"model_name: .* must be a str"):
        server.load(name)
    with pytest.raises(TypeError, match=r"model: .* must be a str"):
        server.unload(name)


def test_names_of_files_in_place_of_what_is_in_them(start_server: Start) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(InvalidArgumentError, match=r"'config\.pbtxt' is the name of a file"):
        server.load("identity_fp32", config="config.pbtxt")
    wrong: Any = "model.py"
    with pytest.raises(TypeError, match=r"files\['1/model.py'\]: 'model.py' .* pathlib.Path"):
        server.load("x", config={}, files={"1/model.py": wrong})


def test_given_twice(start_server: Start) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(InvalidArgumentError, match="config: given as a parameter as well"):
        server.load("identity_fp32", {"config": "{}"}, config={})


@pytest.mark.parametrize("value", [None, 1.5j, ["x"], 2**64])
def test_parameters_of_other_types(start_server: Start, value: Any) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(TypeError):
        server.load("identity_fp32", {"x": value})
    with pytest.raises(TypeError):
        server.load("identity_fp32", {"config": 5})


@pytest.mark.parametrize("value", [True, 1, 0.5, "x"])
def test_unknown_parameters_reach_the_core(start_server: Start, value: Any) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(TritonError, match="unknown"):
        server.load("identity_fp32", {"unknown": value})


FAILURES = {
    "failing/mismatched_types": (InvalidArgumentError, "mismatched_types.*must.*type"),
    "failing/raises_at_import": (InvalidArgumentError, "raises_at_import.*"),
    "failing/raises_in_initialize": (InvalidArgumentError, "raises_in_initialize.*"),
}


@pytest.mark.parametrize("model", FAILURES)
def test_a_model_that_fails_to_load(start_server: Start, model: str) -> None:
    name = model.split("/")[1]
    server = start_server(model, model_control_mode=EXPLICIT)
    error, message = FAILURES[model]
    with pytest.raises(error, match=f"(?s){message}"):
        server.load(name)
    failed = server.models()[name, 1]
    assert failed.state == "UNAVAILABLE"
    assert failed.reason


@pytest.mark.parametrize("model", FAILURES)
def test_a_server_with_a_model_that_fails(repository: Repository, model: str) -> None:
    message = FAILURES[model][1]
    path = repository(model, "native/identity_fp32")
    server = Server(model_repository=path)
    with pytest.raises((InternalError, InvalidArgumentError), match=f"(?s){message}"):
        server.start()
    shutil.rmtree(path / model.split("/")[1])
    with server.start():
        assert len(server.models()) == 1


CONFIG_FAILURES = [
    ('backendd: "identity"', "broken: failed to read text proto from .*config.pbtxt"),
    ('backend: "identity', "broken: failed to read text proto.*line 1"),
    ('backend: "no_such_backend"', "unable to find backend library for backend 'no_such_backend'"),
    ('name: "other" backend: "identity"', "broken.*other"),
    ("", "broken: Invalid model name: Could not determine backend"),
]


@pytest.mark.parametrize(("config", "message"), CONFIG_FAILURES)
@pytest.mark.parametrize("when", ["start", "load"])
def test_a_wrong_configuration(
    repository: Repository, config: str, message: str, when: str
) -> None:
    path = repository()
    (path / "broken" / "1").mkdir(parents=True)
    (path / "broken" / "config.pbtxt").write_text(config)
    if when == "start":
        with pytest.raises(TritonError, match=f"(?s){message}"):
            Server(model_repository=path).start()
    else:
        server = Server(model_repository=path, model_control_mode=EXPLICIT)
        with server, pytest.raises(TritonError, match=f"(?s){message}"):
            server.load("broken")


def test_an_unknown_model(start_server: Start) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(InternalError, match="no_such: model not found in any model repository"):
        server.load("no_such")
    with pytest.raises(InternalError, match=r"not found .* Did you mean 'identity_fp32'\?"):
        server.load("identity_fp23")
    with pytest.raises(NotFoundError, match=r"'identity_fp23'; did you mean 'identity_fp32'\?"):
        server.unload("identity_fp23")


IMPOSSIBLE = ["", "  ", "\t", "a/b", "/a", "..", ".", "../a", "a..b", "a\\b", "a\nb", "\x7f"]


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_a_name_that_no_model_can_have(
    start_server: Start, repository: Repository, tmp_path: Path, name: str
) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    model = server.model(name)
    other = tmp_path / "other"
    shutil.copytree(repository() / "identity_fp32", other / "identity_fp32")
    for call in (
        lambda: server.load(name),
        lambda: server.load(name, config={"backend": "identity"}),
        lambda: server.unload(name),
        lambda: server.unload(model, unload_dependents=True),
        lambda: server.register_model_repository(other, {"identity_fp32": name}),
        lambda: server.register_model_repository(other, {name: "identity_fp32"}),
        model.statistics,
    ):
        with pytest.raises(InvalidArgumentError, match="Invalid model name '"):
            call()


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_asking_a_model_with_an_impossible_name(start_server: Start, name: str) -> None:
    """It is unknown, as any other that is not there."""
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    model = server.model(name)
    for call in (
        lambda: model.infer(inputs={"INPUT0": FP32}),
        lambda: model(INPUT0=FP32),
        lambda: model.bind(inputs={"INPUT0": FP32}).run(),
    ):
        with pytest.raises(NotFoundError, match="Invalid model name '"):
            call()
    if name.strip():
        assert not model.ready()
        with pytest.raises(NotFoundError, match="unknown model"):
            model.metadata()
    else:
        for question in (model.ready, model.metadata, model.config, model.batch_properties):
            with pytest.raises(InvalidArgumentError, match="Invalid model name '"):
                question()


@pytest.mark.parametrize("name", ["./identity_fp32", "identity_fp32/", "../repository/x"])
def test_a_path_is_no_name(start_server: Start, name: str) -> None:
    """Older cores would load what is there under this name."""
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    with pytest.raises(InvalidArgumentError, match="Invalid model name"):
        server.load(name)
    assert [entry["name"] for entry in server.index()] == ["identity_fp32"]


def test_an_unknown_startup_model(repository: Repository) -> None:
    with pytest.raises(InternalError, match="no_such: model not found"):
        Server(
            model_repository=repository(), model_control_mode=EXPLICIT, startup_models=["no_such"]
        ).start()


def test_an_ensemble_without_its_model(repository: Repository) -> None:
    with pytest.raises(InternalError, match=r"ensemble: .*not available.*identity_fp32"):
        Server(model_repository=repository("native/ensemble")).start()


def test_dependents(start_server: Start) -> None:
    server = start_server("native/identity_fp32", "native/ensemble", model_control_mode=EXPLICIT)
    server.load("ensemble")
    assert server.model("identity_fp32").ready()
    server.unload("ensemble", unload_dependents=True, wait_until_unloaded=True)
    assert not server.model("identity_fp32").ready()


def test_load_within_a_timeout(start_server: Start) -> None:
    server = start_server("native/identity_slow_load", model_control_mode=EXPLICIT)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"identity_slow_load.*goes on in the background"):
        server.load("identity_slow_load", timeout=0.3)
    assert time.monotonic() - began < 2.9  # which is less than the model takes
    server.load("identity_slow_load", timeout=10)
    assert server.model("identity_slow_load").ready()


OUTER = """
platform: "ensemble"
input { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
ensemble_scheduling {
  step {
    model_name: "ensemble"
    model_version: -1
    input_map { key: "INPUT0" value: "INPUT0" }
    output_map { key: "OUTPUT0" value: "OUTPUT0" }
  }
}
"""


def test_unloading_a_step_of_an_ensemble(repository: Repository, start_server: Start) -> None:
    path = repository("native/identity_fp32", "native/identity_fixed", "native/ensemble")
    (path / "outer" / "1").mkdir(parents=True)
    (path / "outer" / "config.pbtxt").write_text(OUTER)
    server = start_server(model_repository=path, model_control_mode=EXPLICIT, startup_models=["*"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        server.unload("identity_fixed", wait_until_unloaded=True)
    with pytest.warns(RuntimeWarning, match="'identity_fp32' unloads .*: 'ensemble', 'outer';") as (
        told
    ):
        server.unload("identity_fp32", wait_until_unloaded=True)
    assert [warning.filename for warning in told] == [__file__]
    for name in ("ensemble", "outer"):
        assert not server.model(name).ready()
    server.load("outer")
    assert server.model("identity_fp32").ready()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("outer", "ensemble", "identity_fp32"):
            server.unload(name, wait_until_unloaded=True)


def test_waiting_for_an_unload_within_a_timeout(start_server: Start) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    model = server.load("identity_fp32")
    parameters = {"execute_delay_ms": 3000}
    responses = model.infer(inputs={"INPUT0": FP32}, parameters=parameters)
    time.sleep(0.1)
    with pytest.raises(UnavailableError, match="something may still use the model"):
        server.unload("identity_fp32", wait_until_unloaded=True, timeout=0.3)
    assert [response.error for response in responses] == [None]
    server.unload("identity_fp32", wait_until_unloaded=True, timeout=10)


def test_a_response_does_not_keep_a_model(start_server: Start) -> None:
    server = start_server("native/identity_fp32", model_control_mode=EXPLICIT)
    (response,) = server.load("identity_fp32").infer(inputs={"INPUT0": FP32})
    server.unload("identity_fp32", wait_until_unloaded=True, timeout=5)
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == [1]


def test_repositories(start_server: Start, repository: Repository, tmp_path: Path) -> None:
    path = repository("native/identity_fp32")
    server = start_server(model_repository=path, model_control_mode=EXPLICIT)
    server.unregister_model_repository(path)
    assert server.models() == {}
    server.register_model_repository(str(path), {"identity_fp32": "renamed"})
    assert set(server.models()) == {("renamed", -1)}
    assert server.load("renamed").ready()
    with pytest.raises(AlreadyExistsError):
        server.register_model_repository(path)
    with pytest.raises(InvalidArgumentError):
        server.register_model_repository(tmp_path / "missing")
    with pytest.raises(InvalidArgumentError):
        server.unregister_model_repository(tmp_path / "missing")
    for wrong in (1, None):
        with pytest.raises(TypeError, match="repository_path"):
            server.register_model_repository(wrong)  # type: ignore[arg-type] # on purpose


def test_a_repository_with_a_blank(
    start_server: Start, repository: Repository, tmp_path: Path
) -> None:
    path = repository("native/identity_fp32").rename(tmp_path / "a b")
    (tmp_path / "empty").mkdir()
    server = start_server(model_repository=tmp_path / "empty", model_control_mode=EXPLICIT)
    server.register_model_repository(path)
    assert server.load("identity_fp32").ready()
    server.unregister_model_repository(path)


def test_polling(start_server: Start, repository: Repository) -> None:
    path = repository("native/identity_fp32")
    server = start_server(model_repository=path, model_control_mode=ModelControlMode.POLL)
    assert set(server.models()) == {("identity_fp32", 1)}
    shutil.move(path / "identity_fp32", path / "moved")
    server.poll_model_repository(timeout=10)
    assert server.model("moved").ready()
    assert not server.model("identity_fp32").ready()


@pytest.fixture
def polled(start_server: Start) -> Server:
    """A server that loads what is in its repository when it is told to."""
    return start_server(
        "native/identity_fp32",
        "native/identity_eight",
        model_control_mode=ModelControlMode.POLL,
        exit_timeout=10,
    )


def change_configuration(model: Path, old: str, new: str) -> None:
    """Change a model's configuration, and when it was written, of which the core sees seconds."""
    config = model / "config.pbtxt"
    text, written = config.read_text(), config.stat().st_mtime
    assert old in text
    config.write_text(text.replace(old, new))
    os.utime(config, (written + 5, written + 5))


@pytest.mark.parametrize(
    ("old", "new", "error", "reason"),
    [
        ("[ -1 ]", "[ -1 } ]", InternalError, "failed to read text proto.*config.*line 2"),
        ('"identity"', '"no_such"', InvalidArgumentError, "unable to find backend.*no_such"),
        ("OUTPUT0", "OUTPUT1", InvalidArgumentError, "OUTPUT1"),
        ("TYPE_FP32", "TYPE_INT32", None, ""),
    ],
    ids=["text", "backend", "outputs", "right"],
)
def test_a_change_that_fails(
    polled: Server,
    repository: Repository,
    old: str,
    new: str,
    error: type[TritonError] | None,
    reason: str,
) -> None:
    """What was loaded stays, other changes are taken over, and it is told at each poll."""
    path = repository("native/square_int32")
    change_configuration(path / "identity_fp32", old, new)
    if error is None:
        polled.poll_model_repository()
        assert polled.model("identity_fp32").metadata()["inputs"][0]["datatype"] == "INT32"
        return
    for _ in range(2):
        with pytest.raises(error, match=f"(?s)could not take over 'identity_fp32':.*{reason}"):
            polled.poll_model_repository()
    assert polled.model("square_int32").ready()
    list(polled.model("identity_fp32").infer(inputs={"INPUT0": FP32}))

    change_configuration(path / "identity_fp32", new, old)
    polled.poll_model_repository()
    list(polled.model("identity_fp32").infer(inputs={"INPUT0": FP32}))
    polled.stop()


def test_new_models_that_fail(polled: Server, repository: Repository) -> None:
    path = repository("failing/mismatched_types", "native/square_int32")
    (path / "empty").mkdir()
    with pytest.raises(InternalError) as raised:
        polled.poll_model_repository()
    text = str(raised.value)
    assert "'empty'" in text.splitlines()[0]
    assert "'mismatched_types'" in text.splitlines()[0]
    assert "mismatched_types: Invalid argument: output 'OUTPUT0'" in text
    assert "identity" not in text.splitlines()[0]
    assert polled.model("square_int32").ready()
    for model in ("empty", "mismatched_types"):
        shutil.rmtree(path / model)
    polled.poll_model_repository()


def test_a_model_without_its_version(polled: Server, repository: Repository) -> None:
    shutil.rmtree(repository() / "identity_fp32" / "1")
    with pytest.raises(TritonError, match=r"could not take over 'identity_fp32':.*\n.*version"):
        polled.poll_model_repository()


def test_a_repository_that_is_gone(polled: Server, repository: Repository) -> None:
    path = repository()
    path.rename(path.with_name("moved"))
    with pytest.raises(InternalError, match=str(path)):
        polled.poll_model_repository()


def test_failures_of_another_server_are_not_those_of_a_poll(
    polled: Server, start_server: Start, tmp_path: Path
) -> None:
    shutil.copytree(FAILING / "mismatched_types", tmp_path / "other" / "mismatched_types")
    other = start_server(model_repository=tmp_path / "other", model_control_mode=EXPLICIT)
    ended = threading.Event()

    def fail() -> None:
        while not ended.is_set():
            with pytest.raises(InvalidArgumentError):
                other.load("mismatched_types")

    failing = threading.Thread(target=fail)
    failing.start()
    try:
        for _ in range(5):
            polled.poll_model_repository()
    finally:
        ended.set()
        failing.join()


def test_what_the_control_mode_does_not_allow(start_server: Start, repository: Repository) -> None:
    path = repository("native/identity_fp32")
    server = start_server(model_repository=path)
    with pytest.raises(UnavailableError, match="EXPLICIT can load"):
        server.load("identity_fp32")
    with pytest.raises(UnavailableError, match="EXPLICIT can unload"):
        server.unload("identity_fp32")
    with pytest.raises(UnsupportedError, match="EXPLICIT can register"):
        server.register_model_repository(path)
    with pytest.raises(UnsupportedError, match="EXPLICIT can unregister"):
        server.unregister_model_repository(path)
    with pytest.raises(UnavailableError, match="POLL can poll"):
        server.poll_model_repository()


def test_repositories_of_a_server_that_is_not_live(tmp_path: Path) -> None:
    with Server(
        model_repository=tmp_path / "missing", exit_on_error=False, model_control_mode=EXPLICIT
    ) as server:
        for call in (server.register_model_repository, server.unregister_model_repository):
            with pytest.raises(UnavailableError):
                call(tmp_path)


def test_models_load_at_the_same_time(start_server: Start) -> None:
    names = [
        f"native/{n}" for n in ("identity_fp32", "identity_fixed", "identity_eight", "ensemble")
    ]
    server = start_server(*names, model_control_mode=EXPLICIT)
    failed: list[BaseException] = []

    def churn(name: str) -> None:
        try:
            for _ in range(10):
                server.load(name)
                server.unload(name)
        except TritonError as error:
            failed.append(error)

    threads = [
        threading.Thread(target=churn, args=[n]) for n in ("identity_fixed", "identity_eight")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_statistics_of_a_loaded_model(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    model = server.model("identity_fp32")
    (before,) = model.statistics()["model_stats"]
    list(model.infer(inputs={"INPUT0": FP32}))
    (after,) = model.statistics()["model_stats"]
    assert (before["inference_count"], after["inference_count"]) == (0, 1)


def test_names_that_a_shell_would_take_apart(
    repository: Repository, start_server: Start, tmp_path: Path
) -> None:
    path = repository("models/test", "native/identity_fp32")
    (path / "identity_fp32").rename(path / "native; name")
    (path / "test").rename(path / "a b")
    with pytest.raises(InvalidArgumentError, match=r"model 'a b' in .* cannot run models"):
        Server(model_repository=path).start()
    (tmp_path / "empty").mkdir()
    server = start_server(model_repository=path, model_control_mode=EXPLICIT)
    with pytest.raises(InvalidArgumentError, match="cannot run models"):
        server.load("a b")
    assert server.load("native; name").ready()
    (path / "a b").rename(path / "test")
    server.unregister_model_repository(path)
    with pytest.raises(InvalidArgumentError, match="cannot run models"):
        server.register_model_repository(path, {"test": "$HOME"})
