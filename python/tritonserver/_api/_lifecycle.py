"""Ending servers: by `Server.stop`, and at the exit of the interpreter."""

import atexit
import contextlib
import ctypes
import math
import os
import weakref
from collections import Counter
from collections.abc import Callable, Iterable

from tritonserver._api import _failed_reloads, _log_route
from tritonserver._api._blocking import (
    BackgroundCall,
    Deadline,
    DeadlinePassed,
    run_later,
    wait_for_all,
)
from tritonserver._api._model_pins import IDLE_SECONDS, ModelPins
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import (
    InternalError,
    TritonError,
    TRITONSERVER_Server,
    UnavailableError,
    UnsupportedError,
)

# Requests get this long to end by themselves before they are cancelled.
_GRACE_SECONDS = 0.5

# How much later than told the core may return from stopping.
_MARGIN_SECONDS = 0.5

# What runs, with its exit timeout. A server that nobody refers to any more stops itself.
_running: "weakref.WeakKeyDictionary[TRITONSERVER_Server, int]" = weakref.WeakKeyDictionary()
_has_run = False
_forked_while_running = False
_failed_to_stop: "weakref.WeakSet[TRITONSERVER_Server]" = weakref.WeakSet()


def check_fork() -> None:
    """Raise UnavailableError if this process was forked from one with a running server.

    The core's threads are missing here and its locks may be held for ever.
    """
    if _forked_while_running:
        raise UnavailableError(
            "this process was forked while a server was running, so Triton cannot be used in it; "
            "fork before the start or after the stop, or use the start method 'spawn'"
        )


def register(server: TRITONSERVER_Server, exit_timeout: int) -> None:
    """Have `server` stopped when the interpreter exits, in so many seconds."""
    global _has_run
    _has_run = True
    _running[server] = exit_timeout


def is_running(server: TRITONSERVER_Server) -> bool:
    """Whether `server` was registered and has not been stopped since."""
    return server in _running


def stop(
    server: TRITONSERVER_Server,
    deadline: Deadline,
    operations: Callable[[], Iterable[str]] = tuple,
    grace: float = _GRACE_SECONDS,
) -> None:
    """Stop `server`; requests that do not end within `grace` seconds are cancelled.

    The core cannot be stopped a second time after it failed to. Then this waits until nothing is
    in flight any more, and leaves the rest of the server to the end of the process.

    Parameters
    ----------
    server
        A server that was registered.
    deadline
        When to give up.
    operations
        Returns what is in progress besides requests, for the error.

    Raises
    ------
    InternalError
        Something was still alive when the time was over; the text says what.
    """
    if server in _failed_to_stop:
        stopped = _becomes_idle(server, deadline, operations)
    else:
        stopped = _stop_core(server, deadline, operations, grace)
    _running.pop(server, None)
    if stopped:
        _log_route.flush()
        return
    _failed_to_stop.add(server)
    alive = ", ".join(_alive(server, operations))
    raise InternalError(
        "Exit timeout expired. Exiting immediately. "
        f"Still alive after {deadline.timeout:g} s: {alive or 'models that are busy or hang'}"
    )


def abandon(server: TRITONSERVER_Server) -> None:
    """Stop in the background a server that nobody is going to use."""
    exit_timeout = _running.pop(server)
    run_later(lambda: stop(server, Deadline(exit_timeout), grace=0), "stop")


def _stop_core(
    server: TRITONSERVER_Server,
    deadline: Deadline,
    operations: Callable[[], Iterable[str]],
    grace: float,
) -> bool:
    with contextlib.suppress(UnsupportedError):
        server.set_exit_timeout(math.ceil(deadline.remaining() or 0))
    patience = Deadline(grace)
    pins = ModelPins(server)
    with _failed_reloads.watch(server) as only_leftovers_live:
        stopping = BackgroundCall(server.stop, "stop")
        if not stopping.start():
            _inference.cancel_all(server)
            pins.drop_all()
            stopping.run_here()
        while not stopping.join(deadline.within(IDLE_SECONDS)):
            if deadline.remaining() == 0:
                server._end_stop(nothing_is_alive=False)
                break
            if patience.remaining() == 0:
                _inference.cancel_all(server)
            pins.drop_idle()
            if only_leftovers_live() and not list(operations()):
                server._end_stop(nothing_is_alive=True)
        try:
            stopping.wait(Deadline(_MARGIN_SECONDS))
        except (DeadlinePassed, InternalError):
            return False
        return True


def _becomes_idle(
    server: TRITONSERVER_Server, deadline: Deadline, operations: Callable[[], Iterable[str]]
) -> bool:
    while _inference.cancel_all(server) or operations():
        if not deadline.sleep(_MARGIN_SECONDS):
            return False
    return True


def _alive(server: TRITONSERVER_Server, operations: Callable[[], Iterable[str]]) -> list[str]:
    requests = Counter(_inference.in_flight(server))
    return [
        *(f"{count} request(s) of model {model!r}" for model, count in requests.items()),
        *operations(),
    ]


def _after_fork_in_child() -> None:
    global _forked_while_running
    _forked_while_running = _forked_while_running or bool(_running)
    _running.clear()
    _log_route.reset_after_fork()
    if _has_run:
        # At exit the core would join threads that are not in this process. What is registered last
        # runs first: write what is buffered, and end without the core's destructors.
        libc = ctypes.CDLL(None)
        libc.on_exit(libc._exit, None)
        libc.on_exit(libc.fcloseall, None)


os.register_at_fork(after_in_child=_after_fork_in_child)


@atexit.register
def _stop_all() -> None:
    # Callbacks of the core could not enter Python any more. Nobody waits for results now.
    for server, exit_timeout in list(_running.items()):
        with contextlib.suppress(TritonError):
            stop(server, Deadline(exit_timeout), grace=0)
    _log_route.flush()
    wait_for_all(Deadline(_MARGIN_SECONDS))
