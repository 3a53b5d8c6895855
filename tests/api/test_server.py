"""A server: start, stop, what it says of itself and its models, and wrong use."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    AlreadyExistsError,
    InternalError,
    InvalidArgumentError,
    Model,
    ModelControlMode,
    NotFoundError,
    Server,
    UnavailableError,
)

Start = Callable[..., Server]
Repository = Callable[..., Path]


def test_start_returns_the_server(repository: Repository) -> None:
    server = Server(model_repository=repository("native/identity_fp32"))
    assert server.start(wait_until_ready=True) is server
    server.stop()


def test_models_prints_as_documented(start_server: Start) -> None:
    server = start_server("models/test")
    assert (
        repr(server.models()) == "{('test', 1): {'name': 'test', 'version': 1, 'state': 'READY'}}"
    )
    assert repr(server.models()["test"]) == "{'name': 'test', 'version': -1, 'state': None}"
    assert repr(server.model("test")) == "{'name': 'test', 'version': -1, 'state': None}"


def test_hello_world(start_server: Start) -> None:
    model = start_server("models/test").model("test")
    (response,) = model.infer(inputs={"string_input": [["hello world!"]]})
    assert str(response.outputs["string_output"].to_string_array()) == "[['hello world!']]"


def test_information(start_server: Start) -> None:
    server = start_server("native/identity_fp32", server_id="demo")
    assert server.live()
    assert server.ready()
    metadata = server.metadata()
    assert metadata["name"] == "demo"
    assert metadata["version"].startswith("2.")
    assert "statistics" in metadata["extensions"]
    assert server.index() == [{"name": "identity_fp32", "version": "1", "state": "READY"}]
    assert server._ptr() != 0


def test_model_dictionary_knows_names_and_pairs(start_server: Start) -> None:
    models = start_server("native/identity_fp32").models()
    pair = ("identity_fp32", 1)
    assert list(models) == [pair]
    assert len(models) == 1
    assert models[pair] is models.get(pair)
    assert models[pair].state == "READY"
    assert "identity_fp32" in models
    assert pair in models
    assert models["identity_fp32"].version == -1
    assert models["identity_fp32"] is not models["identity_fp32"]
    by_name = models.get("identity_fp32")
    assert by_name is not None
    assert vars(by_name) == vars(models["identity_fp32"])


@pytest.mark.parametrize("key", ["other", ("identity_fp32", 7), 1])
def test_model_dictionary_does_not_know_others(start_server: Start, key: Any) -> None:
    models = start_server("native/identity_fp32").models()
    assert key not in models
    assert models.get(key) is None
    assert models.get(key, 5) == 5
    with pytest.raises(KeyError, match="Unknown Model"):
        models[key]


def test_models_without_those_that_are_not_ready(start_server: Start) -> None:
    server = start_server(
        "native/identity_fp32",
        "native/identity_fixed",
        model_control_mode=ModelControlMode.EXPLICIT,
        startup_models=["identity_fp32"],
    )
    assert set(server.models()) == {("identity_fp32", 1), ("identity_fixed", -1)}
    assert set(server.models(exclude_not_ready=True)) == {("identity_fp32", 1)}
    assert server.index(ready_only=True) == server.index()[-1:]
    model = server.models()["identity_fixed", -1]
    assert (model.state, model.reason, model.ready()) == (None, None, False)


def test_a_handle_is_not_checked(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    model = server.model("other", 3)
    assert (model.name, model.version, model.ready()) == ("other", 3, False)
    with pytest.raises(NotFoundError):
        model.metadata()
    assert Model(server, "identity_fp32").ready()


METHODS: list[Callable[[Server], object]] = [
    Server.metadata,
    Server.models,
    Server.index,
    Server.metrics,
    Server._ptr,
    Server.poll_model_repository,
    lambda server: server.model("x"),
    lambda server: server.load("x"),
    lambda server: server.unload("x"),
    lambda server: server.register_model_repository("x"),
    lambda server: server.unregister_model_repository("x"),
    lambda server: Model(server, "x"),
]


@pytest.mark.parametrize("call", [*METHODS, Server.stop, Server.live, Server.ready])
def test_use_before_start(call: Callable[[Server], object]) -> None:
    with pytest.raises(InvalidArgumentError, match="Server not started"):
        call(Server())


def test_use_after_stop(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    model = server.model("identity_fp32")
    server.stop()
    for call in METHODS:
        with pytest.raises(InvalidArgumentError, match="Server not started"):
            call(server)
    assert not server.live()
    assert not server.ready()
    assert not model.ready()
    server.stop()
    with pytest.raises((UnavailableError, NotFoundError)):
        model.infer(inputs={"INPUT0": np.ones(1, np.float32)})


def test_start_twice(start_server: Start) -> None:
    with pytest.raises(InvalidArgumentError, match="already started"):
        start_server("native/identity_fp32").start()


def test_repr(repository: Repository) -> None:
    path = repository("native/identity_fp32")
    server = Server(
        model_repository=path,
        server_id="mine",
        model_control_mode=ModelControlMode.EXPLICIT,
    )
    assert repr(server).startswith("<Server 'mine': new, model_control_mode=EXPLICIT, model_repo")
    with server:
        assert repr(server) == (
            f"<Server 'mine': running, model_control_mode=EXPLICIT, model_repository=['{path}']>"
        )
    assert repr(server).startswith("<Server 'mine': stopped,")
    assert "model_control_mode=7, model_repository=None" in repr(
        Server(model_repository=None, model_control_mode=7)  # type: ignore[arg-type] # mistakes
    )


def test_restart(repository: Repository) -> None:
    server = Server(model_repository=repository("native/identity_fp32"))
    for _ in range(3):
        server.start()
        (response,) = server.model("identity_fp32").infer(inputs={"INPUT0": np.ones(1, np.float32)})
        assert response.error is None
        server.stop()


def test_a_handle_does_not_come_back_with_a_restart(repository: Repository) -> None:
    server = Server(model_repository=repository("native/identity_fp32")).start()
    old = server.model("identity_fp32")
    server.stop()
    with server.start():
        with pytest.raises((UnavailableError, NotFoundError)):
            old.metadata()
        assert server.model("identity_fp32").ready()


def test_with_starts_unless_started(repository: Repository) -> None:
    path = repository("native/identity_fp32")
    with Server(model_repository=path) as server:
        assert server.live()
    assert not server.live()
    with Server(model_repository=path).start() as server:
        assert server.live()
    assert not server.live()


async def test_async_with(repository: Repository) -> None:
    async with Server(model_repository=repository("native/identity_fp32")) as server:
        responses = server.model("identity_fp32").async_infer(
            inputs={"INPUT0": np.ones(1, np.float32)}
        )
        assert [response.final async for response in responses] == [True]
    assert not server.live()


async def test_async_with_is_cancelled_while_it_starts(repository: Repository) -> None:
    server = Server(model_repository=repository("native/identity_slow_load"))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(server.__aenter__(), 0.2)
    for _ in range(300):
        await asyncio.sleep(0.1)
        if server._state is tritonserver._api._server._State.STOPPED:
            break
    assert not server.live()


def test_several_servers(repository: Repository, tmp_path: Path) -> None:
    path = repository("native/identity_fp32")
    first, second, third = (
        Server(model_repository=path, server_id=name).start() for name in ("a", "b", "c")
    )
    second.stop()
    assert first.metadata()["name"] == "a"
    first.stop()
    (response,) = third.model("identity_fp32").infer(inputs={"INPUT0": np.ones(1, np.float32)})
    assert response.error is None
    third.stop()


def test_a_missing_repository(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    server = Server(model_repository=missing)
    with pytest.raises(InternalError, match=f"model_repository: '{missing}' is not a directory"):
        server.start()
    missing.mkdir()
    with server.start():
        assert server.models() == {}


def test_a_missing_repository_without_exit_on_error(tmp_path: Path) -> None:
    with Server(model_repository=tmp_path / "missing", exit_on_error=False) as server:
        assert not server.live()
        assert not server.ready()


def test_a_log_file_that_cannot_be_opened(repository: Repository, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "server.log"
    with pytest.raises(InternalError, match=f"log_file: '{file}': No such file"):
        Server(model_repository=repository("native/identity_fp32"), log_file=file).start()


def test_a_repository_with_blanks_in_its_path(tmp_path: Path, repository: Repository) -> None:
    path = repository("models/test").rename(tmp_path / "a b; $c")
    with Server(model_repository=path) as server:
        (response,) = server.model("test").infer(inputs={"string_input": [["x"]]})
        assert response.outputs["string_output"].to_string_array().tolist() == [["x"]]


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_wrong_timeout(timeout: float) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout"):
        Server(model_repository="/models").start(timeout=timeout)


@pytest.mark.parametrize("seconds", ["5", None, [5]])
def test_seconds_of_a_wrong_type(seconds: Any) -> None:
    with pytest.raises(TypeError, match=r"polling_interval: .* must be a float"):
        Server(model_repository="/models").start(polling_interval=seconds)
    if seconds is not None:
        with pytest.raises(TypeError, match=r"timeout: .* must be a float"):
            Server(model_repository="/models").start(timeout=seconds)


def test_a_model_in_place_of_its_repository(repository: Repository) -> None:
    model = repository("native/identity_fp32") / "identity_fp32"
    with pytest.raises(InternalError, match=f"'{model}' looks like a model; a repository is"):
        Server(model_repository=model).start()


def test_start_within_a_timeout(repository: Repository) -> None:
    server = Server(model_repository=repository("native/identity_slow_load"))
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="loading: identity_slow_load"):
        server.start(timeout=1)
    assert time.monotonic() - began < 2.9  # which is less than the model takes
    with pytest.raises(InvalidArgumentError, match="not started"):
        server.models()


def test_waiting_for_ready_within_a_timeout(repository: Repository) -> None:
    server = Server(
        model_repository=repository("native/identity_fp32", "failing/mismatched_types"),
        exit_on_error=False,
    )
    with pytest.raises(UnavailableError, match=r"mismatched_types: UNAVAILABLE .*"):
        server.start(wait_until_ready=True, timeout=3)
    with pytest.raises(InvalidArgumentError, match="not started"):
        server.models()
    with server.start() as started:
        assert started.live()
        assert not started.ready()


CACHE = {"local": {"size": 1 << 20}}


def test_second_server_with_a_cache(repository: Repository, start_server: Start) -> None:
    models = repository("native/identity_cached")
    first = start_server(model_repository=models, cache_config=CACHE, server_id="the-first")
    second = Server(model_repository=models, cache_config=CACHE)
    with pytest.raises(AlreadyExistsError, match="cache_config: server 'the-first'"):
        second.start()
    assert first.model("identity_cached").ready()
    with Server(model_repository=models) as without:
        assert without.model("identity_cached").ready()
    first.stop()
    with second:
        assert second.model("identity_cached").ready()


def test_restart_with_a_cache_while_responses_are_kept(repository: Repository) -> None:
    server = Server(model_repository=repository("native/identity_cached"), cache_config=CACHE)
    kept = []
    for number in range(3):
        with server:
            inputs = {"INPUT0": np.array([number], np.float32)}
            kept += list(server.model("identity_cached").infer(inputs=inputs))
    numbers = [response.outputs["OUTPUT0"].to_numpy().item() for response in kept]
    assert numbers == [0, 1, 2]
    for response in kept:
        assert not response.model.ready()
        with pytest.raises(UnavailableError):
            response.model.metadata()
