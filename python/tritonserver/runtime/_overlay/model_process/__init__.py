"""What every model process runs before any model code.

A copy of this package lies in the overlay environment of a prepared home, where a ``.pth`` file
imports it as soon as the interpreter inside the Python backend's stub starts. It uses nothing but
the standard library.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import inspect
import io
import json
import locale
import os
import select
import signal
import site
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

from ._answers import see_to_answers
from ._failures import in_full

_ANSWER_SECONDS = 10


def start() -> None:
    """Turn the bare interpreter of the stub into the environment of the embedding process."""
    embedding = json.loads(os.environ.pop("TRITONSERVER_EMBEDDING_PROCESS", "null"))
    refusal = os.environ.pop("TRITONSERVER_MODEL_REFUSED", None)
    _drop_first_item("PATH", os.path.join(sys.prefix, "bin"))
    _drop_first_item("LD_LIBRARY_PATH", os.path.join(sys.prefix, "libpython"))
    _take_locale()
    if embedding is not None:
        _die_with(embedding)
        _take_search_path(embedding)
    sys.meta_path.insert(0, _ModelFinder(embedding, refusal))


def _drop_first_item(variable: str, item: str) -> None:
    """Undo what the launcher did, so that children of the model do not inherit it."""
    first, _, rest = os.environ.get(variable, "").partition(":")
    if first == item and rest:
        os.environ[variable] = rest
    elif first == item:
        del os.environ[variable]


def _take_locale() -> None:
    """Give text files and prints the encoding that they have in any other Python program.

    The interpreter of the stub starts without a locale, so that it knows ASCII only.
    """
    for name in ("", "C.UTF-8"):
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_CTYPE, name)
        if locale.nl_langinfo(locale.CODESET) != "ANSI_X3.4-1968":  # ASCII
            break
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a model prints would otherwise come when its process ends, unless to a terminal.
            stream.reconfigure(encoding=locale.nl_langinfo(locale.CODESET), line_buffering=True)


def _take_search_path(embedding: dict[str, Any]) -> None:
    """Import the same modules from the same places as the embedding process.

    ``addsitedir``, because the finders of editable installations come from ``.pth`` files.
    """
    for directory in embedding["path"]:
        if os.path.basename(directory) in ("site-packages", "dist-packages"):
            site.addsitedir(directory)
    sys.path[:] = _search_path(embedding)


def _search_path(embedding: dict[str, Any]) -> list[str]:
    path: list[str] = embedding["shadow"] + embedding["path"]
    return path


def _take_identity(embedding: dict[str, Any]) -> None:
    """Finish what could not be done while `site` was still at work, and the stub not yet.

    The stub puts the working directory first on the path, where its files would shadow modules.
    """
    path = _search_path(embedding)
    if sys.path[1 : 1 + len(path)] == path:
        del sys.path[0]
    sys.executable = embedding["executable"]
    sys.prefix, sys.exec_prefix = embedding["prefix"], embedding["exec_prefix"]


def _die_with(embedding: dict[str, Any]) -> None:
    """Have the kernel kill this process when the embedding one ends, whoever holds the GIL then.

    The life line is a pipe of the embedding process that is never written to; it hangs up when that
    process is gone. The stub watches its parent as well, but needs the GIL to act, which a model
    in the middle of a request may never give back.
    """
    path = f"/proc/{embedding.get('pid')}/fd/{embedding.get('life_line')}"
    try:
        life_line = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return  # Gone, or not ours to look into: the stub's own watch remains.
    fcntl.fcntl(life_line, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life_line, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(life_line, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    if _poll(life_line, timeout_ms=0):  # It ended before the signal was asked for.
        os._exit(1)


def _keep_bytecode_out_of(model: str) -> None:
    """Leave the directory of the model as it is, or Triton would load the model again for that."""
    source_loader: Any = SourceFileLoader
    write = source_loader.set_data

    def set_data(loader: Any, path: Any, data: Any, *, _mode: int = 0o666) -> None:
        if not os.fspath(path).startswith(model + os.sep):
            write(loader, path, data, _mode=_mode)

    source_loader.set_data = set_data


def _poll(fd: int, timeout_ms: int | None) -> bool:
    poll = select.poll()
    poll.register(fd)
    return bool(poll.poll(timeout_ms))


class _ModelFinder:
    """Guards the import of the model, for which the backend waits without a limit.

    The stub turns an exception in the model into an error of the load, but cannot do that with its
    own death. So before the import the process forks an understudy: should the process die before
    the model is loaded, the understudy plays on from there, and raises.
    """

    def __init__(self, embedding: dict[str, Any] | None, refusal: str | None) -> None:
        with open("/proc/self/cmdline", "rb") as file:
            arguments = [os.fsdecode(argument) for argument in file.read().split(b"\0")]
        model, backend = arguments[1], arguments[9]  # A backend may itself be a `model.py`.
        self._path = model if backend == "DEFAULT" else os.path.join(backend, "model.py")
        self._embedding = embedding
        self._refusal = refusal
        self._understudy: int | None = None

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.rpartition(".")[2] + ".py" != os.path.basename(self._path):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or not os.path.samefile(spec.origin, self._path):
            return None
        sys.meta_path.remove(self)
        _keep_bytecode_out_of(os.path.dirname(os.path.dirname(self._path)))
        if self._embedding is not None:
            _take_identity(self._embedding)
        if self._refusal:
            raise ImportError(self._refusal)
        self._fork_understudy()
        self._watch(spec.loader)
        return spec

    def _fork_understudy(self) -> None:
        process = os.getpid()
        try:
            process_fd = os.pidfd_open(process)
        except (AttributeError, OSError):  # A model's own Python 3.8; a kernel before 5.3.
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # About threads: the stub has some.
            self._understudy = os.fork()
        if self._understudy:
            os.close(process_fd)
            atexit.register(self._dismiss_understudy)
            return
        if self._embedding is not None:
            _die_with(self._embedding)
        _poll(process_fd, timeout_ms=None)
        # From here the stub answers the backend and ends. The timer is for the case that it cannot.
        signal.setitimer(signal.ITIMER_REAL, _ANSWER_SECONDS)
        raise ImportError(f"the process of the model {_end_of(process)} while it was loading")

    def _dismiss_understudy(self) -> None:
        if self._understudy:
            os.kill(self._understudy, signal.SIGKILL)
            os.waitpid(self._understudy, 0)
            self._understudy = None

    def _watch(self, loader: Any) -> None:
        """Dismiss the understudy as soon as the stub can answer on its own again."""
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            try:
                with self._telling_in_full():
                    execute(module)
                self._refuse_numpy_2()
            except BaseException:
                self._dismiss_understudy()
                raise
            model_class = getattr(module, "TritonPythonModel", None)
            if isinstance(model_class, type):
                self._watch_methods(model_class)
            else:
                self._dismiss_understudy()

        loader.exec_module = exec_module

    def _in_full(self, error: Exception) -> Exception:
        return in_full(error, bool(self._embedding and self._embedding["shadow"]))

    @contextlib.contextmanager
    def _telling_in_full(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise self._in_full(error) from None

    def _refuse_numpy_2(self) -> None:
        """Raise if the stub, built for NumPy 1, would read the wrong bytes of every array."""
        import numpy

        if int(numpy.__version__.partition(".")[0]) < 2:
            return
        remedy = 'install "numpy<2" there'
        if self._embedding is not None and not self._embedding.get("own_environment"):
            remedy += ", or run `python -m tritonserver.runtime install` to give models their own"
        raise ImportError(
            f"Python models need NumPy < 2, but NumPy {numpy.__version__} is in "
            f"{os.path.dirname(numpy.__file__)}; {remedy}"
        )

    def _watch_methods(self, model_class: Any) -> None:
        # The stub calls one of the two, in different processes.
        complete: Any = getattr(model_class, "auto_complete_config", None)
        initialize = inspect.getattr_static(model_class, "initialize", None)

        def auto_complete_config(config: Any) -> Any:
            try:
                with self._telling_in_full():
                    return complete(config)
            finally:
                self._dismiss_understudy()

        def initialize_(model: Any, arguments: dict[str, str]) -> None:
            try:
                if initialize is not None:
                    with self._telling_in_full():
                        initialize.__get__(model, model_class)(arguments)
            finally:
                self._dismiss_understudy()
            policy = json.loads(arguments["model_config"]).get("model_transaction_policy", {})
            if not policy.get("decoupled"):
                see_to_answers(model_class, arguments["model_name"], self._in_full)
            import asyncio  # noqa: F401 (needed for the first request, which would take 50 ms)

        if complete is not None:
            model_class.auto_complete_config = staticmethod(auto_complete_config)
        model_class.initialize = initialize_


def _end_of(process: int) -> str:
    """Say how our parent ``process``, which is dead, came to its end."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            status = int(file.read().rsplit(")", 1)[1].split()[-1])
    except OSError:
        return "ended"  # Somebody collected it already, and its status with it.
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with exit code {code}"
    names = {item.value: item.name for item in signal.Signals}
    return f"was killed by {names.get(-code, f'signal {-code}')}"


start()
