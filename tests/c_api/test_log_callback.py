"""Functions that get the records of the log: from which server on, what they get, and when."""

import gc
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

Level = tb.TRITONSERVER_LogLevel
MakeOptions = Callable[..., tb.TRITONSERVER_ServerOptions]
Run = Callable[..., subprocess.CompletedProcess[str]]
Record = tuple[Any, ...]


class Recorder(list[Record]):
    """A callback that keeps the records."""

    def __call__(self, *record: Any) -> None:
        self.append(record)

    def messages(self) -> list[str]:
        return [record[4] for record in self]

    def of(self, message: str) -> Record:
        """Return the one record with this text."""
        [record] = [record for record in self if record[4] == message]
        return record


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def start(make_options: MakeOptions) -> Iterator[Callable[..., tb.TRITONSERVER_Server]]:
    """Start a server with a callback, or without; afterwards the log is as at first, and silent."""
    servers = []

    def start(callback: Any, *models: str, **levels: bool | int) -> tb.TRITONSERVER_Server:
        options = make_options(*models)
        for name, value in levels.items():
            getattr(options, f"set_log_{name}")(value)
        if callback is not None:
            options.set_log_callback(callback)
        servers.append(tb.TRITONSERVER_Server(options))
        return servers[-1]

    yield start
    options = make_options()
    options.set_log_file("")
    options.set_log_verbose(0)
    for server in [*servers, tb.TRITONSERVER_Server(options)]:
        server.stop()


def log(level: Level, message: str, filename: str = "/somewhere/here.py", line: int = 7) -> None:
    tb.TRITONSERVER_LogMessage(level, filename, line, message)


def test_parts_of_a_record(start: Callable[..., Any], recorder: Recorder) -> None:
    start(recorder, info=True, warn=True, error=True, verbose=1)
    before = time.time_ns() // 1000
    message = 'größer "quoted" \\ here.py:3] \n\tand a second line'
    for level in Level:
        log(level, f"{level.name}: {message}")
    after = time.time_ns() // 1000
    for level in Level:
        record = recorder.of(f"{level.name}: {message}")
        assert record[:3] == (level, "here.py", 7)
        assert [type(part) for part in record] == [Level, str, int, int, str]
        assert before <= record[3] <= after


@pytest.mark.parametrize(
    ("filename", "line", "shown"),
    [("", 0, ""), ("a:b.py", 1, "a:b.py"), ("a b.py", -1, "a b.py"), ("x/", 2, "")],
)
def test_source_of_a_record(
    start: Callable[..., Any], recorder: Recorder, filename: str, line: int, shown: str
) -> None:
    start(recorder, error=True)
    log(Level.ERROR, "hello", filename, line)
    assert recorder.of("hello")[1:3] == (shown, line)


def test_records_of_the_core(start: Callable[..., Any], recorder: Recorder) -> None:
    """From the start on, without a word of anybody."""
    server = start(recorder, "identity_fp32", info=True)
    loaded = recorder.of("successfully loaded 'identity_fp32'")
    assert loaded[:2] == (Level.INFO, "model_lifecycle.cc")
    server.stop()
    assert recorder.of("successfully unloaded 'identity_fp32' version 1")[0] == Level.INFO


def test_verbose_records_of_the_core(start: Callable[..., Any], recorder: Recorder) -> None:
    """With information off, what looks like information is verbose."""
    start(recorder, "identity_fp32", verbose=1)
    assert {record[0] for record in recorder} == {Level.VERBOSE}
    assert any("identity_fp32" in message for message in recorder.messages())
    assert "successfully loaded 'identity_fp32'" not in recorder.messages()


def test_levels_that_are_off(start: Callable[..., Any], recorder: Recorder) -> None:
    start(recorder, warn=True)
    for level in Level:
        log(level, f"message {level.name}")
    assert [text for text in recorder.messages() if "message" in text] == ["message WARN"]


def test_begins_with_the_server(
    make_options: MakeOptions,
    start: Callable[..., Any],
    recorder: Recorder,
    tmp_path: pathlib.Path,
) -> None:
    options = make_options()
    options.set_log_file(str(tmp_path / "log"))
    options.set_log_error(True)
    options.set_log_callback(recorder)
    log(Level.ERROR, "before")
    server = tb.TRITONSERVER_Server(options)
    log(Level.ERROR, "after")
    server.stop()
    log(Level.ERROR, "after the stop")
    assert "before" not in recorder.messages()
    assert recorder.messages()[-1] == "after the stop"
    assert "after" in recorder.messages()
    text = (tmp_path / "log").read_text()
    assert "before" in text
    assert "after" not in text


def test_ends_with_the_next_server_without_one(
    start: Callable[..., Any], recorder: Recorder, tmp_path: pathlib.Path
) -> None:
    first = start(recorder, error=True)
    log(Level.ERROR, "first")
    options = tb.TRITONSERVER_ServerOptions()
    options.set_log_file(str(tmp_path / "log"))  # which the callback goes before
    log(Level.ERROR, "second")
    start(None, error=True)
    log(Level.ERROR, "third")
    first.stop()
    assert [text for text in recorder.messages() if text in ("first", "second", "third")] == [
        "first",
        "second",
    ]
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split('"')[1] for line in lines if "here.py" in line] == ["third"]


