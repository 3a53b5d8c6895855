"""What a server can be told before it starts."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, TypedDict

from tritonserver._api import _log_route
from tritonserver._api._enums import (
    InstanceGroupKind,
    LogFormat,
    ModelControlMode,
    RateLimitMode,
)
from tritonserver._api._home import home
from tritonserver._api._log_sinks import LogCallback
from tritonserver._api._schema import Count, Json, Path, check_all, decode_record
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TRITONSERVER_ServerOptions,
    UnsupportedError,
    _check_model_name,
)
from tritonserver.runtime import gpu_present, plain_path


@dataclass(slots=True)
class RateLimiterResource:
    """A resource of which the rate limiter gives `count` away at a time.

    Parameters
    ----------
    name
        Name by which model configurations ask for it.
    count
        How much there is of it, 0 or more.
    device
        Device that has it; -1 if all devices share it.
    """

    name: str
    count: Count
    device: int


@dataclass(slots=True)
class ModelLoadDeviceLimit:
    """How much of a device's memory may be in use for another model to be loaded.

    Parameters
    ----------
    kind
        Kind of the device. The core only accepts `InstanceGroupKind.GPU`.
    device
        Number of the device.
    fraction
        Part of the memory, from 0 to 1.
    """

    kind: InstanceGroupKind
    device: int
    fraction: float


@dataclass(slots=True)
class Options:
    """Options of a `Server`; values are checked when it starts.

    Paths may be `str` or `pathlib.Path`. Starting a server changes two things in the object: a
    single model repository becomes a list, and a log switch turns on those of lower volume
    (`log_verbose` > `log_info` > `log_warn` > `log_error`).

    Parameters
    ----------
    model_repository
        One path or several, local or `s3://`, `gs://`, `as://`.
    server_id
        Name that `Server.metadata` reports.
    model_control_mode
        `NONE`: all models are loaded at start. `POLL`: so they are, and changes of the repository
        are taken over by `Server.poll_model_repository`. `EXPLICIT`: models are loaded and
        unloaded on demand.
    startup_models
        Models that an EXPLICIT server loads at start; `["*"]` means all.
    strict_model_config
        Whether a model must have a complete configuration; if not, backends complete it.
    rate_limiter_mode, rate_limiter_resources
        How executions are prioritised, and what they share.
    pinned_memory_pool_size
        Bytes of pinned host memory; no pool is made on a machine without a GPU.
    cuda_memory_pool_sizes
        Bytes of device memory, by device.
    cache_config
        Settings of the response cache, by cache name, such as `{"local": {"size": 1048576}}`. It
        serves models with `response_cache` in their configuration, and takes requests for equal if
        the bytes of their inputs are. What would get the answer to other shapes or data types is an
        `UnsupportedError`; what may get the answer to other parameters is a `RuntimeWarning`. These
        requests are remembered, up to a number. A failure is kept, too: later requests are an
        `UnavailableError` then. So are the answers of a model that is loaded again; give it a new
        version. An answer larger than the cache is not kept, and logged as an error each time. The
        metrics of the whole cache lag behind those of the models.
    cache_directory, backend_directory, repo_agent_directory
        Where caches, backends and repository agents are. The defaults stand for those of the
        Triton core that is used, wherever it is installed.
    min_supported_compute_capability
        GPUs below it are left alone.
    exit_on_error
        Whether a model that cannot be loaded makes `Server.start` raise.
    strict_readiness
        Whether the server is ready only when all its models are.
    exit_timeout
        Seconds that `Server.stop` waits for what is in flight.
    buffer_manager_thread_count, model_load_thread_count
        Threads that copy tensors, and that load models.
    model_load_retry_count
        How often loading a model is tried again.
    model_namespacing
        Whether several repositories may have models of one name.
    enable_peer_access
        Whether GPUs may access each other's memory.
    log_file
        File that the log is appended to; see `tritonserver.LogMessage` for where it goes if None.
    log_info, log_warn, log_error
        Which messages are logged.
    log_format
        How they are written.
    log_verbose
        Level of verbose messages; 0 for none.
    log_callback
        Called for each logged message with its `LogLevel`, file name, line, time in microseconds
        since the epoch, and text, on a thread of its own. Nothing is logged elsewhere then. It acts
        on the whole process, from the start of this server to that of the next one. What it raises
        goes to `sys.unraisablehook`. Cores before 26.08 do not tell their own verbose messages from
        information.
    metrics, gpu_metrics, cpu_metrics
        Which metrics are collected. There are no GPU metrics on a machine without a GPU.
    metrics_interval
        Milliseconds between two measurements of GPUs and CPUs, at most. On a machine with a GPU the
        exit of the process waits for up to half of it.
    model_load_device_limits
        How full devices may be for another model to be loaded.
    backend_configuration
        Backend to setting to value; the backend `""` stands for all.
    host_policies
        Policy to setting to value; settings are `numa-node` and `cpu-cores`.
    metrics_configuration
        Section to setting to value; section `""` is the global one.
    """

    model_repository: Path | Sequence[Path] = field(default_factory=list)
    server_id: str = "triton"
    model_control_mode: ModelControlMode = ModelControlMode.NONE
    startup_models: list[str] = field(default_factory=list)
    strict_model_config: bool = False
    rate_limiter_mode: RateLimitMode = RateLimitMode.OFF
    rate_limiter_resources: list[RateLimiterResource] = field(default_factory=list)
    pinned_memory_pool_size: Count = 1 << 28
    cuda_memory_pool_sizes: dict[int, Count] = field(default_factory=dict)
    cache_config: dict[str, dict[str, Json]] = field(default_factory=dict)
    cache_directory: Path = "/opt/tritonserver/caches"
    min_supported_compute_capability: float = 6.0
    exit_on_error: bool = True
    strict_readiness: bool = True
    exit_timeout: Count = 30
    buffer_manager_thread_count: Count = 0
    model_load_thread_count: Count = 4
    model_load_retry_count: Count = 0
    model_namespacing: bool = False
    enable_peer_access: bool = True
    log_file: Path | None = None
    log_info: bool = False
    log_warn: bool = False
    log_error: bool = False
    log_format: LogFormat = LogFormat.DEFAULT
    log_verbose: int = 0
    log_callback: LogCallback | None = None
    metrics: bool = True
    gpu_metrics: bool = True
    cpu_metrics: bool = True
    metrics_interval: Count = 2000
    backend_directory: Path = "/opt/tritonserver/backends"
    repo_agent_directory: Path = "/opt/tritonserver/repoagents"
    model_load_device_limits: list[ModelLoadDeviceLimit] = field(default_factory=list)
    backend_configuration: dict[str, dict[str, str]] = field(default_factory=dict)
    host_policies: dict[str, dict[str, str]] = field(default_factory=dict)
    metrics_configuration: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Options":
        """Make options from plain data, as JSON or TOML gives it.

        Enumeration members are given by name (`"EXPLICIT"`), resources and limits as mappings.

        Raises
        ------
        InvalidArgumentError
            A name or a member is unknown; the text suggests a known one.
        """
        return decode_record(cls, "options", values)

    @classmethod
    def from_file(cls, path: Path) -> "Options":
        """Make options from a `.json` or `.toml` file whose keys are names of options.

        Raises
        ------
        InvalidArgumentError
            The file is not well-formed, or as in `from_dict`.
        UnsupportedError
            The file is TOML, which the standard library reads from Python 3.11 on.
        """
        file = PurePath(path)
        if file.suffix == ".json":
            parse: Callable[[str], Any] = json.loads
        elif file.suffix == ".toml":
            parse = _toml_parser()
        else:
            raise InvalidArgumentError(f"{file}: options are read from a .json or .toml file")
        try:
            with open(path, encoding="utf-8") as opened:
                values = parse(opened.read())
        except ValueError as error:
            raise InvalidArgumentError(f"{file}: {error}") from None
        if not isinstance(values, dict):
            raise InvalidArgumentError(f"{file}: must hold an object with options")
        return decode_record(cls, str(file), values)

    @classmethod
    def from_environment(
        cls,
        prefix: str = "TRITONSERVER_OPTION_",
        environment: Mapping[str, str] = os.environ,
    ) -> "Options":
        """Make options from variables such as `TRITONSERVER_OPTION_EXIT_TIMEOUT=5`.

        Text and members of enumerations are given as they are, anything else as JSON.

        Raises
        ------
        InvalidArgumentError
            A variable with the prefix names no option; the text suggests one.
        """
        values: dict[str, Any] = {}
        for variable, text in environment.items():
            if variable.startswith(prefix):
                try:
                    value = json.loads(text)
                except ValueError:
                    value = text
                name = variable.removeprefix(prefix).lower()
                values[name] = text if _FIELDS.get(name) is str else value
        return decode_record(cls, "environment", values)

    def _check(self) -> dict[str, Any]:
        """Return all values as they are handed to the core. Wrong types are told first.

        Raises
        ------
        TypeError
            A value has the wrong type, whatever else is wrong.
        InvalidArgumentError
            A value is invalid, no model can have a name, or there is no repository.
        """
        given = {name: getattr(self, name) for name in _FIELDS}
        if given["model_repository"] is None:
            given["model_repository"] = []
        values = check_all(_FIELDS, given)
        if not values["model_repository"]:
            raise InvalidArgumentError(
                f"model_repository: {self.model_repository!r} must be a path or a list of paths"
            )
        for name in values["startup_models"]:
            _check_model_name(name)
        if isinstance(values["model_repository"], str):
            values["model_repository"] = [values["model_repository"]]
        return values

    def _create_tritonserver_server_options(self) -> TRITONSERVER_ServerOptions:
        """Check all values and hand them to the core. The log is configured at once."""
        return self._hand_over(self._check())

    def _hand_over(self, values: dict[str, Any]) -> TRITONSERVER_ServerOptions:
        if isinstance(self.model_repository, str | os.PathLike):
            self.model_repository = values["model_repository"]
        native = TRITONSERVER_ServerOptions()
        for backend, settings in home().backend_settings().items():
            for setting, value in settings.items():
                native.set_backend_config(backend, setting, value)
        for name, apply in _SETTERS.items():
            try:
                apply(native, values[name])
            except UnsupportedError:
                # Older cores lack some options; the defaults are what they do anyway.
                if getattr(self, name) != getattr(_DEFAULTS, name):
                    raise
        self.log_info = values["log_info"] or values["log_verbose"] > 0
        self.log_warn = values["log_warn"] or self.log_info
        self.log_error = values["log_error"] or self.log_warn
        _log_route.apply(
            native,
            file=values["log_file"],
            callback=values["log_callback"],
            info=self.log_info,
            warn=self.log_warn,
            error=self.log_error,
            verbose=values["log_verbose"],
            format=values["log_format"],
        )
        return native


class OptionsKwargs(TypedDict, total=False):
    """The fields of `Options`, as keyword arguments of `Server`."""

    model_repository: Path | Sequence[Path]
    server_id: str
    model_control_mode: ModelControlMode
    startup_models: list[str]
    strict_model_config: bool
    rate_limiter_mode: RateLimitMode
    rate_limiter_resources: list[RateLimiterResource]
    pinned_memory_pool_size: Count
    cuda_memory_pool_sizes: dict[int, Count]
    cache_config: dict[str, dict[str, Json]]
    cache_directory: Path
    min_supported_compute_capability: float
    exit_on_error: bool
    strict_readiness: bool
    exit_timeout: Count
    buffer_manager_thread_count: Count
    model_load_thread_count: Count
    model_load_retry_count: Count
    model_namespacing: bool
    enable_peer_access: bool
    log_file: Path | None
    log_info: bool
    log_warn: bool
    log_error: bool
    log_format: LogFormat
    log_verbose: int
    log_callback: LogCallback | None
    metrics: bool
    gpu_metrics: bool
    cpu_metrics: bool
    metrics_interval: Count
    backend_directory: Path
    repo_agent_directory: Path
    model_load_device_limits: list[ModelLoadDeviceLimit]
    backend_configuration: dict[str, dict[str, str]]
    host_policies: dict[str, dict[str, str]]
    metrics_configuration: dict[str, dict[str, str]]


_FIELDS: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(Options)}
_DEFAULTS = Options()


def _toml_parser() -> Callable[[str], Any]:
    if sys.version_info >= (3, 11):
        import tomllib

        return tomllib.loads
    raise UnsupportedError("options in TOML need Python 3.11; use a .json file")


_Setter = Callable[[TRITONSERVER_ServerOptions, Any], None]


def _each(apply: Callable[..., None]) -> _Setter:
    """Call `apply` for each item of a list; a record is spread over its arguments."""

    def set_all(native: TRITONSERVER_ServerOptions, items: list[Any]) -> None:
        for item in items:
            is_record = isinstance(item, RateLimiterResource | ModelLoadDeviceLimit)
            apply(native, *(dataclasses.astuple(item) if is_record else [item]))

    return set_all


def _each_item(apply: Callable[..., None]) -> _Setter:
    """Call `apply` for each key and value of a dict, or each pair of keys of a dict of dicts."""

    def set_all(native: TRITONSERVER_ServerOptions, items: dict[Any, Any]) -> None:
        for key, value in items.items():
            if isinstance(value, dict):
                for inner, setting in value.items():
                    apply(native, key, inner, setting)
            else:
                apply(native, key, value)

    return set_all


def _unless_default(name: str, apply: _Setter) -> _Setter:
    """Call `apply` unless the value is the default, which stands for the core's own directory."""

    def set_directory(native: TRITONSERVER_ServerOptions, directory: str) -> None:
        if directory != getattr(_DEFAULTS, name):
            apply(native, directory)

    return set_directory


