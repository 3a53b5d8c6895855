"""Where Triton's log goes.

The core has one log for the process and writes it to standard error or to a file. When Python wants
to read it, the core is given a file in memory instead: to pass records on to `logging` or to a
callback, and, while a server starts or loads a model, to quote the errors in the exception, for
some reasons are found nowhere else. A file in memory, unlike a pipe, never makes the core wait for
Python, so that the locks of the two cannot meet. Cores that have a callback of their own, from
26.08 on, write to the same file through it, which tells verbose messages apart.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from tritonserver._api._enums import LogFormat, LogLevel
from tritonserver._api._log_records import NOISE, Record, parse
from tritonserver._api._log_sinks import (
    LogCallback,
    Sink,
    callback_sink,
    configured_logger,
    file_sink,
    logger_sink,
)
from tritonserver._c.triton_bindings import (
    InternalError,
    TRITONSERVER_ServerOptions,
    _divert_log,
    _log_settings,
    _undivert_log,
)
from tritonserver.runtime import gpu_present

_POLL_SECONDS = 0.05
_CHUNK_BYTES = 1 << 16
_FILE_BYTES = 1 << 20


class _Settings(NamedTuple):
    """What the log of the process is set to, by options of either API."""

    file: str
    info: bool
    warn: bool
    error: bool
    verbose: int

    def wants(self, record: Record) -> bool:
        """Whether the log is on for `record`, and it says something of this machine."""
        if record.message in NOISE and not gpu_present():
            return False
        return {
            LogLevel.VERBOSE: self.verbose > 0,
            LogLevel.INFO: self.info or self.verbose > 0,  # which may be written alike
            LogLevel.WARN: self.warn,
            LogLevel.ERROR: self.error,
        }[record.level]


def apply(
    native: TRITONSERVER_ServerOptions,
    *,
    file: str | None,
    callback: LogCallback | None,
    info: bool,
    warn: bool,
    error: bool,
    verbose: int,
    format: LogFormat,
) -> None:
    """Set the log of the process, as `LogMessage` describes. The callback comes with the server.

    Raises
    ------
    InternalError
        The log file cannot be opened.
    """
    logger = configured_logger() if not file and callback is None else None

    def wanted(level: int) -> bool:
        return logger is not None and logger.isEnabledFor(level)

    try:
        native.set_log_file(file or "")
    except InternalError as failure:
        reason = str(failure).rpartition(": ")[2].strip()
        raise InternalError(f"log_file: {file!r}: {reason}") from None
    # By number, for `logging` is only imported by programs that use it.
    native.set_log_info(info or wanted(20))
    native.set_log_warn(warn or wanted(30))
    native.set_log_error(error or wanted(40))
    native.set_log_verbose(max(verbose, 1 if wanted(10) else 0))
    native.set_log_format(format)
    native.set_log_callback(callback)
    _route.set_default(None if logger is None else logger_sink(logger))


def install(callback: LogCallback | None) -> Callable[[], None]:
    """Have records go to `callback`, or where they go without one: a server is being created.

    Returns
    -------
    flush
        What waits until the callback has got everything logged so far.
    """
    _route.set_callback(None if callback is None else callback_sink(callback))
    return flush


def collecting() -> AbstractContextManager[Callable[[], list[Record]]]:
    """Return a context that gives a function: what was logged since the context was entered.

    All but verbose messages are collected, whether or not the log is on. Other parts of the process
    may log at the same time, and their messages are among them.
    """
    return _route.collecting()


def flush() -> None:
    """Wait, for a second at most, until everything logged so far has been passed on."""
    _route.flush()


def reset_after_fork() -> None:
    """Start anew in a forked child, where neither the thread nor the locks can be relied on."""
    global _route
    _route = _LogRoute()


class _MemoryFile:
    """A file in memory that the core appends to and Python reads."""

    def __init__(self) -> None:
        self._descriptor = os.memfd_create("triton-log")
        self._partial = b""
        self._last = Record(LogLevel.INFO, "", 0, 0, 0, "", "")
        self.path = f"/proc/self/fd/{self._descriptor}"
        self.bytes_read = 0

    def unread(self) -> int:
        """How many bytes there are to read."""
        return os.fstat(self._descriptor).st_size - self.bytes_read

    def read(self) -> list[Record]:
        """Return some of the records that have come since the last call."""
        read = os.pread(self._descriptor, _CHUNK_BYTES, self.bytes_read)
        self.bytes_read += len(read)
        lines, newline, self._partial = (self._partial + read).rpartition(b"\n")
        records = parse((lines + newline).decode(errors="replace"), self._last)
        if records:
            self._last = records[-1]
        return records

    def close(self) -> None:
        os.close(self._descriptor)


class _LogRoute:
    """The log of the process. All its state is under one lock; sinks are called without it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._round_ended = threading.Condition(self._lock)
        self._wake = threading.Event()
        # Where records go: to the callback or, if there is none, to the default.
        self._callback: Sink | None = None
        self._default: Sink | None = None
        self._collectors: list[list[Record]] = []
        # The last one is the core's target; one before it is read to its end.
        self._files: list[_MemoryFile] = []
        self._forward: Sink | None = None
        self._pending: list[tuple[Sink, Record]] = []
        self._rounds = 0
        self._thread: threading.Thread | None = None

    def set_callback(self, sink: Sink | None) -> None:
        with self._lock:
            self._catch_up()
            self._callback = sink
            self._install()

    def set_default(self, sink: Sink | None) -> None:
        with self._lock:
            self._catch_up()
            self._default = sink
            self._install()

    @contextmanager
    def collecting(self) -> Iterator[Callable[[], list[Record]]]:
        records: list[Record] = []

        def read() -> list[Record]:
            with self._lock:
                self._catch_up()
            return records

        with self._lock:
            self._collectors.append(records)
            self._install()
        try:
            yield read
        finally:
            with self._lock:
                self._catch_up()
                self._collectors = [other for other in self._collectors if other is not records]
                self._install()
            self.flush()

    def flush(self) -> None:
        """Wait, for a second at most, until the sink has got everything logged so far."""
        with self._lock:
            if self._thread not in (None, threading.current_thread()):
                goal = self._rounds + 2  # what has begun may have missed something
                self._wake.set()
                self._round_ended.wait_for(
                    lambda: self._rounds >= goal or self._thread is None, timeout=1
                )

    def _install(self) -> None:
        """Point the core at the target that sinks and collectors ask for."""
        self._forward = self._callback or self._default
        if self._forward is None and not self._collectors:
            _undivert_log()
            self._catch_up()
            return
        self._files = self._files or [_MemoryFile()]
        _divert_log(self._files[-1].path, bool(self._collectors), self._forward is not None)
        file, *levels = _log_settings()
        if self._forward is None and any(levels):
            self._forward = file_sink(file)
        if self._forward is not None and self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tritonserver-log", daemon=True)
            self._thread.start()

    def _catch_up(self) -> None:
        """Read all that was written before, but not for ever if more is written all the time."""
        unread = sum(file.unread() for file in self._files)
        while unread > 0:
            unread -= self._read()

    def _read(self) -> int:
        """Read some, for collectors and, through the thread, for the sink; return its bytes."""
        if not self._files:
            return 0
        file = self._files[0]
        before = file.bytes_read
        records = file.read()
        if len(self._files) > 1 and not file.unread():
            self._files.remove(file)
            file.close()
        elif len(self._files) == 1 and file.bytes_read > _FILE_BYTES:
            self._files.append(_MemoryFile())
            self._install()
        for collected in self._collectors:
            collected += records
        if (forward := self._forward) is not None and records:
            settings = _Settings(*_log_settings())
            if not self._collectors and not settings.info:
                records = [_as_verbose(record) for record in records]
            self._pending += [(forward, r) for r in records if settings.wants(r)]
        return file.bytes_read - before

    def _run(self) -> None:
        while True:
            with self._lock:
                self._read()
                batch, self._pending = self._pending, []
                if not batch and self._forward is None:
                    self._thread = None
                    self._round_ended.notify_all()
                    return
            for sink, record in batch:
                try:
                    sink(record)
                except Exception as error:
                    _Unraisable(error)
            with self._lock:
                self._rounds += 1
                self._round_ended.notify_all()
            if not batch:
                self._wake.wait(_POLL_SECONDS)
            self._wake.clear()


def _as_verbose(record: Record) -> Record:
    """Return `record` as what it is if there is no information: the core writes them alike."""
    is_verbose = record.level == LogLevel.INFO
    return record._replace(level=LogLevel.VERBOSE) if is_verbose else record


class _Unraisable:
    """Reports an error through `sys.unraisablehook`, which Python reaches by `__del__` only."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __del__(self) -> None:
        raise self._error


_route = _LogRoute()
