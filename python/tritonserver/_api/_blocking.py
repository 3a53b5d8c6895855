"""Calls that block for long: bounded by a deadline, and open to Ctrl-C and other signals."""

import math
import sys
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from tritonserver._api._schema import check
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import InvalidArgumentError

T = TypeVar("T")

# How often a wait lets the greenlets of its thread run, which there are under gevent.
_GIVE_WAY_SECONDS = 0.05

# When whoever waits is told for what.
_SLOW_SECONDS = 10

_running: "set[BackgroundCall[Any]]" = set()


def seconds(name: str, value: float) -> float:
    """Return `value` if it is a number of seconds, 0 or more; errors start with `name`."""
    number: float = check(float, name, value)
    if not number >= 0:
        raise InvalidArgumentError(f"{name}: {value!r} must be 0 or more")
    return number


class Deadline:
    """The time at which something must be over; never, if `timeout` is None.

    Parameters
    ----------
    timeout
        Seconds from now, 0 or more.

    Attributes
    ----------
    timeout : float
        What was given; infinity for None.

    Raises
    ------
    InvalidArgumentError
        It is negative or NaN.
    TypeError
        It is no number.
    """

    def __init__(self, timeout: float | None) -> None:
        self.timeout = math.inf if timeout is None else seconds("timeout", timeout)
        self._end = time.monotonic() + self.timeout

    def remaining(self) -> float | None:
        """Seconds left, not below 0; None if there is no end."""
        return None if self._end == math.inf else max(0.0, self._end - time.monotonic())

    def within(self, seconds: float) -> "Deadline":
        """The earlier of this deadline and the time in so many seconds."""
        remaining = self.remaining()
        return Deadline(seconds if remaining is None else min(seconds, remaining))

    def sleep(self, seconds: float) -> bool:
        """Sleep so long, but not beyond the deadline; False if that has come."""
        remaining = self.remaining()
        if remaining == 0:
            return False
        time.sleep(seconds if remaining is None else min(seconds, remaining))
        return True


class DeadlinePassed(Exception):
    """The deadline came before the call returned."""


class BackgroundCall(Generic[T]):
    """A call on a thread of its own, because native code sees no signal and has no timeout."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function: Callable[[], T] | None = function
        self._name = name
        self._thread: _inference.SystemThread | None = None
        self._result: list[T] = []
        self._error: BaseException | None = None

    def start(self) -> bool:
        """Begin the call; False if there can be no thread, and it has to `run_here`."""
        if sys.is_finalizing():
            return False
        _running.add(self)
        try:
            self._thread = _inference.SystemThread(self.run_here, f"triton-{self._name}")
        except RuntimeError:
            _running.discard(self)
            return False
        return True

    def join(self, deadline: Deadline) -> bool:
        """Wait for the end of the call; False if the deadline comes first."""
        if self._thread is None:
            return True
        while not self._thread.join(deadline.within(_GIVE_WAY_SECONDS).remaining()):
            time.sleep(0)
            if deadline.remaining() == 0:
                return False
        return True

    def wait(self, deadline: Deadline) -> T:
        """Return what the call returned, or raise what it raised; DeadlinePassed if it has not."""
        if not self.join(deadline):
            raise DeadlinePassed
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._result.pop()

    def run_here(self) -> None:
        """Make the call on this thread, which cannot be interrupted then."""
        function, self._function = self._function, None
        assert function is not None
        try:
            self._result.append(function())
        except BaseException as error:
            self._error = error
        _running.discard(self)


def run(
    function: Callable[[], T], deadline: Deadline, name: str, when_slow: Callable[[], None]
) -> T:
    """Return what `function` returns, or raise what it raises; call `when_slow` after a while.

    If the deadline comes first, or a signal handler raises while waiting, the call goes on in the
    background, since the core cannot be told to give up, and its result is dropped when it comes.

    Raises
    ------
    DeadlinePassed
        The deadline came first.
    """
    call = BackgroundCall(function, name)
    if not call.start():
        call.run_here()
    elif not call.join(deadline.within(_SLOW_SECONDS)) and deadline.remaining() != 0:
        when_slow()
    return call.wait(deadline)


def wait_for_all(deadline: Deadline) -> None:
    """Wait for calls that were given up, before the interpreter exits.

    A call that comes back while it exits would end the process, for its thread cannot go on.
    """
    for call in list(_running):
        call.join(deadline)


def run_later(function: Callable[[], None], name: str) -> None:
    """Have `function` called on a thread of its own, or at once if there can be none."""
    call = BackgroundCall(function, name)
    if not call.start():
        call.run_here()
