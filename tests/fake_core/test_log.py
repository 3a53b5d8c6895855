"""The log of cores that call a function for each record, which those of other tests do not."""

import ctypes
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tritonserver._api import _log_route
from tritonserver._c import triton_bindings as tb

LIBRARY = pathlib.Path(__file__).with_name("libfake_core.so")
Level = tb.TRITONSERVER_LogLevel


class Recorder(list[tuple[Any, ...]]):
    """A callback that keeps the records."""

    def __call__(self, *record: Any) -> None:
        self.append(record)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def start(callback: Any) -> tb.TRITONSERVER_Server:
    options = tb.TRITONSERVER_ServerOptions()
    options.set_log_verbose(1)
    options.set_log_callback(callback)
    return tb.TRITONSERVER_Server(options)


@pytest.fixture
def logged(core: Any, recorder: Recorder) -> Iterator[None]:
    """The log of the last server goes to the recorder, and afterwards nowhere."""
    start(recorder)
    yield
    start(None)


def flush() -> None:
    """Wait for what was logged before."""
    tb.TRITONSERVER_LogMessage(Level.INFO, "", 0, "flush")


@pytest.mark.parametrize("level", Level)
def test_record(core: Any, recorder: Recorder, logged: None, level: Level) -> None:
    message = 'größer "quoted" \\ \n\tV1 2 x.cc:3] and a second line'
    core.log(level, message.encode())
    flush()
    assert recorder[0] == (level, "core.cc", 1, 1795558393527943, message)
    assert type(recorder[0][0]) is Level


def test_text_that_is_not_utf_8(core: Any, recorder: Recorder, logged: None) -> None:
    core.log(Level.INFO, b"\xff\x7f\x01")
    flush()
    assert recorder[0][4] == "\ufffd\x7f\x01"


def test_message_of_the_program(recorder: Recorder, logged: None) -> None:
    tb.TRITONSERVER_LogMessage(Level.VERBOSE, "/somewhere/a:b c.py", -3, "in detail")
    assert recorder == [(Level.VERBOSE, "a:b c.py", -3, 1795558393527943, "in detail")]


def test_the_next_server(core: Any, recorder: Recorder, logged: None) -> None:
    core.log(Level.INFO, b"first")
    other = Recorder()
    start(other)
    core.log(Level.INFO, b"second")
    flush()
    assert [record[4] for record in recorder] == ["first"]
    assert [record[4] for record in other] == ["second", "flush"]
    start(None)
    core.log(Level.INFO, b"third")
    flush()
    assert len(recorder) == 1
    assert len(other) == 2


def test_collected_for_an_error(core: Any, recorder: Recorder, logged: None) -> None:
    """Then all levels are on, which is not what the program wants to hear."""
    options = tb.TRITONSERVER_ServerOptions()
    for level, enabled in (("info", False), ("warn", True), ("error", True), ("verbose", 0)):
        getattr(options, f"set_log_{level}")(enabled)
    with _log_route.collecting() as log:
        for level in (Level.INFO, Level.WARN, Level.ERROR):
            core.log(level, level.name.encode())
        collected = [record.message for record in log()]
    assert collected == ["INFO", "WARN", "ERROR"]
    assert [record[4] for record in recorder] == ["WARN", "ERROR"]


def test_options_that_are_gone(core: Any, recorder: Recorder) -> None:
    """The function lives as long as the core may call it."""
    server = start(lambda *record: recorder(*record))
    core.log(Level.INFO, b"hello")
    server.stop()
    del server
    core.log(Level.INFO, b"after the server")
    flush()
    assert [record[4] for record in recorder] == ["hello", "after the server", "flush"]
    start(None)


def test_fault(core: Any) -> None:
    options = tb.TRITONSERVER_ServerOptions()
    core.inject("ServerOptionsSetLogCallback", "error")
    with pytest.raises(tb.AlreadyExistsError):
        options.set_log_callback(print)


def test_threads_with_and_without_the_gil(core: Any, recorder: Recorder, logged: None) -> None:
    """All log under a lock of the core's: one that waited for Python there would wait for ever."""
    with_gil = ctypes.PyDLL(LIBRARY).fake_core_log
    without_gil = ctypes.CDLL(LIBRARY).fake_core_log

    def log(thread: int) -> None:
        for number in range(1000):
            function = with_gil if number % 2 else without_gil
            function(int(Level.INFO), f"{thread}:{number}".encode())

    threads = [threading.Thread(target=log, args=[thread], daemon=True) for thread in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=60)
        assert not each.is_alive()
    flush()
    messages = [record[4] for record in recorder]
    for thread in range(4):
        mine = [message for message in messages if message.startswith(f"{thread}:")]
        assert mine == [f"{thread}:{number}" for number in range(1000)]


def test_the_end_of_the_program_while_the_core_logs(run: Callable[..., list[Any]]) -> None:
    program = """
    import ctypes, time
    tb._load_library(LIBRARY, "", "", "")
    options = tb.TRITONSERVER_ServerOptions()
    seen = []
    options.set_log_callback(lambda *record: seen.append(record[4]))
    server = tb.TRITONSERVER_Server(options)
    ctypes.CDLL(LIBRARY).fake_core_log_for_ever()
    while not seen:
        time.sleep(0.01)
    print(json.dumps(seen[0]))
    """
    assert run(program) == ["still here"]
