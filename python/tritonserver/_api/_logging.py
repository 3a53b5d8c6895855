"""Messages of the program in Triton's log."""

import sys

from tritonserver._api._enums import LogLevel
from tritonserver._api._schema import check
from tritonserver._c.triton_bindings import TRITONSERVER_LogMessage

__all__ = ["LogLevel", "LogMessage"]


def LogMessage(level: LogLevel, message: str) -> None:
    """Write to Triton's log, with the caller's file and line.

    The log is one for the process. What the last started server's options turned on goes, in this
    order, to its `log_callback`; to its `log_file`; to Python's logger `tritonserver`, if the
    program gave that logger a level or a handler before the start, in which case the logger's own
    level turns messages on as well; or to standard error. Levels that are off are dropped. In a
    file and on standard error verbose messages look like INFO, as the core writes them. A callback
    has got the message when this returns, unless it takes more than a second.

    Raises
    ------
    TypeError
        `level` is not a `LogLevel`, or `message` not a `str`.
    InvalidArgumentError
        `message` has an embedded NUL character.

    Notes
    -----
    C API: TRITONSERVER_LogMessage
    """
    check(LogLevel, "level", level)
    check(str, "message", message)
    caller = sys._getframe(1)
    TRITONSERVER_LogMessage(level, caller.f_code.co_filename, caller.f_lineno, message)