def _set_repositories(native: TRITONSERVER_ServerOptions, paths: list[str]) -> None:
    for path in paths:
        native.set_model_repository_path(plain_path(path))


def _set_caches(native: TRITONSERVER_ServerOptions, caches: dict[str, dict[str, Any]]) -> None:
    for cache, settings in caches.items():
        native.set_cache_config(cache, json.dumps(settings))


def _set_pinned_pool(native: TRITONSERVER_ServerOptions, byte_size: int) -> None:
    # Without a GPU the core could only warn that it cannot make the pool.
    native.set_pinned_memory_pool_byte_size(byte_size if gpu_present() else 0)


def _set_gpu_metrics(native: TRITONSERVER_ServerOptions, enabled: bool) -> None:
    # Without a GPU the core would print NVML's and DCGM's errors, whatever the log switches say.
    native.set_gpu_metrics(enabled and gpu_present())


def _set_metrics_interval(native: TRITONSERVER_ServerOptions, milliseconds: int) -> None:
    # The thread that measures sleeps for half of the interval, and the exit of the process waits
    # for it. Without a GPU it costs next to nothing to measure more often.
    native.set_metrics_interval(milliseconds if gpu_present() else min(milliseconds, 500))


def _set_exit_timeout(native: TRITONSERVER_ServerOptions, seconds: int) -> None:
    # The core keeps it in a signed int, where larger values would become 0.
    native.set_exit_timeout(min(seconds, 2**31 - 1))


