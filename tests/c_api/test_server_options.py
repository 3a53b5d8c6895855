"""Every server option, by what the server does with it."""

import json
import os
import pathlib
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

MODELS = pathlib.Path("tests/models").absolute()
Options = tb.TRITONSERVER_ServerOptions
MakeOptions = Callable[..., Options]
IDENTITY = """
backend: "identity"
input { name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] }
"""


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Make a repository from configurations by model name."""

    def repository(**configurations: str) -> pathlib.Path:
        path = tmp_path / "repository"
        for name, configuration in configurations.items():
            (path / name / "1").mkdir(parents=True)
            (path / name / "config.pbtxt").write_text(configuration)
        return path

    return repository


@pytest.fixture
def log_of(tmp_path: pathlib.Path) -> Iterator[Callable[[Options], str]]:
    """Start a server, stop it, and return what it logged."""
    log = tmp_path / "log"

    def log_of(options: Options) -> str:
        options.set_log_file(str(log))
        options.set_log_info(True)
        tb.TRITONSERVER_Server(options).stop()
        return log.read_text()

    yield log_of
    options = tb.TRITONSERVER_ServerOptions()
    options.set_log_file("")
    options.set_log_info(False)


def table(log: str) -> dict[str, str]:
    """Return the table of options that a server logs when it has started."""
    rows = log.partition("| Option ")[2].splitlines()
    return dict(
        tuple(cell.strip() for cell in row.split("|")[1:3]) for row in rows if row.startswith("| ")
    )


@pytest.mark.parametrize(
    ("method", "arguments", "row", "value"),
    [
        ("set_server_id", ["the-id"], "server_id", "the-id"),
        ("set_strict_model_config", [False], "strict_model_config", "0"),
        ("set_strict_model_config", [True], "strict_model_config", "1"),
        ("set_model_config_name", ["fast"], "model_config_name", "fast"),
        (
            "set_rate_limiter_mode",
            [tb.TRITONSERVER_RateLimitMode.EXEC_COUNT],
            "rate_limit",
            "EXEC_COUNT",
        ),
        ("set_pinned_memory_pool_byte_size", [2**20], "pinned_memory_pool_byte_size", "1048576"),
        ("set_pinned_memory_pool_byte_size", [2**40], "pinned_memory_pool_byte_size", str(2**40)),
        (
            "set_cuda_memory_pool_byte_size",
            [0, 2**20],
            "cuda_memory_pool_byte_size{0}",
            "1048576",
        ),
        ("set_min_supported_compute_capability", [7.5], "min_supported_compute_capability", "7.5"),
        ("set_strict_readiness", [False], "strict_readiness", "0"),
        ("set_exit_timeout", [7], "exit_timeout", "7"),
        ("set_exit_timeout", [2**32 - 1], "exit_timeout", str(2**31 - 1)),
        (
            "set_model_control_mode",
            [tb.TRITONSERVER_ModelControlMode.EXPLICIT],
            "model_control_mode",
            "MODE_EXPLICIT",
        ),
        ("set_startup_model", ["identity_fp32"], "startup_models_0", "identity_fp32"),
        ("set_model_repository_path", ["/tmp"], "model_repository_path[1]", "/tmp"),
        # No GPU is needed to set them, and nothing shows them without one.
        ("set_cuda_virtual_address_size", [0, 2**20], "cache_enabled", "0"),
        ("set_enable_peer_access", [False], "cache_enabled", "0"),
        ("set_gpu_metrics", [False], "cache_enabled", "0"),
        (
            "set_model_load_device_limit",
            [tb.TRITONSERVER_InstanceGroupKind.GPU, 0, 0.5],
            "cache_enabled",
            "0",
        ),
    ],
)
def test_option_is_in_the_table(
    make_options: MakeOptions,
    log_of: Callable[[Options], str],
    method: str,
    arguments: list[Any],
    row: str,
    value: str,
) -> None:
    options = make_options()
    getattr(options, method)(*arguments)
    [shown] = [shown for name, shown in table(log_of(options)).items() if name == row]
    if method == "set_model_repository_path":  # a set, in its own order
        assert shown in (value, str(MODELS / "native"))
    else:
        assert shown == value


def test_defaults(log_of: Callable[[Options], str], tmp_path: pathlib.Path) -> None:
    options = tb.TRITONSERVER_ServerOptions()
    options.set_model_repository_path(str(tmp_path))
    options.set_gpu_metrics(False)
    shown = table(log_of(options))
    assert shown["server_id"] == "triton"
    assert shown["model_control_mode"] == "MODE_POLL"
    assert shown["strict_model_config"] == "1"
    assert shown["strict_readiness"] == "1"
    assert shown["exit_timeout"] == "30"
    assert shown["rate_limit"] == "OFF"
    assert shown["pinned_memory_pool_byte_size"] == str(256 * 2**20)
    assert shown["cache_enabled"] == "0"


def test_rate_limiter_resource(make_options: MakeOptions, log_of: Callable[[Options], str]) -> None:
    options = make_options()
    options.set_rate_limiter_mode(tb.TRITONSERVER_RateLimitMode.EXEC_COUNT)
    options.add_rate_limiter_resource("R1", 5, 0)
    options.add_rate_limiter_resource("R1", 3, 0)
    options.add_rate_limiter_resource("R2", 2, -1)
    rows = "".join(value for name, value in table(log_of(options)).items() if "resource" in name)
    assert '{"name":"R1", "count":3 "device":0}' in rows
    assert '"name":"R2", "count":2' in rows


def test_rate_limiter_resource_is_used(
    make_options: MakeOptions, repository: Callable[..., pathlib.Path]
) -> None:
    needs_two = "instance_group { rate_limiter { resources { name: 'R' count: 2 } } }"
    options = make_options("m", repository=repository(m=IDENTITY + needs_two))
    options.set_rate_limiter_mode(tb.TRITONSERVER_RateLimitMode.EXEC_COUNT)
    options.add_rate_limiter_resource("R", 1, 0)
    with pytest.raises(tb.TritonError):
        tb.TRITONSERVER_Server(options)


def test_exit_on_error(make_options: MakeOptions) -> None:
    options = make_options("not_a_model")
    with pytest.raises(tb.InternalError, match="failed to load"):
        tb.TRITONSERVER_Server(options)
    options.set_exit_on_error(False)
    server = tb.TRITONSERVER_Server(options)
    assert server.is_live()
    server.stop()


@pytest.mark.parametrize("strict", [True, False])
def test_strict_readiness(make_options: MakeOptions, strict: bool) -> None:
    options = make_options("mismatched_types", repository=MODELS / "failing")
    options.set_exit_on_error(False)
    options.set_strict_readiness(strict)
    server = tb.TRITONSERVER_Server(options)
    assert server.is_ready() is not strict
    server.stop()


def test_backend_directory(make_options: MakeOptions, tmp_path: pathlib.Path) -> None:
    options = make_options("identity_fp32")
    options.set_backend_directory(str(tmp_path))
    with pytest.raises(tb.InvalidArgumentError, match="unable to find backend library"):
        tb.TRITONSERVER_Server(options)


def test_model_load_device_limit_of_other_kinds() -> None:
    options = tb.TRITONSERVER_ServerOptions()
    for kind in ("CPU", "AUTO", "MODEL"):
        with pytest.raises(tb.TritonError, match="not supported"):
            options.set_model_load_device_limit(tb.TRITONSERVER_InstanceGroupKind[kind], 0, 0.5)


def test_host_policy(make_options: MakeOptions) -> None:
    options = make_options("identity_fp32")
    core = min(os.sched_getaffinity(0))
    options.set_host_policy("cpu", "cpu-cores", f"{core}-{core}")

    def threads() -> dict[str, set[int]]:
        return {
            thread: os.sched_getaffinity(int(thread)) for thread in os.listdir("/proc/self/task")
        }

    before = threads()
    server = tb.TRITONSERVER_Server(options)
    assert {core} in [cores for thread, cores in threads().items() if thread not in before]
    server.stop()


def test_unknown_host_policy_setting() -> None:
    with pytest.raises(tb.TritonError, match="numa-nodes"):
        tb.TRITONSERVER_ServerOptions().set_host_policy("cpu", "numa-nodes", "0")


@pytest.mark.parametrize("name", ["", "fast", "missing"])
def test_model_config_name(
    make_options: MakeOptions, repository: Callable[..., pathlib.Path], name: str
) -> None:
    models = repository(m=IDENTITY)
    (models / "m" / "configs").mkdir()
    (models / "m" / "configs" / "fast.pbtxt").write_text(IDENTITY + "max_batch_size: 7")
    options = make_options("m", repository=models)
    options.set_model_config_name(name)
    server = tb.TRITONSERVER_Server(options)
    config = json.loads(server.model_config("m", -1, 1).serialize_to_json())
    assert config["max_batch_size"] == (7 if name == "fast" else 0)
    server.stop()


@pytest.mark.parametrize(("count", "at_least", "less_than"), [(1, 4, 60), (2, 2, 4)])
def test_model_load_thread_count(
    make_options: MakeOptions,
    repository: Callable[..., pathlib.Path],
    count: int,
    at_least: float,
    less_than: float,
) -> None:
    slow = 'parameters { key: "creation_delay_sec" value { string_value: "2" } }'
    models = repository(m1=IDENTITY + slow, m2=IDENTITY + slow)
    options = make_options("m1", "m2", repository=models)
    options.set_model_load_thread_count(count)
    start = time.monotonic()
    server = tb.TRITONSERVER_Server(options)
    assert at_least <= time.monotonic() - start < less_than
    server.stop()


@pytest.mark.parametrize("retries", [0, 2])
def test_model_load_retry_count(
    make_options: MakeOptions, log_of: Callable[[Options], str], retries: int
) -> None:
    options = make_options("mismatched_types", repository=MODELS / "failing")
    options.set_exit_on_error(False)
    options.set_log_error(True)
    options.set_model_load_retry_count(retries)
    log = log_of(options)
    options.set_log_error(False)
    assert log.count("failed to load 'mismatched_types' version 1") == 1 + retries


def test_model_namespacing(make_options: MakeOptions, tmp_path: pathlib.Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "twin" / "1").mkdir(parents=True)
        (tmp_path / name / "twin" / "config.pbtxt").write_text(IDENTITY)
    for namespacing in (False, True):
        options = make_options("*", repository=tmp_path / "a")
        options.set_model_repository_path(str(tmp_path / "b"))
        options.set_exit_on_error(False)
        options.set_model_namespacing(namespacing)
        server = tb.TRITONSERVER_Server(options)
        index = json.loads(server.model_index(0).serialize_to_json())
        ready = [model for model in index if model.get("state") == "READY"]
        assert len(ready) == (2 if namespacing else 0)
        server.stop()


def test_repo_agent_directory(
    make_options: MakeOptions,
    repository: Callable[..., pathlib.Path],
    log_of: Callable[[Options], str],
    tmp_path: pathlib.Path,
) -> None:
    agent = "model_repository_agents { agents { name: 'checksum' } }"
    options = make_options("m", repository=repository(m=IDENTITY + agent))
    options.set_exit_on_error(False)
    options.set_log_error(True)
    options.set_repo_agent_directory(str(tmp_path / "agents"))
    log = log_of(options)
    options.set_log_error(False)
    assert str(tmp_path / "agents") in log


PROLOGUE = f"""
import time
options = tb.TRITONSERVER_ServerOptions()
options.set_log_info(False)
options.set_log_warn(False)
options.set_gpu_metrics(False)
options.set_model_repository_path({str(MODELS / "native")!r})
options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
options.set_startup_model("identity_fp32")
def metrics():
    return server.metrics().formatted(tb.TRITONSERVER_MetricFormat.PROMETHEUS)
