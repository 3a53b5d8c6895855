"""Options: their fields, and what becomes of right and wrong values."""

import copy
import dataclasses
import json
import pickle
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritonserver import (
    InstanceGroupKind,
    InvalidArgumentError,
    LogFormat,
    ModelControlMode,
    ModelLoadDeviceLimit,
    Options,
    RateLimiterResource,
    RateLimitMode,
    Server,
    UnsupportedError,
)
from tritonserver._api import _options

EXPLICIT = ModelControlMode.EXPLICIT

DEFAULTS = {
    "model_repository": [],
    "server_id": "triton",
    "model_control_mode": ModelControlMode.NONE,
    "startup_models": [],
    "strict_model_config": False,
    "rate_limiter_mode": RateLimitMode.OFF,
    "rate_limiter_resources": [],
    "pinned_memory_pool_size": 1 << 28,
    "cuda_memory_pool_sizes": {},
    "cache_config": {},
    "cache_directory": "/opt/tritonserver/caches",
    "min_supported_compute_capability": 6.0,
    "exit_on_error": True,
    "strict_readiness": True,
    "exit_timeout": 30,
    "buffer_manager_thread_count": 0,
    "model_load_thread_count": 4,
    "model_load_retry_count": 0,
    "model_namespacing": False,
    "enable_peer_access": True,
    "log_file": None,
    "log_info": False,
    "log_warn": False,
    "log_error": False,
    "log_format": LogFormat.DEFAULT,
    "log_verbose": 0,
    "log_callback": None,
    "metrics": True,
    "gpu_metrics": True,
    "cpu_metrics": True,
    "metrics_interval": 2000,
    "backend_directory": "/opt/tritonserver/backends",
    "repo_agent_directory": "/opt/tritonserver/repoagents",
    "model_load_device_limits": [],
    "backend_configuration": {},
    "host_policies": {},
    "metrics_configuration": {},
}


def test_fields_and_defaults() -> None:
    options = Options()
    assert {field.name: getattr(options, field.name) for field in dataclasses.fields(options)} == (
        DEFAULTS
    )
    assert [field.name for field in dataclasses.fields(options)] == list(DEFAULTS)


def test_printed_form() -> None:
    assert repr(Options()).startswith(
        "Options(model_repository=[], server_id='triton', "
        "model_control_mode=<TRITONSERVER_ModelControlMode.NONE: 0>, startup_models=[], "
    )


def test_is_a_plain_dataclass() -> None:
    options = Options("/models", "demo", EXPLICIT, ["a"])
    assert options == Options(
        model_repository="/models",
        server_id="demo",
        model_control_mode=EXPLICIT,
        startup_models=["a"],
    )
    assert dataclasses.replace(options, server_id="x") != options
    assert copy.copy(options) == pickle.loads(pickle.dumps(options)) == options
    assert dataclasses.asdict(options)["startup_models"] == ["a"]
    with pytest.raises(TypeError):
        hash(options)
    with pytest.raises(AttributeError):
        options.modle_repository = "x"  # type: ignore[attr-defined] # misspelled on purpose
    with pytest.raises(TypeError):
        Options(modle_repository="x")  # type: ignore[call-arg] # misspelled on purpose


def test_every_option_reaches_the_core() -> None:
    logging = {name for name in DEFAULTS if name.startswith("log_")}
    assert _options._SETTERS.keys() | logging == DEFAULTS.keys()


def test_keywords_of_a_server_are_the_fields() -> None:
    keywords = typing.get_type_hints(_options.OptionsKwargs, include_extras=True)
    assert keywords == typing.get_type_hints(Options, include_extras=True)
    assert list(keywords) == list(DEFAULTS)


def test_server_keeps_the_object() -> None:
    options = Options(server_id="x")
    assert Server(options).options is options
    assert Server(server_id="x").options == options
    assert Server().options == Options()


def test_server_refuses_options_beside_keywords() -> None:
    with pytest.raises(InvalidArgumentError, match="server_id: set these in `options`"):
        Server(Options(), server_id="x")


@pytest.mark.parametrize("options", ["models", Path("models"), {"model_repository": "models"}])
def test_server_refuses_what_are_no_options(options: Any) -> None:
    with pytest.raises(TypeError, match=r"options: .* must be Options, or give .* keywords"):
        Server(options)


def test_a_wrong_enumeration_gets_its_members() -> None:
    server = Server(model_repository="/models", model_control_mode="EXPLICIT")
    with pytest.raises(TypeError, match=r"is of type str; .*ModelControlMode \(NONE, POLL, EXPL"):
        server.start()


