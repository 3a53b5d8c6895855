"""Where Triton's log goes.

The core has one log for the process and writes it to standard error or to a file; it has no
callback. When Python wants to read it, the core is given a file in memory instead: to pass records
on to `logging` or `Options.log_callback`, and, while a server starts or loads a model, to quote the
errors in the exception, for some reasons are found nowhere else. A file in memory, unlike a pipe,
never makes the core wait for Python, so that the locks of the two cannot meet.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tritonserver._api._enums import LogFormat, LogLevel
from tritonserver._api._log_records import NOISE, Record, parse
from tritonserver._api._log_sinks import (
    Sink,
    callback_sink,
    configured_logger,
    file_sink,
    logger_sink,
)
from tritonserver._c.triton_bindings import InternalError, TRITONSERVER_ServerOptions
from tritonserver.runtime import gpu_present

if TYPE_CHECKING:
    from tritonserver._api._options import Options

_POLL_SECONDS = 0.05
_CHUNK_BYTES = 1 << 16
_FILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Settings:
    """What the log of the process is set to: where to, what and how."""

    file: str = ""
    sink: Sink | None = None
    info: bool = False
    warn: bool = False
    error: bool = False
    verbose: int = 0
    format: LogFormat = LogFormat.DEFAULT

    def wants(self, record: Record) -> bool:
        """Whether the log is on for `record`, and it says something of this machine."""
        if record.message in NOISE and not gpu_present():
            return False
        return {LogLevel.INFO: self.info, LogLevel.WARN: self.warn}.get(record.level, self.error)


def apply(options: "Options") -> None:
    """Point the log of the process where `options` want it, as `LogMessage` describes.

    Raises
    ------
    InternalError
        The log file cannot be opened.
    """
    _route.set(_settings(options))


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


def _settings(options: "Options") -> _Settings:
    logger = configured_logger() if not options.log_file else None
    sink: Sink | None = None
    if options.log_callback is not None:
        sink = callback_sink(options.log_callback)
    elif logger is not None:
        sink = logger_sink(logger)

    def wanted(level: int) -> bool:
        return sink is not None and logger is not None and logger.isEnabledFor(level)

    return _Settings(
        file=os.fspath(options.log_file or ""),
        sink=sink,
        # By number, for `logging` is only imported by programs that use it.
        info=options.log_info or wanted(20),
        warn=options.log_warn or wanted(30),
        error=options.log_error or wanted(40),
        verbose=max(options.log_verbose, 1 if wanted(10) else 0),
        format=options.log_format if sink is None else LogFormat.DEFAULT,
    )


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
        self._settings = _Settings()
        self._collectors: list[list[Record]] = []
        # The last one is the core's target; one before it is read to its end.
        self._files: list[_MemoryFile] = []
        self._forward: Sink | None = None
        self._pending: list[tuple[Sink, Record]] = []
        self._rounds = 0
        self._thread: threading.Thread | None = None

    def set(self, settings: _Settings) -> None:
        with self._lock:
            if settings.sink is None:
                try:
                    TRITONSERVER_ServerOptions().set_log_file(settings.file)
                except InternalError as error:
                    reason = str(error).rpartition(": ")[2].strip()
                    raise InternalError(f"log_file: {settings.file!r}: {reason}") from None
            self._settings = settings
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
                self._round_ended.wait_for(lambda: self._rounds >= goal, timeout=1)

    def _install(self) -> None:
        """Point the core at the target that settings and collectors ask for."""
        settings = self._settings
        native = TRITONSERVER_ServerOptions()
        if settings.sink is None and not self._collectors:
            native.set_log_file(settings.file)
            self._catch_up()
            self._forward = None
        else:
            self._files = self._files or [_MemoryFile()]
            native.set_log_file(self._files[-1].path)
            self._forward = settings.sink
            if settings.sink is None and settings.error:
                self._forward = file_sink(settings.file)
            if self._forward is not None and self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="tritonserver-log", daemon=True
                )
                self._thread.start()
        native.set_log_info(settings.info or bool(self._collectors))
        native.set_log_warn(settings.warn or bool(self._collectors))
        native.set_log_error(settings.error or bool(self._collectors))
        native.set_log_verbose(settings.verbose)
        native.set_log_format(settings.format)

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
        if (forward := self._forward) is not None:
            self._pending += [(forward, r) for r in records if self._settings.wants(r)]
        return file.bytes_read - before

    def _run(self) -> None:
        while True:
            with self._lock:
                self._read()
                batch, self._pending = self._pending, []
                if not batch and self._forward is None:
                    self._thread = None
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


class _Unraisable:
    """Reports an error through `sys.unraisablehook`, which Python reaches by `__del__` only."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __del__(self) -> None:
        raise self._error


_route = _LogRoute()