"""

# What the whole process keeps once it was set.
OF_THE_PROCESS = {
    "set_cache_config": """
        options.set_cache_config("local", '{"size": 65536}')
        options.set_log_info(True)
        server = tb.TRITONSERVER_Server(options)  # logs to stderr
        """,
    "set_response_cache_byte_size": """
        options.set_response_cache_byte_size(65536)
        options.set_log_info(True)
        server = tb.TRITONSERVER_Server(options)  # logs to stderr
        """,
    "set_backend_config": """
        options.set_backend_config("identity", "colour", "red")
        options.set_backend_config("", "default-max-batch-size", "3")
        options.set_log_info(True)
        server = tb.TRITONSERVER_Server(options)  # logs to stderr
        """,
    "set_cache_directory": """
        options.set_cache_directory("/no/such/directory")
        options.set_cache_config("local", '{"size": 65536}')
        try:
            tb.TRITONSERVER_Server(options)
        except tb.TritonError as error:
            assert "/no/such/directory" in str(error)
        else:
            raise AssertionError("it found the cache")
        """,
    "set_metrics": """
        options.set_metrics(False)
        server = tb.TRITONSERVER_Server(options)
        assert "nv_pinned_memory_pool_total_bytes" not in metrics()
        options.set_metrics(True)
        server = tb.TRITONSERVER_Server(options)
        assert "nv_pinned_memory_pool_total_bytes" in metrics()
        """,
    "set_cpu_metrics": """
        options.set_cpu_metrics(False)
        server = tb.TRITONSERVER_Server(options)
        assert "nv_inference_request_success" in metrics()
        assert "nv_cpu_utilization" not in metrics()
        options.set_cpu_metrics(True)
        server = tb.TRITONSERVER_Server(options)
        assert "nv_cpu_utilization" in metrics()
        """,
    "set_metrics_interval": """
        options.set_metrics_interval(20)
        server = tb.TRITONSERVER_Server(options)
        # The default interval is two seconds.
        deadline = time.monotonic() + 1.5
        while "nv_cpu_utilization 0" in metrics().splitlines():
            assert time.monotonic() < deadline
        """,
    "set_metrics_config": """
        options.set_metrics_config("", "summary_latencies", "true")
        server = tb.TRITONSERVER_Server(options)
        assert "nv_inference_request_summary_us" in metrics()
        """,
    "set_buffer_manager_thread_count": """
        options.set_buffer_manager_thread_count(2)
        server = tb.TRITONSERVER_Server(options)
        try:
            tb.TRITONSERVER_Server(options)
        except tb.AlreadyExistsError:
            pass
        else:
            raise AssertionError("it is possible more than once in a process")
        """,
}


@pytest.mark.parametrize("method", OF_THE_PROCESS)
def test_option_of_the_process(
    run_program: Callable[..., subprocess.CompletedProcess[str]], method: str
) -> None:
    result = run_program(PROLOGUE + textwrap.dedent(OF_THE_PROCESS[method]))
    assert result.returncode == 0, result.stderr
    if method in ("set_cache_config", "set_response_cache_byte_size"):
        assert table(result.stderr)["cache_enabled"] == "1"
    if method == "set_backend_config":
        assert '"colour":"red"' in result.stderr
        assert '"default-max-batch-size":"3"' in result.stderr


def test_options_can_be_dropped_and_used_again(make_options: MakeOptions) -> None:
    options = make_options("identity_fp32")
    for _ in range(2):
        server = tb.TRITONSERVER_Server(options)
        assert server.is_ready()
        server.stop()
    server = tb.TRITONSERVER_Server(options)
    del options
    assert server.model_is_ready("identity_fp32", -1)
    server.stop()