def test_misspelled_keyword_gets_a_suggestion() -> None:
    with pytest.raises(TypeError, match=r"unknown option 'modle_repository'.*'model_repository'"):
        Server(modle_repository="/models")  # type: ignore[call-arg] # misspelled on purpose


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("model_repository", 1),
        ("server_id", 1),
        ("server_id", b"triton"),
        ("model_control_mode", 2),
        ("model_control_mode", "EXPLICIT"),
        ("startup_models", "test"),
        ("startup_models", [1]),
        ("strict_model_config", "false"),
        ("rate_limiter_mode", 1),
        ("rate_limiter_resources", [("lane", 4, 0)]),
        ("rate_limiter_resources", [RateLimiterResource("lane", "4", 0)]),  # type: ignore[arg-type]
        ("pinned_memory_pool_size", 1.5),
        ("cuda_memory_pool_sizes", [1]),
        ("cuda_memory_pool_sizes", {"0": 1}),
        ("cache_config", {"local": 1}),
        ("cache_directory", 1),
        ("min_supported_compute_capability", "6.0"),
        ("exit_timeout", "30"),
        ("log_file", 1),
        ("log_callback", "print"),
        ("log_format", 0),
        ("model_load_device_limits", [1]),
        ("backend_configuration", {"python": {"shm-default-byte-size": 1048576}}),
        ("metrics_configuration", {"": "summary_latencies"}),
    ],
)
def test_wrong_type(option: str, value: Any) -> None:
    server = Server(**{"model_repository": "/models", option: value})
    with pytest.raises(TypeError, match=option):
        server.start()


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"model_repository": None},
        {"model_repository": "/no/such/repository"},
        {"model_repository": "/models", "server_id": "a\0b"},
        {"model_repository": "/models", "pinned_memory_pool_size": -1},
        {"model_repository": "/models", "cuda_memory_pool_sizes": {0: -1}},
        {"model_repository": "/models", "startup_models": ["../test"]},
        {"model_repository": "/models", "log_file": "/no/such/directory/log"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("exit_timeout", "soon"),
        ("strict_readiness", "no"),
        ("metrics_interval", 1.5),
        ("cache_config", {"local": {"size": object()}}),
        ("metrics_configuration", {"": {"summary_latencies": True}}),
        ("cuda_memory_pool_sizes", {0: -1, 1: "all"}),
    ],
)
def test_wrong_type_is_told_first(option: str, value: Any, others: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=option):
        Server(**(others | {option: value})).start()


def test_wrong_type_is_told_before_a_core_is_looked_for(run_program: Callable[..., Any]) -> None:
    program = """
    import tritonserver
    try:
        tritonserver.Server(model_repository="/models", exit_timeout="soon").start()
    except TypeError as error:
        print(error)
    """
    ended = run_program(program, TRITONSERVER_LIBRARY="/no/such/library")
    assert ended.output == "exit_timeout: 'soon' is of type str; it must be an int\n"


def test_cache_config_that_holds_itself() -> None:
    settings: dict[str, Any] = {}
    settings["settings"] = settings
    server = Server(model_repository="/models", cache_config={"local": settings})
    with pytest.raises(InvalidArgumentError, match="cache_config"):
        server.start()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("model_repository", None, "must be a path"),
        ("model_repository", [], "must be a path"),
        ("model_repository", (), "must be a path"),
        ("model_repository", "", "must be a path"),
        ("pinned_memory_pool_size", -1, "0 or more"),
        ("cuda_memory_pool_sizes", {0: -1}, "0 or more"),
        ("rate_limiter_resources", [RateLimiterResource("lane", -1, 0)], "0 or more"),
        ("exit_timeout", -1, "0 or more"),
        ("metrics_interval", -1, "0 or more"),
        ("server_id", "a\0b", "NUL"),
        ("startup_models", ["a\0b"], "NUL"),
        ("startup_models", [""], "Invalid model name ''"),
        ("startup_models", ["../test"], "Invalid model name '../test'"),
        (
            "model_load_device_limits",
            [ModelLoadDeviceLimit(InstanceGroupKind.CPU, 0, 0.5)],
            "not supported",
        ),
    ],
)
def test_wrong_value(option: str, value: Any, message: str) -> None:
    server = Server(**{"model_repository": "/models", option: value})
    with pytest.raises(InvalidArgumentError, match=message):
        server.start()


def test_unknown_host_policy_setting_is_the_cores_error() -> None:
    server = Server(model_repository="/models", host_policies={"x": {"unknown": "1"}})
    with pytest.raises(UnsupportedError, match="unknown"):
        server.start()