# How each option reaches the core. Those of the log are left to `_log_route`.
_Native = TRITONSERVER_ServerOptions
_SETTERS: dict[str, _Setter] = {
    "model_repository": _set_repositories,
    "server_id": _Native.set_server_id,
    "model_control_mode": _Native.set_model_control_mode,
    "startup_models": _each(_Native.set_startup_model),
    "strict_model_config": _Native.set_strict_model_config,
    "rate_limiter_mode": _Native.set_rate_limiter_mode,
    "rate_limiter_resources": _each(_Native.add_rate_limiter_resource),
    "pinned_memory_pool_size": _set_pinned_pool,
    "cuda_memory_pool_sizes": _each_item(_Native.set_cuda_memory_pool_byte_size),
    "cache_config": _set_caches,
    "cache_directory": _unless_default("cache_directory", _Native.set_cache_directory),
    "min_supported_compute_capability": _Native.set_min_supported_compute_capability,
    "exit_on_error": _Native.set_exit_on_error,
    "strict_readiness": _Native.set_strict_readiness,
    "exit_timeout": _set_exit_timeout,
    "buffer_manager_thread_count": _Native.set_buffer_manager_thread_count,
    "model_load_thread_count": _Native.set_model_load_thread_count,
    "model_load_retry_count": _Native.set_model_load_retry_count,
    "model_namespacing": _Native.set_model_namespacing,
    "enable_peer_access": _Native.set_enable_peer_access,
    "metrics": _Native.set_metrics,
    "gpu_metrics": _set_gpu_metrics,
    "cpu_metrics": _Native.set_cpu_metrics,
    "metrics_interval": _set_metrics_interval,
    "backend_directory": _unless_default("backend_directory", _Native.set_backend_directory),
    "repo_agent_directory": _unless_default(
        "repo_agent_directory", _Native.set_repo_agent_directory
    ),
    "model_load_device_limits": _each(_Native.set_model_load_device_limit),
    "backend_configuration": _each_item(_Native.set_backend_config),
    "host_policies": _each_item(_Native.set_host_policy),
    "metrics_configuration": _each_item(_Native.set_metrics_config),
}
