"""Calls that block for long: bounded by a deadline, and open to Ctrl-C and other signals."""

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tritonserver._c.triton_bindings import InvalidArgumentError

T = TypeVar("T")


class Deadline:
    """The time at which something must be over; never, if `timeout` is None.

    Parameters
    ----------
    timeout
        Seconds from now, 0 or more.

    Raises
    ------
    InvalidArgumentError
        It is negative or not a number.
    """

    def __init__(self, timeout: float | None) -> None:
        if timeout is not None and not timeout >= 0:
            raise InvalidArgumentError(f"timeout: {timeout!r} must be 0 or more, or None")
        self._end = math.inf if timeout is None else time.monotonic() + timeout

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


class DeadlinePassed(Exception):  # noqa: N818 - never leaves the package
    """The deadline came before the call returned."""


class BackgroundCall(Generic[T]):
    """A call on a thread of its own, because native code sees no signal and has no timeout."""

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function: Callable[[], T] | None = function
        self._result: list[T] = []
        self._error: BaseException | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"tritonserver-{name}", daemon=True)

    def start(self) -> None:
        """Begin the call."""
        try:
            self._thread.start()
        except RuntimeError:
            # From Python 3.12 on there are no new threads while the interpreter exits.
            self._run()

    def wait(self, deadline: Deadline) -> T:
        """Return what the call returned, or raise what it raised; DeadlinePassed if it has not."""
        if not self._done.wait(deadline.remaining()):
            raise DeadlinePassed
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._result.pop()

    def _run(self) -> None:
        function, self._function = self._function, None
        assert function is not None
        try:
            self._result.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again by the waiting thread
            self._error = error
        self._done.set()


def run(function: Callable[[], T], deadline: Deadline, name: str) -> T:
    """Return what `function` returns, or raise what it raises.

    If the deadline comes first, or a signal handler raises while waiting, the call goes on in the
    background, since the core cannot be told to give up, and its result is dropped when it comes.

    Raises
    ------
    DeadlinePassed
        The deadline came first.
    """
    call = BackgroundCall(function, name)
    call.start()
    return call.wait(deadline)