def test_numbers_and_paths_of_other_types_are_accepted(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = start_server(
        "native/identity_fp32",
        exit_timeout=np.int64(5),
        strict_model_config=np.bool_(True),
        strict_readiness=1,
        min_supported_compute_capability=6,
        log_file=tmp_path / "server.log",
        log_info=True,
    )
    assert server.ready()
    assert "identity_fp32" in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize("as_path", [str, Path])
def test_a_single_repository_becomes_a_list(
    repository: Callable[..., Path], as_path: Callable[[Path], Any]
) -> None:
    path = repository("native/identity_fp32")
    with Server(model_repository=as_path(path)) as server:
        assert server.options.model_repository == [str(path)]


def test_log_switches_cascade(start_server: Callable[..., Server], tmp_path: Path) -> None:
    options = start_server(
        "native/identity_fp32", log_verbose=1, log_file=tmp_path / "server.log"
    ).options
    assert (options.log_info, options.log_warn, options.log_error) == (True, True, True)


def test_many_options_at_once(repository: Callable[..., Path], tmp_path: Path) -> None:
    options = Options(
        model_repository=[repository("native/identity_fp32")],
        model_control_mode=EXPLICIT,
        rate_limiter_mode=RateLimitMode.EXEC_COUNT,
        rate_limiter_resources=[RateLimiterResource("lane", 4, 0)],
        pinned_memory_pool_size=1 << 24,
        cuda_memory_pool_sizes={0: 1 << 24},
        cache_config={"local": {"size": 1048576}},
        host_policies={"numa0": {"numa-node": "0", "cpu-cores": "0-1"}},
        backend_configuration={"python": {"shm-default-byte-size": "1048576"}},
        metrics_configuration={"": {"summary_latencies": "true"}},
        log_verbose=1,
        log_file=str(tmp_path / "server.log"),
        log_format=LogFormat.ISO8601,
        exit_timeout=5,
        gpu_metrics=False,
    )
    with Server(options) as server:
        assert server.options is options
        assert server.live()


def test_cache_config_is_used(start_server: Callable[..., Server]) -> None:
    server = start_server("native/identity_cached", cache_config={"local": {"size": 1048576}})
    model = server.model("identity_cached")
    for _ in range(2):
        list(model.infer(inputs={"INPUT0": np.ones(1, np.float32)}))
    (statistics,) = model.statistics()["model_stats"]
    assert statistics["inference_stats"]["cache_hit"]["count"] == 1


def test_from_dict() -> None:
    options = Options.from_dict(
        {
            "model_repository": "/models",
            "model_control_mode": "explicit",
            "rate_limiter_resources": [{"name": "lane", "count": 4, "device": 0}],
            "cuda_memory_pool_sizes": {"0": 1024},
            "model_load_device_limits": [{"kind": "GPU", "device": 0, "fraction": 0.5}],
        }
    )
    assert options == Options(
        model_repository="/models",
        model_control_mode=EXPLICIT,
        rate_limiter_resources=[RateLimiterResource("lane", 4, 0)],
        cuda_memory_pool_sizes={0: 1024},
        model_load_device_limits=[ModelLoadDeviceLimit(InstanceGroupKind.GPU, 0, 0.5)],
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"exit_timout": 5}, "unknown option 'exit_timout'; did you mean 'exit_timeout'?"),
        ({"model_control_mode": "SOMETIMES"}, "'SOMETIMES' is none of NONE, POLL, EXPLICIT"),
        ({"rate_limiter_resources": [{"name": "x", "cuont": 1}]}, "did you mean 'count'?"),
        ({"rate_limiter_resources": [{"name": "x"}]}, "missing"),
    ],
)
def test_from_dict_refuses_unknown_names(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        Options.from_dict(values)
    assert message in str(raised.value)


def test_from_json_file(tmp_path: Path) -> None:
    file = tmp_path / "options.json"
    file.write_text(json.dumps({"server_id": "demo", "model_control_mode": "POLL"}))
    assert Options.from_file(file) == Options(
        server_id="demo", model_control_mode=ModelControlMode.POLL
    )


def test_from_toml_file(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text('server_id = "demo"\n[cache_config.local]\nsize = 1048576\n')
    if sys.version_info >= (3, 11):
        assert Options.from_file(file) == Options(
            server_id="demo", cache_config={"local": {"size": 1048576}}
        )
    else:
        with pytest.raises(UnsupportedError, match=r"3\.11"):
            Options.from_file(file)


@pytest.mark.parametrize(
    ("name", "text"), [("o.json", "{"), ("o.json", "[1]"), ("o.yaml", "a: 1"), ("o.json", "\xff")]
)
def test_from_file_names_the_file_in_errors(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode("latin1"))
    with pytest.raises(InvalidArgumentError, match=name):
        Options.from_file(file)


def test_from_environment() -> None:
    environment = {
        "TRITONSERVER_LIBRARY": "/not/an/option",
        "TRITONSERVER_OPTION_SERVER_ID": "007",
        "TRITONSERVER_OPTION_MODEL_REPOSITORY": '["/a", "/b"]',
        "TRITONSERVER_OPTION_MODEL_CONTROL_MODE": "explicit",
        "TRITONSERVER_OPTION_LOG_INFO": "true",
        "TRITONSERVER_OPTION_EXIT_TIMEOUT": "5",
        "TRITONSERVER_OPTION_LOG_FILE": "server.log",
    }
    assert Options.from_environment(environment=environment) == Options(
        server_id="007",
        model_repository=["/a", "/b"],
        model_control_mode=EXPLICIT,
        log_info=True,
        exit_timeout=5,
        log_file="server.log",
    )
    with pytest.raises(InvalidArgumentError, match="'exit_timeout'"):
        Options.from_environment("T_", {"T_EXIT_TIMOUT": "5"})
