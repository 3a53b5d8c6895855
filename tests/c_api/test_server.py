"""A server: what it says of itself and its models, and its models' comings and goings."""

import json
import pathlib
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

MODELS = pathlib.Path("tests/models").absolute()
READY = int(tb.TRITONSERVER_ModelIndexFlag.READY)
Server = tb.TRITONSERVER_Server
MakeOptions = Callable[..., tb.TRITONSERVER_ServerOptions]


def content(message: tb.TRITONSERVER_Message) -> Any:
    return json.loads(message.serialize_to_json())


def index(server: Server, flags: int = 0) -> dict[str, dict[str, str]]:
    return {model["name"]: model for model in content(server.model_index(flags))}


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def start(make_options: MakeOptions) -> Iterator[Callable[..., Server]]:
    """Start a server of the test's own, with options set by a function."""
    servers = []

    def start(
        *models: str,
        change: Callable[[tb.TRITONSERVER_ServerOptions], None] = lambda _: None,
        **kwargs: Any,
    ) -> Server:
        options = make_options(*models, **kwargs)
        change(options)
        servers.append(tb.TRITONSERVER_Server(options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_metadata(server: Server) -> None:
    metadata = content(server.metadata())
    assert metadata["name"] == "triton"
    assert "statistics" in metadata["extensions"]
    assert server.is_live()
    assert server.is_ready()


def test_api_version() -> None:
    major, minor = tb.api_version()
    assert major == 1
    assert minor >= 27


def test_model(server: Server) -> None:
    name = "classifier"
    with pytest.raises(tb.NotFoundError):
        server.model_metadata(name, -1)
    assert not server.model_is_ready(name, -1)
    server.load_model(name)
    assert server.model_is_ready(name, -1)
    assert server.model_is_ready(name, 1)
    assert not server.model_is_ready(name, 2)

    metadata = content(server.model_metadata(name, 1))
    assert metadata["versions"] == ["1"]
    assert metadata["inputs"] == [{"name": "INPUT0", "datatype": "FP32", "shape": [3]}]
    config = content(server.model_config(name, -1, 1))
    assert (config["name"], config["backend"]) == (name, "identity")
    with pytest.raises(tb.TritonError):
        server.model_config(name, -1, 2)
    [statistics] = content(server.model_statistics(name, -1))["model_stats"]
    assert (statistics["name"], statistics["inference_count"]) == (name, 0)
    everything = content(server.model_statistics("", -1))["model_stats"]
    assert name in [model["name"] for model in everything]

    server.unload_model(name)
    wait_until(lambda: index(server)[name]["state"] == "UNAVAILABLE")
    assert index(server)[name]["reason"] == "unloaded"


@pytest.mark.parametrize("version", [-2, 2, 2**31])
def test_version_that_does_not_exist(server: Server, version: int) -> None:
    server.load_model("identity_fp32")
    with pytest.raises(tb.NotFoundError):
        server.model_metadata("identity_fp32", version)


def test_properties(server: Server) -> None:
    batch, transaction = tb.TRITONSERVER_ModelBatchFlag, tb.TRITONSERVER_ModelTxnPropertyFlag
    expected = {
        "identity_fp32": (batch.UNKNOWN, transaction.ONE_TO_ONE),
        "identity_batching": (batch.FIRST_DIM, transaction.ONE_TO_ONE),
        "square_int32": (batch.UNKNOWN, transaction.DECOUPLED),
    }
    for name, (batching, transactions) in expected.items():
        server.load_model(name)
        assert server.model_batch_properties(name, -1) == (int(batching), 0)
        assert server.model_transaction_properties(name, -1) == (int(transactions), 0)


def test_index(server: Server) -> None:
    server.load_model("identity_fp32")
    everything = index(server)
    assert "version" not in everything["identity_slow_load"]
    assert everything["identity_fp32"]["state"] == "READY"
    ready = index(server, READY)
    assert "identity_fp32" in ready
    assert "identity_slow_load" not in ready


def test_models_of_an_ensemble(start: Callable[..., Server]) -> None:
    server = start()
    server.load_model("ensemble")
    assert {"ensemble", "identity_fp32"} <= set(index(server, READY))
    server.unload_model("ensemble")
    wait_until(lambda: not server.model_is_ready("ensemble", -1))
    assert server.model_is_ready("identity_fp32", -1)
    server.load_model("ensemble")
    server.unload_model_and_dependents("ensemble")
    wait_until(lambda: index(server, READY) == {})


def test_load_that_fails(server: Server) -> None:
    with pytest.raises(tb.InternalError, match="no_such_model"):
        server.load_model("no_such_model")
    server.unload_model("no_such_model")


@pytest.mark.parametrize("name", ["", " ", "\t", "a/b", "..", "./identity_fp32", "a\\b", "a\nb"])
def test_name_that_no_model_can_have(
    server: tb.TRITONSERVER_Server, make_options: MakeOptions, name: str
) -> None:
    for call in (
        lambda: server.load_model(name),
        lambda: server.load_model_with_parameters(name, []),
        lambda: server.unload_model(name),
        lambda: server.unload_model_and_dependents(name),
        lambda: make_options(name),
    ):
        with pytest.raises(tb.InvalidArgumentError, match="Invalid model name '"):
            call()


@pytest.mark.parametrize("name", ["", " "])
def test_question_about_a_model_without_a_name(server: tb.TRITONSERVER_Server, name: str) -> None:
    for call in (
        lambda: server.model_is_ready(name, -1),
        lambda: server.model_metadata(name, -1),
        lambda: server.model_config(name, -1, 1),
        lambda: server.model_batch_properties(name, -1),
        lambda: server.model_transaction_properties(name, -1),
        lambda: tb.TRITONSERVER_InferenceRequest(server, name, -1),
    ):
        with pytest.raises(tb.InvalidArgumentError, match="Invalid model name '"):
            call()


def test_error_of_a_backend_says_why(start: Callable[..., Server]) -> None:
    server = start(repository=MODELS / "failing")
    with pytest.raises(tb.InvalidArgumentError, match="must be of its type, TYPE_FP32"):
        server.load_model("mismatched_types")


def test_load_with_configuration(server: Server) -> None:
    config = {
        "backend": "identity",
        "max_batch_size": 7,
        "input": [{"name": "I", "data_type": "TYPE_INT32", "dims": [3]}],
        "output": [{"name": "O", "data_type": "TYPE_INT32", "dims": [3]}],
    }
    parameter = tb.TRITONSERVER_Parameter("config", json.dumps(config))
    server.load_model_with_parameters("identity_eight", [parameter])
    metadata = content(server.model_metadata("identity_eight", -1))
    assert metadata["inputs"] == [{"name": "I", "datatype": "INT32", "shape": [-1, 3]}]
    server.unload_model("identity_eight")
    server.load_model("identity_eight")
    assert len(content(server.model_metadata("identity_eight", -1))["inputs"]) == 8
    server.load_model_with_parameters("identity_eight", [])
    server.unload_model("identity_eight")


def test_load_with_files(server: Server) -> None:
    config = {
        "backend": "identity",
        "input": [{"name": "I", "data_type": "TYPE_INT32", "dims": [1]}],
        "output": [{"name": "O", "data_type": "TYPE_INT32", "dims": [1], "label_filename": "l"}],
    }
    parameters = [
        tb.TRITONSERVER_Parameter("config", json.dumps(config)),
        tb.TRITONSERVER_Parameter("file:3/weights", b"\0\1\2"),
        tb.TRITONSERVER_Parameter("file:l", b"zero\none"),
    ]
    server.load_model_with_parameters("from_memory", parameters)
    assert server.model_is_ready("from_memory", 3)
    server.unload_model("from_memory")


@pytest.mark.parametrize(
    ("name", "value"),
    [("unknown", "x"), ("config", b"{}"), ("config", "no JSON"), ("file:1/x", b"no config")],
)
def test_load_parameters_that_are_refused(server: Server, name: str, value: str | bytes) -> None:
    with pytest.raises(tb.TritonError):
        server.load_model_with_parameters("classifier", [tb.TRITONSERVER_Parameter(name, value)])


def test_repositories(server: Server, tmp_path: pathlib.Path) -> None:
    (tmp_path / "directory" / "1").mkdir(parents=True)
    config = (MODELS / "native" / "identity_fp32" / "config.pbtxt").read_text()
    (tmp_path / "directory" / "config.pbtxt").write_text(config)
    server.register_model_repository(
        str(tmp_path), [tb.TRITONSERVER_Parameter("directory", "mapped")]
    )
    with pytest.raises(tb.AlreadyExistsError):
        server.register_model_repository(str(tmp_path), [])
    assert "mapped" in index(server)
    server.load_model("mapped")
    server.unload_model("mapped")
    server.unregister_model_repository(str(tmp_path))
    assert "mapped" not in index(server, READY)
    with pytest.raises(tb.InvalidArgumentError, match="not found"):
        server.unregister_model_repository(str(tmp_path))


def test_poll(start: Callable[..., Server], tmp_path: pathlib.Path) -> None:
    server = start(
        repository=tmp_path,
        change=lambda options: options.set_model_control_mode(
            tb.TRITONSERVER_ModelControlMode.POLL
        ),
    )
    assert index(server) == {}
    (tmp_path / "new" / "1").mkdir(parents=True)
    config = (MODELS / "native" / "identity_fp32" / "config.pbtxt").read_text()
    (tmp_path / "new" / "config.pbtxt").write_text(config)
    server.poll_model_repository()
    assert server.model_is_ready("new", -1)
    with pytest.raises(tb.UnavailableError):
        server.load_model("new")
    with pytest.raises(tb.UnsupportedError):
        server.register_model_repository("/tmp", [])


def test_poll_of_explicit_models(server: Server) -> None:
    with pytest.raises(tb.UnavailableError):
        server.poll_model_repository()


def test_server_that_is_not_live(start: Callable[..., Server], tmp_path: pathlib.Path) -> None:
    server = start(
        repository=tmp_path / "missing", change=lambda options: options.set_exit_on_error(False)
    )
    assert not server.is_live()
    for change in (
        lambda: server.register_model_repository(str(tmp_path), []),
        lambda: server.unregister_model_repository(str(tmp_path)),
    ):
        with pytest.raises(tb.UnavailableError, match="not live"):
            change()


# A server that cannot be stopped is never deleted, and holds what servers share: its tests have
# processes of their own.
PROLOGUE = """
import time
options = tb.TRITONSERVER_ServerOptions()
options.set_log_info(False)
options.set_gpu_metrics(False)
options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
options.set_exit_timeout(1)
def refused(call):
    try:
        call()
    except tb.InternalError as error:
        return str(error)
    raise AssertionError("no error")
"""


def test_version_directory_out_of_range(
    run_program: Callable[..., Any], tmp_path: pathlib.Path
) -> None:
    (tmp_path / "m" / "99999999999999999999").mkdir(parents=True)
    config = (MODELS / "native" / "identity_fp32" / "config.pbtxt").read_text()
    (tmp_path / "m" / "config.pbtxt").write_text(config)
    result = run_program(f"""{PROLOGUE}
options.set_model_repository_path({str(tmp_path)!r})
server = tb.TRITONSERVER_Server(options)
print(refused(lambda: server.load_model("m")))
# The core lets a C++ exception escape and then waits for the call that it ended.
assert "timeout" in refused(server.stop)
""")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("TRITONSERVER_ServerLoadModel failed: stol")


def test_stop(start: Callable[..., Server]) -> None:
    server = start("identity_fp32")
    server.stop()
    server.stop()
    for call in (server.is_live, server.is_ready, lambda: server.load_model("identity_fp32")):
        with pytest.raises(tb.UnavailableError):
            call()
    assert content(server.metadata())["name"] == "triton"
    assert server._ptr() != 0


def test_stop_on_many_threads(start: Callable[..., Server]) -> None:
    server = start("identity_fp32")
    threads = [threading.Thread(target=server.stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    server.stop()
    for thread in threads:
        thread.join()
    with pytest.raises(tb.UnavailableError):
        server.is_live()


def test_dropping_a_server_stops_it(make_options: MakeOptions, tmp_path: pathlib.Path) -> None:
    options = make_options("identity_fp32")
    options.set_log_file(str(tmp_path / "log"))
    options.set_log_info(True)
    server = tb.TRITONSERVER_Server(options)
    gone = weakref.ref(server)
    del server
    options.set_log_info(False)
    options.set_log_file("")
    assert gone() is None
    assert "successfully unloaded 'identity_fp32'" in (tmp_path / "log").read_text()


def test_exit_timeout(run_program: Callable[..., Any]) -> None:
    result = run_program(f"""{PROLOGUE}
import concurrent.futures
import numpy as np
options.set_model_repository_path({str(MODELS / "native")!r})
options.set_startup_model("identity_fp32")
server = tb.TRITONSERVER_Server(options)
request = tb.TRITONSERVER_InferenceRequest(server, "identity_fp32", -1)
x = np.zeros(1, np.float32)
request.add_input("INPUT0", tb.TRITONSERVER_DataType.FP32, [1])
request.append_input_data("INPUT0", x.ctypes.data, 4, tb.TRITONSERVER_MemoryType.CPU, 0)
request.set_int_parameter("execute_delay_ms", 4000)
server.infer_async(request)
server.set_exit_timeout(1)
begin = time.monotonic()
assert "timeout" in refused(server.stop)
assert 1 <= time.monotonic() - begin < 3
# It does not work later either, though the core would say so.
assert "timeout" in refused(server.stop)
future = concurrent.futures.Future()
request.get_next_response(future)
future.result(timeout=10)
time.sleep(0.2)  # the process must not end while the model runs
""")
    assert result.returncode == 0, result.stderr


def test_stop_that_is_ended_early(start: Callable[..., Server]) -> None:
    server = start("identity_fp32")
    server.set_exit_timeout(24 * 60 * 60)
    pin = tb._ModelPin(server, "identity_fp32", -1)
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    stopping.join(0.3)
    assert stopping.is_alive()
    server._end_stop(nothing_is_alive=True)
    stopping.join(60)
    assert not stopping.is_alive()
    del pin


@pytest.mark.parametrize("seconds", [2**31, 2**32 - 1])
def test_exit_timeout_that_the_core_takes_for_none(
    start: Callable[..., Server], seconds: int
) -> None:
    server = start("identity_fp32")
    server.set_exit_timeout(seconds)
    server.stop()


def test_other_threads_run_while_a_model_loads(server: Server) -> None:
    ticks = 0
    loading = threading.Thread(target=server.load_model, args=["identity_slow_load"])
    loading.start()
    while loading.is_alive():
        ticks += 1
        time.sleep(0.01)
    assert ticks > 50
    server.unload_model("identity_slow_load")


def test_two_servers(start: Callable[..., Server]) -> None:
    first, second = start("identity_fp32"), start("classifier")
    assert first._ptr() != second._ptr()
    first.stop()
    assert second.model_is_ready("classifier", -1)
    second.load_model("identity_fp32")
