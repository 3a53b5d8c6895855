"""What takes the records of Triton's log in Python."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tritonserver._api._enums import LogLevel
from tritonserver._api._log_records import Record

if TYPE_CHECKING:
    import logging

#: Called as `callback(level, filename, line, timestamp_us, message)`.
LogCallback = Callable[[LogLevel, str, int, int, str], object]

Sink = Callable[[Record], object]


def configured_logger() -> "logging.Logger | None":
    """Return the logger `tritonserver` if the program has given it a level or a handler."""
    module = sys.modules.get("logging")
    if module is None:
        return None
    logger: logging.Logger = module.getLogger("tritonserver")
    return logger if logger.level or logger.handlers else None


def callback_sink(callback: "LogCallback") -> Sink:
    """Return a sink that calls `callback` with the parts of each record."""

    def call(record: Record) -> None:
        callback(record.level, record.filename, record.line, record.timestamp_us, record.message)

    return call


def logger_sink(logger: "logging.Logger") -> Sink:
    """Return a sink that logs with the level, source, time and thread that Triton wrote."""
    import logging

    levels = {
        LogLevel.VERBOSE: logging.DEBUG,
        LogLevel.INFO: logging.INFO,
        LogLevel.WARN: logging.WARNING,
        LogLevel.ERROR: logging.ERROR,
    }

    def log(record: Record) -> None:
        level = levels[record.level]
        if not logger.isEnabledFor(level):
            return
        made = logger.makeRecord(
            logger.name, level, record.filename, record.line, record.message, (), None
        )
        made.created = record.timestamp_us / 1e6
        made.msecs = record.timestamp_us // 1000 % 1000
        made.thread, made.threadName = record.thread, "triton"
        logger.handle(made)

    return log


def file_sink(file: str) -> Sink:
    """Return a sink that writes what the core would: to `file`, or to standard error if empty."""

    def write(record: Record) -> None:
        line = f"{record.text}\n".encode()
        if file:
            with open(file, "ab") as opened:
                opened.write(line)
        else:
            os.write(2, line)

    return write