def test_verbose_messages_have_no_mark_in_a_file(
    start: Callable[..., Any], recorder: Recorder, tmp_path: pathlib.Path
) -> None:
    start(recorder, verbose=1)
    log(Level.VERBOSE, "to the callback")
    assert recorder.of("to the callback")[:2] == (Level.VERBOSE, "here.py")
    start(None, verbose=1, file=str(tmp_path / "log"))
    log(Level.VERBOSE, "to the file")
    [line] = [line for line in (tmp_path / "log").read_text().splitlines() if "to the file" in line]
    assert line.endswith(' here.py:7] "to the file"')
    assert "VERBOSE" not in line


def test_the_next_server_with_another_one(start: Callable[..., Any], recorder: Recorder) -> None:
    other = Recorder()
    start(recorder, error=True)
    log(Level.ERROR, "first")
    start(other, error=True)
    log(Level.ERROR, "second")
    assert recorder.messages()[-1] == "first"
    assert other.messages()[-1] == "second"


def test_a_server_that_does_not_start(
    make_options: MakeOptions, start: Callable[..., Any], recorder: Recorder
) -> None:
    options = make_options("no_such_model")
    options.set_log_error(True)
    options.set_log_callback(recorder)
    with pytest.raises(tb.TritonError):
        tb.TRITONSERVER_Server(options)
    assert any("no_such_model" in message for message in recorder.messages())
    log(Level.ERROR, "still there")
    recorder.of("still there")


def test_none_takes_it_back(
    make_options: MakeOptions, start: Callable[..., Any], recorder: Recorder
) -> None:
    options = make_options()
    options.set_log_callback(recorder)
    options.set_log_callback(None)
    tb.TRITONSERVER_Server(options).stop()
    options.set_log_error(True)
    log(Level.ERROR, "hello")
    assert recorder == []


@pytest.mark.parametrize("callback", ["print", 1, [print]])
def test_what_cannot_be_called(make_options: MakeOptions, callback: Any) -> None:
    with pytest.raises(TypeError):
        make_options().set_log_callback(callback)


def test_lives_as_long_as_it_may_be_called(start: Callable[..., Any]) -> None:
    recorder = Recorder()
    alive = weakref.ref(recorder)
    start(recorder, error=True)
    del recorder
    gc.collect()
    log(Level.ERROR, "hello")
    kept = alive()
    assert kept is not None
    kept.of("hello")
    start(None)
    del kept
    deadline = time.monotonic() + 30
    while alive() is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert alive() is None


def test_what_it_raises_is_reported(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(str(args.exc_value)))

    def callback(*record: Any) -> None:
        raise ValueError(record[4])

    start(callback, error=True)
    log(Level.ERROR, "first")
    log(Level.ERROR, "second")
    assert reported[-2:] == ["first", "second"]


def test_it_may_log_and_use_the_server(start: Callable[..., Any]) -> None:
    messages: list[str] = []
    servers: list[tb.TRITONSERVER_Server] = []

    def callback(*record: Any) -> None:
        messages.append(record[4])
        if record[4] == "first":
            assert servers[0].is_live()
            log(Level.ERROR, "second")

    servers.append(start(callback, error=True))
    log(Level.ERROR, "first")
    log(Level.ERROR, "third")
    assert messages[-3:] == ["first", "second", "third"]


def test_who_logs_does_not_wait_for_ever(start: Callable[..., Any], recorder: Recorder) -> None:
    """Not even for a callback that waits for whoever logs."""
    lock = threading.Lock()

    def callback(*record: Any) -> None:
        with lock:
            recorder(*record)

    start(callback, error=True)
    with lock:
        log(Level.ERROR, "first")
        assert "first" not in recorder.messages()
    log(Level.ERROR, "second")
    assert recorder.messages()[-2:] == ["first", "second"]


def test_order_of_many_threads(start: Callable[..., Any], recorder: Recorder) -> None:
    start(recorder, error=True)
    numbers = range(200)

    def write(thread: int) -> None:
        for number in numbers:
            log(Level.ERROR, f"{thread}:{number}")

    threads = [threading.Thread(target=write, args=[thread]) for thread in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for thread in range(4):
        mine = [text.split(":")[1] for text in recorder.messages() if text[:2] == f"{thread}:"]
        assert mine == [str(number) for number in numbers]


PROGRAM = """
import os
options = tb.TRITONSERVER_ServerOptions()
options.set_model_repository_path("tests/models/native")
options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
options.set_startup_model("identity_fp32")
options.set_gpu_metrics(False)
options.set_log_info(True)
options.set_log_callback(lambda *record: print(record[4], flush=True))
server = tb.TRITONSERVER_Server(options)
"""


def test_the_end_of_the_program(run_program: Run) -> None:
    """The server that nobody stopped is stopped then, and its last records come."""
    result = run_program(PROGRAM)
    assert (result.returncode, result.stderr) == (0, "")
    assert "successfully loaded 'identity_fp32'" in result.stdout
    assert "successfully unloaded 'identity_fp32' version 1" in result.stdout


def test_a_forked_process(run_program: Run) -> None:
    """It can log and set the log, without the threads of its parent."""
    program = """
    server.stop()
    if (child := os.fork()) == 0:
        tb.TRITONSERVER_LogMessage(tb.TRITONSERVER_LogLevel.INFO, "here.py", 1, "child")
        options.set_log_info(False)
        options.set_log_file("")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    tb.TRITONSERVER_LogMessage(tb.TRITONSERVER_LogLevel.INFO, "here.py", 1, "parent")
    """
    result = run_program(PROGRAM + textwrap.dedent(program))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "parent"
