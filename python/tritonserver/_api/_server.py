"""The server in this process."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from tritonserver._api import (
    _caches,
    _failed_reloads,
    _lifecycle,
    _load_errors,
    _log_route,
)
from tritonserver._api._blocking import Deadline, DeadlinePassed, run, seconds
from tritonserver._api._enums import LogLevel, MetricFormat, ModelControlMode
from tritonserver._api._load_parameters import LoadParameter, ModelConfig, load_parameters
from tritonserver._api._load_warnings import warn_after_load
from tritonserver._api._log_records import Record
from tritonserver._api._logging import LogMessage
from tritonserver._api._metrics_report import ReportedMetricFamily, parse_metrics
from tritonserver._api._model import Model
from tritonserver._api._model_dictionary import ModelDictionary
from tritonserver._api._model_names import check_model_names
from tritonserver._api._model_pins import ModelPins
from tritonserver._api._options import (
    ModelLoadDeviceLimit,
    Options,
    OptionsKwargs,
    RateLimiterResource,
)
from tritonserver._api._schema import Path, check, unknown
from tritonserver._api._warm_up import WarmUps, names_with_warm_up, warn_of_core
from tritonserver._c._handle import Handle
from tritonserver._c.triton_bindings import (
    InternalError,
    InvalidArgumentError,
    NotFoundError,
    TritonError,
    TRITONSERVER_Message,
    TRITONSERVER_ModelIndexFlag,
    TRITONSERVER_Parameter,
    TRITONSERVER_Server,
    UnavailableError,
    UnsupportedError,
    _check_model_name,
)
from tritonserver.runtime import plain_path

if sys.version_info >= (3, 11):
    from typing import Self, Unpack
elif TYPE_CHECKING:
    from typing_extensions import Self, Unpack

__all__ = [
    "ModelDictionary",
    "ModelIndexEntry",
    "ModelLoadDeviceLimit",
    "Options",
    "RateLimiterResource",
    "Server",
    "ServerMetadata",
]

T = TypeVar("T")


class ServerMetadata(TypedDict):
    """What `Server.metadata` returns."""

    name: str
    version: str
    extensions: list[str]


class ModelIndexEntry(TypedDict, total=False):
    """An item of `Server.index`. A model that was never loaded has a name only."""

    name: str
    version: str
    state: str
    reason: str


class _State(enum.Enum):
    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Server(Handle):
    """A Triton server in this process.

    Nothing happens before `start`. All methods may be called from any thread, and none stops other
    Python threads. Those that wait for the core give way to signal handlers, Ctrl-C's included, and
    to a timeout; what they waited for then goes on in the background.

    A program may run several servers. They share what the core keeps once for the process: the log,
    which the server started last configures, the metrics, and the memory pools. One at a time can
    have a response cache.

    A server that nobody stops is stopped when the interpreter exits, or when nothing refers to it
    any more, models and requests included. A process that is forked while a server runs cannot use
    Triton: whatever it tries is an `UnavailableError`.

    Parameters
    ----------
    options
        Kept as it is, as `options`.
    **kwargs
        Instead of `options`: the fields of `Options`.

    Raises
    ------
    TypeError
        A keyword is no option, and the text suggests one; or `options` are no `Options`.
    InvalidArgumentError
        Both `options` and keywords are given.

    Examples
    --------
    >>> with tritonserver.Server(model_repository="models") as server:  # doctest: +SKIP
    ...     for response in server.model("test").infer(inputs={"string_input": [["hello"]]}):
    ...         print(response.outputs["string_output"].to_string_array())
    [['hello']]
    """

    options: Options

    _instead = "send its options, and start a server with them there"

    def __init__(self, options: Options | None = None, **kwargs: Unpack[OptionsKwargs]) -> None:
        for name in kwargs:
            if name not in Options.__slots__:
                raise TypeError(f"Server: {unknown('option', name, Options.__slots__)}")
        if options is not None and not isinstance(options, Options):
            raise TypeError(
                f"options: {options!r} is of type {type(options).__name__}; it must be Options, or "
                "give options as keywords, such as model_repository=..."
            )
        if options is not None and kwargs:
            raise InvalidArgumentError(
                f"{', '.join(kwargs)}: set these in `options`, or give keywords only"
            )
        self.options = Options(**kwargs) if options is None else options
        self._state = _State.NEW
        self._state_changed = threading.Condition()
        self._native: TRITONSERVER_Server | None = None
        self._mode = ModelControlMode.NONE
        self._operations: list[str] = []
        self._loaded: set[str] = set()
        self._repositories: list[str] = []
        self._warm_ups = WarmUps()
        self._to_warm_up: list[str] = []

    def start(
        self,
        wait_until_ready: bool = False,
        polling_interval: float = 0.1,
        timeout: float | None = None,
    ) -> Self:
        """Start the server, load the models that its control mode asks for, and return the server.

        Parameters
        ----------
        wait_until_ready
            Whether to wait for `ready` as well. Models are loaded in any case.
        polling_interval
            Seconds between two looks at `ready`.
        timeout
            Seconds for the whole call; None for no limit.

        Raises
        ------
        InvalidArgumentError
            The server has been started, a value of an option is invalid, or a model failed to
            load. The text says which, and why. After any failure `start` may be called again.
        InternalError
            A model repository does not exist, the log file cannot be opened, or a model failed.
        TypeError
            An option has the wrong type.
        UnavailableError
            The time was over before the server was started, or ready.
        NotFoundError
            No Triton is installed; the text lists every place that was looked at.

        Notes
        -----
        C API: TRITONSERVER_ServerNew
        """
        deadline = Deadline(timeout)
        polling_interval = seconds("polling_interval", polling_interval)
        with self._state_changed:
            if self._state not in (_State.NEW, _State.STOPPED):
                raise InvalidArgumentError("Server already started")
            before = self._enter(_State.STARTING)
        try:
            self._native = self._start_native(deadline)
            _lifecycle.register(self._native, self.options.exit_timeout)
            self._enter(_State.RUNNING)
            self._warn_after_load(self._startup_names())
            self._load_with_warm_up(deadline)
            if wait_until_ready:
                self._wait_until_ready(polling_interval, deadline)
        except BaseException:
            native, self._native = self._native, None
            self._enter(before)
            if native is not None:
                _lifecycle.abandon(native)
            raise
        return self

    def stop(self, timeout: float | None = None) -> None:
        """Stop the server: refuse new requests, wait for those in flight, and unload all models.

        Requests that do not end soon by themselves are cancelled. Responses, tensors and arrays
        stay readable. Does nothing if the server has been stopped; if another thread is stopping
        it, this call waits for that. A stopped server can be started again.

        Parameters
        ----------
        timeout
            Seconds for the whole call, instead of `Options.exit_timeout`.

        Raises
        ------
        InternalError
            Something was still alive when the time was over; the text says what. The server still
            counts as started, and `stop` may be called again.
        InvalidArgumentError
            The server was never started.

        Notes
        -----
        C API: TRITONSERVER_ServerStop, TRITONSERVER_ServerSetExitTimeout
        """
        deadline = Deadline(self.options.exit_timeout if timeout is None else timeout)
        with self._state_changed:
            settled = self._state_changed.wait_for(
                lambda: self._state not in (_State.STARTING, _State.STOPPING), deadline.remaining()
            )
            if not settled:
                raise InternalError(f"Exit timeout expired. The server is {self._state.value}.")
            if self._state is _State.STOPPED:
                return
            native = self._server
            self._enter(_State.STOPPING)
        try:
            _lifecycle.stop(native, deadline, lambda: self._operations)
        except BaseException:
            self._enter(_State.RUNNING)
            raise
        self._native = None
        self._enter(_State.STOPPED)

    def __repr__(self) -> str:
        options = self.options
        mode = getattr(options.model_control_mode, "name", options.model_control_mode)
        return (
            f"<Server {options.server_id!r}: {self._state.value}, model_control_mode={mode}, "
            f"model_repository={options.model_repository!r}>"
        )

    def __enter__(self) -> Self:
        return self if self._state is _State.RUNNING else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        import asyncio

        starting = asyncio.ensure_future(asyncio.to_thread(self.__enter__))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(lambda _: self._abandon())
            raise

    async def __aexit__(self, *_: object) -> None:
        import asyncio

        await asyncio.to_thread(self.stop)

    def __del__(self) -> None:
        native = getattr(self, "_native", None)
        if native is not None and not sys.is_finalizing() and _lifecycle.is_running(native):
            warnings.warn(
                f"server {self.options.server_id!r} was not stopped; use `with` or call stop()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def live(self) -> bool:
        """Whether the server runs and its core is not in an error state; False once stopped.

        Notes
        -----
        C API: TRITONSERVER_ServerIsLive
        """
        return self._ask(TRITONSERVER_Server.is_live)

    def ready(self) -> bool:
        """Whether requests are served; with `Options.strict_readiness`, by all models. False once
        stopped.

        Notes
        -----
        C API: TRITONSERVER_ServerIsReady
        """
        return self._ask(TRITONSERVER_Server.is_ready)

    def metadata(self) -> ServerMetadata:
        """Return the server's id, the core's version, and the protocol extensions it knows.

        Notes
        -----
        C API: TRITONSERVER_ServerMetadata
        """
        return cast(ServerMetadata, _document(self._server.metadata()))

    def index(self, ready_only: bool = False) -> list[ModelIndexEntry]:
        """Return name, version, state and reason of all models in the repositories.

        Parameters
        ----------
        ready_only
            Whether to leave out those that are not ready.

        Notes
        -----
        C API: TRITONSERVER_ServerModelIndex
        """
        flags = int(TRITONSERVER_ModelIndexFlag.READY) if ready_only else 0
        return cast(list[ModelIndexEntry], _document(self._server.model_index(flags)))

    def models(self, exclude_not_ready: bool = False) -> ModelDictionary:
        """Return the models in the repositories by name and version, as they are now.

        Notes
        -----
        C API: TRITONSERVER_ServerModelIndex
        """
        models = []
        for entry in self.index(exclude_not_ready):
            key = entry["name"], int(entry.get("version", -1))
            models.append((key, Model(self, *key, entry.get("state"), entry.get("reason"))))
        return ModelDictionary(self, models)

    def model(self, model_name: str, model_version: int = -1) -> Model:
        """Return a handle for a model; whether it exists shows when the handle is used.

        Parameters
        ----------
        model_version
            -1 for the one that the model's version policy chooses.
        """
        return Model(self, model_name, model_version)

    def load(
        self,
        model_name: str,
        parameters: Mapping[str, LoadParameter] | None = None,
        *,
        config: ModelConfig | None = None,
        files: Mapping[str, bytes | os.PathLike[str]] | None = None,
        timeout: float | None = None,
    ) -> Model:
        """Load a model, or load it again if its files or its configuration changed. EXPLICIT only.

        Parameters
        ----------
        parameters
            Both of the following under the names the core gives them: `"config"`, and
            `"file:1/model.py"` and the like.
        config
            Replaces the model's configuration until the model is unloaded: a dict, or JSON or
            protobuf text. The samples of its `model_warmup`, or of the model's own, are sent as
            requests after the load, one for each instance at a time.
        files
            Replace all of the model's files: path below the model's directory to content, or to a
            file that has it. They need a `config` beside them.
        timeout
            Seconds; None for no limit. A load that takes longer goes on in the background.

        Raises
        ------
        InvalidArgumentError
            The model failed to load, or over a sample of its warm-up, which unloads it; the text
            says why. Or no model can have such a name.
        InternalError
            No repository has the model, or its configuration or a parameter is wrong.
        UnavailableError
            The server's control mode is another, or the time was over.

        Notes
        -----
        C API: TRITONSERVER_ServerLoadModel, TRITONSERVER_ServerLoadModelWithParameters
        """
        server = self._explicit("load", UnavailableError)
        _check_model_name(check(str, "model_name", model_name))
        deadline = Deadline(timeout)
        model = Model(self, model_name)
        overrides = load_parameters(parameters, config, files)
        check_model_names(self._repositories, [model_name])
        warm_up = self._warm_ups.take_out(model, self._repositories, parameters, config, files)
        if warm_up is not None:
            if self._warm_ups.is_done(model, warm_up):
                return model
            overrides = load_parameters(None, warm_up.config, None)

        def load() -> None:
            if overrides:
                server.load_model_with_parameters(model_name, overrides)
            else:
                server.load_model(model_name)

        what = f"load of model {model_name!r}"
        self._load(load, what, deadline, model_name)
        self._loaded.add(model_name)
        if warm_up is not None:
            try:
                self._warm_ups.run(model, warm_up, deadline)
            except TimeoutError:
                raise _too_late(what, "it is loaded, but warming it up takes longer") from None
            except InvalidArgumentError:
                self.unload(model_name)
                raise
        return model

    def unload(
        self,
        model: str | Model,
        unload_dependents: bool = False,
        wait_until_unloaded: bool = False,
        polling_interval: float = 0.1,
        timeout: float | None = None,
    ) -> None:
        """Unload a model. It is gone when its last request and response are. EXPLICIT only.

        The ensembles that use the model are unloaded with it; a `RuntimeWarning` names them.
        Loading an ensemble loads the models that it uses.

        Parameters
        ----------
        unload_dependents
            Whether to unload as well the models that only this one, an ensemble, uses.
        wait_until_unloaded
            Whether to wait until the model is gone.
        polling_interval
            Seconds between two looks at its state.
        timeout
            Seconds for the whole call; None for no limit.

        Raises
        ------
        NotFoundError
            No such model is known; the text suggests one. A model that is not loaded is fine.
        InvalidArgumentError
            No model can have such a name.
        UnavailableError
            The server's control mode is another, or the time was over.

        Notes
        -----
        C API: TRITONSERVER_ServerUnloadModel, TRITONSERVER_ServerUnloadModelAndDependents
        """
        server = self._explicit("unload", UnavailableError)
        deadline = Deadline(timeout)
        polling_interval = seconds("polling_interval", polling_interval)
        name = check(str, "model", model.name if isinstance(model, Model) else model)
        _check_model_name(name)
        known = {entry["name"] for entry in self.index()} | self._loaded
        if name not in known:
            raise NotFoundError(unknown("model", name, known))
        if ensembles := self._ensembles_with(name):
            warnings.warn(
                f"unloading model {name!r} unloads the ensembles that use it: "
                f"{', '.join(map(repr, sorted(ensembles)))}; unload them first if that is meant, "
                "or load them again",
                RuntimeWarning,
                stacklevel=2,
            )
        unload = server.unload_model_and_dependents if unload_dependents else server.unload_model
        what = f"unload of model {name!r}"
        pins = ModelPins(server, None if unload_dependents else name)
        try:
            self._run(lambda: unload(name), what, deadline)
        except DeadlinePassed:
            raise _too_late(what, "it goes on in the background") from None
        finally:
            pins.drop_all_later()
        while wait_until_unloaded and not self._is_unloaded(name):
            if not deadline.sleep(polling_interval):
                raise _too_late(what, "something may still use the model")

    def register_model_repository(
        self, repository_path: Path, name_mapping: Mapping[str, str] | None = None
    ) -> None:
        """Add a model repository. EXPLICIT only.

        Parameters
        ----------
        name_mapping
            Directory to the name that its model shall have instead.

        Raises
        ------
        InvalidArgumentError
            The path does not exist, or `name_mapping` has a name that no model can have.
        AlreadyExistsError
            The path, or a model name, is there already.
        UnsupportedError
            The server's control mode is another.

        Notes
        -----
        C API: TRITONSERVER_ServerRegisterModelRepository
        """
        server = self._explicit("register repositories", UnsupportedError)
        path = check(Path, "repository_path", repository_path)
        for directory_and_name in (name_mapping or {}).items():
            for each in directory_and_name:
                _check_model_name(check(str, "name_mapping", each))
        check_model_names([path], name_mapping and name_mapping.values(), name_mapping)
        server.register_model_repository(
            plain_path(path),
            [TRITONSERVER_Parameter(*item) for item in (name_mapping or {}).items()],
        )
        self._repositories.append(path)

    def unregister_model_repository(self, repository_path: Path) -> None:
        """Forget a model repository. Its models stay loaded. EXPLICIT only.

        Raises
        ------
        InvalidArgumentError
            No such repository is registered.
        UnsupportedError
            The server's control mode is another.

        Notes
        -----
        C API: TRITONSERVER_ServerUnregisterModelRepository
        """
        server = self._explicit("unregister repositories", UnsupportedError)
        server.unregister_model_repository(
            plain_path(check(Path, "repository_path", repository_path))
        )

    def poll_model_repository(self, *, timeout: float | None = None) -> None:
        """Take over all changes of the model repositories, and wait for the models. POLL only.

        Models that fail do not keep others from being taken over, and a loaded one stays as it was.
        The next poll tries them again.

        Parameters
        ----------
        timeout
            Seconds; None for no limit. Models that take longer go on loading in the background.

        Raises
        ------
        UnavailableError
            The server's control mode is another, or the time was over.
        TritonError
            Models failed to load; the text says which, and why.

        Notes
        -----
        C API: TRITONSERVER_ServerPollModelRepository
        """
        server = self._server
        if self._mode != ModelControlMode.POLL:
            raise UnavailableError(_wrong_mode("poll the repositories", ModelControlMode.POLL))
        what = "poll of the model repositories"
        self._load(server.poll_model_repository, what, Deadline(timeout))

    def metrics(self, metric_format: MetricFormat = MetricFormat.PROMETHEUS) -> str:
        """Return the metrics of the process as text; empty if `Options.metrics` is off.

        Notes
        -----
        C API: TRITONSERVER_ServerMetrics, TRITONSERVER_MetricsFormatted
        """
        server = self._server
        return server.metrics().formatted(metric_format) if self.options.metrics else ""

    def metric_families(self) -> dict[str, ReportedMetricFamily]:
        """Return the metrics of the process by name of their family, as `metrics` reports them."""
        return parse_metrics(self.metrics())

    @property
    def _server(self) -> TRITONSERVER_Server:
        native = self._native
        if native is None:
            raise InvalidArgumentError("Server not started")
        return native

    def _ptr(self) -> int:
        """Return the address of the TRITONSERVER_Server, for extensions that use it directly."""
        return self._server._ptr()

    def _enter(self, state: _State) -> _State:
        with self._state_changed:
            before, self._state = self._state, state
            self._state_changed.notify_all()
        return before

    def _start_native(self, deadline: Deadline) -> TRITONSERVER_Server:
        values = self.options._check()  # before anything is looked for
        _lifecycle.check_fork()
        native_options = self.options._hand_over(values | {"startup_models": []})
        with _log_route.collecting() as log:
            self._repositories = list(values["model_repository"])
            if self.options.exit_on_error:
                self._check_repositories_exist()
            check_model_names(self._repositories, self._startup_names())
            for name in self._leave_warm_up_to_us():
                native_options.set_startup_model(name)
            # The core would stop at once on an error, which can crash it: see `_model_pins`.
            native_options.set_exit_on_error(False)
            try:
                native = self._run(
                    lambda: _caches.new_server(native_options, self.options),
                    "start of the server",
                    deadline,
                    log,
                )
            except DeadlinePassed:
                models = ", ".join(_load_errors.unfinished(log()))
                raise _too_late("start of the server", models and f"loading: {models}") from None
            except TritonError as error:
                raise _load_errors.explain(error, log(), self._repositories) from None
            failure = _load_errors.start_failure(log()) if self.options.exit_on_error else None
            if failure is not None:
                # What failed matters more than what it leaves behind.
                with contextlib.suppress(InternalError):
                    _lifecycle.stop(native, Deadline(self.options.exit_timeout), grace=0)
                # The traceback must not keep it, for until it is deleted it keeps its cache.
                del native
                raise _load_errors.explain(failure, log(), self._repositories)
        self._mode = self.options.model_control_mode
        self._loaded = set()
        return native

    def _startup_names(self) -> list[str] | None:
        """The models that are loaded at start; None for all."""
        if self.options.model_control_mode != ModelControlMode.EXPLICIT:
            return None
        names = self.options.startup_models
        return None if names == ["*"] else names

    def _leave_warm_up_to_us(self) -> list[str]:
        """Choose the startup models that the core loads: those that have no warm-up."""
        self._warm_ups = WarmUps()
        self._to_warm_up = []
        with_warm_up = set(names_with_warm_up(self._repositories))
        if self.options.model_control_mode != ModelControlMode.EXPLICIT:
            warn_of_core(with_warm_up, "an EXPLICIT server checks them")
            return self.options.startup_models
        names = self._startup_names()
        if names is None and with_warm_up:
            if any("://" in path for path in self._repositories):
                warn_of_core(with_warm_up, "name the startup_models to have them checked")
                return ["*"]
            names = [name for path in self._repositories for name in _directories(path)]
        self._to_warm_up = [name for name in names or () if name in with_warm_up]
        return ["*"] if names is None else [name for name in names if name not in with_warm_up]

    def _load_with_warm_up(self, deadline: Deadline) -> None:
        for name in self._to_warm_up:
            try:
                self.load(name, timeout=deadline.remaining())
            except TritonError as error:
                if self.options.exit_on_error:
                    raise
                LogMessage(LogLevel.ERROR, str(error))

    def _check_repositories_exist(self) -> None:
        for path in self._repositories:
            if "://" not in path and not os.path.isdir(path):
                raise InternalError(f"model_repository: {path!r} is not a directory")

    def _abandon(self) -> None:
        native, self._native = self._native, None
        if native is not None:
            self._enter(_State.STOPPED)
            _lifecycle.abandon(native)

    def _wait_until_ready(self, polling_interval: float, deadline: Deadline) -> None:
        while not self.ready():
            if not deadline.sleep(polling_interval):
                waiting = [
                    f"{entry['name']}: {entry.get('state', 'not loaded')} {entry.get('reason', '')}"
                    for entry in self.index()
                    if entry.get("state") != "READY"
                ]
                raise _too_late("becoming ready", "\n  ".join(waiting))

    def _ask(self, question: Callable[[TRITONSERVER_Server], bool]) -> bool:
        if self._state is _State.STOPPED:
            return False
        server = self._server
        try:
            return question(server)
        except UnavailableError:
            # Said by a core that is stopping, and in a forked child, where it must be heard.
            server._check_process()
            return False

    def _explicit(self, action: str, error: type[TritonError]) -> TRITONSERVER_Server:
        server = self._server
        if self._mode != ModelControlMode.EXPLICIT:
            raise error(_wrong_mode(action, ModelControlMode.EXPLICIT))
        return server

    def _load(
        self, call: Callable[[], None], what: str, deadline: Deadline, model: str | None = None
    ) -> None:
        # Of what is loaded already, and replaced by this.
        pins = ModelPins(self._server, model)
        with _log_route.collecting() as log:
            try:
                self._run(call, what, deadline, log)
                if model is None and (failure := self._poll_failure(log())) is not None:
                    raise failure
                self._warn_after_load(None if model is None else [model])
            except DeadlinePassed:
                raise _too_late(what, "it goes on in the background") from None
            except TritonError as error:
                _failed_reloads.note(self._server)
                raise _load_errors.explain(error, log(), self._repositories) from None
            finally:
                pins.drop_all_later()

    def _warn_after_load(self, names: list[str] | None) -> None:
        warn_after_load(self._repositories, names, self.model)

    def _poll_failure(self, log: list[Record]) -> TritonError | None:
        models = {entry["name"] for entry in self.index()}
        return _load_errors.poll_failure(log, models | set(self._repositories))

    def _run(
        self,
        call: Callable[[], T],
        what: str,
        deadline: Deadline,
        log: Callable[[], list[Record]] | None = None,
    ) -> T:
        def tracked() -> T:
            self._operations.append(what)
            try:
                return call()
            finally:
                self._operations.remove(what)

        def say_what_takes_long() -> None:
            models = ", ".join(_load_errors.unfinished(log())) if log is not None else ""
            warnings.warn(
                f"the {what} takes long" + (f"; loading: {models}" if models else ""),
                RuntimeWarning,
                stacklevel=6,
            )

        return run(tracked, deadline, what.partition(" ")[0], say_what_takes_long)

    def _ensembles_with(self, name: str) -> set[str]:
        """The ensembles that are loaded and use the model, in one of their ensembles, too."""
        steps: dict[str, set[str]] = {}
        for entry in self.index(ready_only=True):
            with contextlib.suppress(TritonError):  # it may be gone by now
                config = self._server.model_config(entry["name"], int(entry["version"]), 1)
                scheduling = _document(config).get("ensemble_scheduling", {})
                steps[entry["name"]] = {step["model_name"] for step in scheduling.get("step", ())}
        found = {name}
        while more := {user for user, used in steps.items() if used & found} - found:
            found |= more
        return found - {name}

    def _is_unloaded(self, name: str) -> bool:
        states = {entry.get("state") for entry in self.index() if entry["name"] == name}
        return states <= {None, "UNAVAILABLE"} and not self._server.model_is_ready(name, -1)


def _directories(repository: str) -> list[str]:
    with os.scandir(repository) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir())


def _document(message: TRITONSERVER_Message) -> Any:
    return json.loads(message.serialize_to_json())


def _wrong_mode(action: str, mode: ModelControlMode) -> str:
    return f"only a server with model_control_mode={mode.name} can {action}"


def _too_late(what: str, detail: str) -> UnavailableError:
    return UnavailableError(f"the time for the {what} was over" + (f"; {detail}" if detail else ""))
