"""Triton's log: where it goes, and what its records say."""

import logging
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tritonserver import InternalError, LogFormat, LogLevel, LogMessage, ModelControlMode, Server
from tritonserver._api import _log_route
from tritonserver._api._log_records import Record, parse
from tritonserver._c.triton_bindings import TRITONSERVER_LogIsEnabled, TRITONSERVER_ServerOptions

Start = Callable[..., Server]
Run = Callable[..., Any]

NOTHING = Record(LogLevel.INFO, "", 0, 0, 0, "", "")


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The logger `tritonserver`, which is put back."""
    logger = logging.getLogger("tritonserver")
    before = logger.level, list(logger.handlers)
    yield logger
    logger.setLevel(before[0])
    logger.handlers[:] = before[1]


def test_nothing_is_logged_by_default(
    start_server: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    server = start_server("models/test")
    LogMessage(LogLevel.ERROR, "nobody asked")
    server.stop()
    assert capfd.readouterr() == ("", "")


def test_standard_error(start_server: Start, capfd: pytest.CaptureFixture[str]) -> None:
    server = start_server("native/identity_fp32", log_info=True)
    LogMessage(LogLevel.INFO, "hello")
    server.stop()
    output, errors = capfd.readouterr()
    assert output == ""
    lines = errors.splitlines()
    assert any("successfully loaded 'identity_fp32'" in line for line in lines)
    assert any("test_logging.py:" in line and line.endswith('] "hello"') for line in lines)
    assert any("successfully unloaded 'identity_fp32'" in line for line in lines)


def test_file(start_server: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "server.log"
    server = start_server("native/identity_fp32", log_info=True, log_file=str(file))
    LogMessage(LogLevel.INFO, "hello from the application")
    server.stop()
    text = file.read_text()
    assert text.count("successfully loaded 'identity_fp32'") == 1
    assert text.count("hello from the application") == 1
    assert capfd.readouterr() == ("", "")


def test_format(start_server: Start, tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    start_server("native/identity_fp32", log_warn=True, log_file=file, log_format=LogFormat.ISO8601)
    LogMessage(LogLevel.WARN, "hello")
    record = parse(file.read_text(), NOTHING)[-1]
    assert record.text[:4].isdigit()
    assert (record.level, record.message) == (LogLevel.WARN, "hello")


def test_levels_that_are_off_are_dropped(start_server: Start, tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    start_server("native/identity_fp32", log_error=True, log_file=file)
    for level in (LogLevel.INFO, LogLevel.WARN, LogLevel.ERROR, LogLevel.VERBOSE):
        LogMessage(level, f"message {level.name}")
    messages = [record.message for record in parse(file.read_text(), NOTHING)]
    assert [message for message in messages if message.startswith("message")] == ["message ERROR"]
    assert TRITONSERVER_LogIsEnabled(LogLevel.ERROR)
    assert not TRITONSERVER_LogIsEnabled(LogLevel.WARN)


@pytest.mark.parametrize(("level", "message"), [(2, "x"), ("ERROR", "x"), (LogLevel.ERROR, 1)])
def test_log_message_checks_its_arguments(level: Any, message: Any) -> None:
    with pytest.raises(TypeError):
        LogMessage(level, message)


def test_callback(start_server: Start, capfd: pytest.CaptureFixture[str]) -> None:
    records: list[tuple[LogLevel, str, int, int, str]] = []
    began = time.time_ns() // 1000
    server = start_server(
        "native/identity_fp32", log_info=True, log_callback=lambda *record: records.append(record)
    )
    line = sys._getframe().f_lineno + 1
    LogMessage(LogLevel.ERROR, 'hello "you"\nthere é')
    server.stop()
    by_message = {record[-1]: record for record in records}
    assert "successfully loaded 'identity_fp32'" in by_message
    level, filename, number, timestamp_us, _ = by_message['hello "you"\nthere é']
    assert type(level) is LogLevel
    assert (level, filename, number) == (LogLevel.ERROR, "test_logging.py", line)
    assert began <= timestamp_us <= time.time_ns() // 1000
    assert [record[-1] for record in records][-1].startswith("Timeout")
    assert capfd.readouterr() == ("", "")


def test_a_callback_that_raises_is_reported(
    start_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: reported.append(args.exc_value))

    def callback(*record: Any) -> None:
        raise ValueError(record[-1])

    server = start_server("native/identity_fp32", log_error=True, log_callback=callback)
    LogMessage(LogLevel.ERROR, "bad")
    server.stop()
    assert [str(error) for error in reported][-1] == "bad"


def test_a_callback_may_use_the_server(start_server: Start) -> None:
    seen: list[str] = []
    servers: list[Server] = []

    def callback(*record: Any) -> None:
        if servers and not seen:
            seen.append(servers[0].metadata()["name"])
            LogMessage(LogLevel.ERROR, "from the callback")

    servers.append(start_server("native/identity_fp32", log_error=True, log_callback=callback))
    LogMessage(LogLevel.ERROR, "begin")
    servers[0].stop()
    assert seen == ["triton"]


def test_levels_of_a_callback(start_server: Start) -> None:
    """Verbose messages of the program are told apart; those of older cores look like INFO."""
    records: list[tuple[Any, ...]] = []
    start_server("native/identity_fp32", log_verbose=1, log_callback=lambda *r: records.append(r))
    for level in LogLevel:
        LogMessage(level, level.name)
    assert [record[0].name for record in records[-4:]] == ["INFO", "WARN", "ERROR", "VERBOSE"]
    assert [record[-1] for record in records[-4:]] == ["INFO", "WARN", "ERROR", "VERBOSE"]


def test_a_callback_begins_with_the_server(repository: Callable[..., Path]) -> None:
    """Not with its options, and not if something is wrong before the server is created."""
    records: list[Any] = []
    server = Server(
        model_repository=[repository("native/identity_fp32"), "/no/such/repository"],
        log_error=True,
        log_callback=lambda *record: records.append(record),
    )
    with pytest.raises(InternalError, match="no/such/repository"):
        server.start()
    LogMessage(LogLevel.ERROR, "nobody hears it")
    assert records == []


def test_a_callback_goes_before_the_logger(
    start_server: Start, logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    logger.setLevel(logging.DEBUG)
    records: list[Any] = []
    start_server("native/identity_fp32", log_error=True, log_callback=lambda *r: records.append(r))
    LogMessage(LogLevel.WARN, "off")
    LogMessage(LogLevel.ERROR, "on")
    assert [record[-1] for record in records][-1] == "on"
    assert "off" not in [record[-1] for record in records]
    assert caplog.records == []


def test_a_callback_stays_while_models_are_loaded(start_server: Start) -> None:
    """What is collected for an error, with all levels on, is not for the callback."""
    records: list[Any] = []
    server = start_server(
        "native/identity_fp32",
        log_error=True,
        log_callback=lambda *record: records.append(record),
        model_control_mode=ModelControlMode.EXPLICIT,
    )
    server.load("identity_fp32")
    LogMessage(LogLevel.ERROR, "after the load")
    assert {record[0] for record in records} == {LogLevel.ERROR}
    assert records[-1][-1] == "after the load"


def test_a_later_server_restores_the_default(
    repository: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    path = repository("native/identity_fp32")
    records: list[Any] = []
    first = Server(
        model_repository=path, log_error=True, log_callback=lambda *record: records.append(record)
    ).start()
    second = Server(model_repository=path, log_error=True).start()
    before = len(records)
    LogMessage(LogLevel.ERROR, "to standard error")
    second.stop()
    first.stop()
    assert len(records) == before
    assert "to standard error" in capfd.readouterr().err


def test_logger_with_a_level(
    start_server: Start, logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    logger.setLevel(logging.INFO)
    server = start_server("native/identity_fp32")
    line = sys._getframe().f_lineno + 1
    LogMessage(LogLevel.WARN, "careful")
    server.stop()
    by_message = {record.getMessage(): record for record in caplog.records}
    loaded = by_message["successfully loaded 'identity_fp32'"]
    assert (loaded.name, loaded.levelno, loaded.filename) == (
        "tritonserver",
        logging.INFO,
        "model_lifecycle.cc",
    )
    record = by_message["careful"]
    assert (record.levelno, record.filename, record.lineno) == (
        logging.WARNING,
        "test_logging.py",
        line,
    )
    assert abs(record.created - time.time()) < 10
    assert record.thread == threading.get_native_id()


def test_logger_that_nobody_configured_is_left_alone(
    start_server: Start, logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    start_server("native/identity_fp32", log_info=True).stop()
    assert caplog.records == []


def test_a_log_file_goes_before_the_logger(
    start_server: Start, logger: logging.Logger, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    logger.setLevel(logging.DEBUG)
    file = tmp_path / "server.log"
    start_server("native/identity_fp32", log_info=True, log_file=file).stop()
    assert caplog.records == []
    assert "successfully loaded" in file.read_text()


def test_last_records_come_before_the_error(
    start_server: Start, logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    logger.setLevel(logging.ERROR)
    server = start_server("failing/mismatched_types", model_control_mode=ModelControlMode.EXPLICIT)
    with pytest.raises(Exception, match="mismatched_types"):
        server.load("mismatched_types")
    assert "failed to load 'mismatched_types'" in caplog.text


def test_nothing_is_lost_when_much_is_logged(start_server: Start) -> None:
    records: list[str] = []
    server = start_server(
        "native/identity_fp32", log_info=True, log_callback=lambda *r: records.append(r[-1])
    )
    numbers = range(20000)

    def write(thread: int) -> None:
        for number in numbers:
            LogMessage(LogLevel.INFO, f"{thread}:{number}:{'x' * 100}")

    threads = [threading.Thread(target=write, args=[thread]) for thread in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    server.stop()
    for _ in range(50):
        _log_route.flush()
    for thread in range(2):
        mine = [r.split(":")[1] for r in records if r.startswith(f"{thread}:")]
        assert mine == [str(number) for number in numbers]


def test_a_log_file_that_fails_keeps_the_log(start_server: Start, tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    start_server("native/identity_fp32", log_error=True, log_file=file)
    with pytest.raises(InternalError, match="log_file"):
        Server(model_repository=tmp_path, log_file=tmp_path / "no" / "file").start()
    LogMessage(LogLevel.ERROR, "still here")
    assert "still here" in file.read_text()


def test_a_log_file_is_found_again(
    start_server: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log leaves it while a model is loaded, and the program may be elsewhere then."""
    monkeypatch.chdir(tmp_path)
    server = start_server(
        "native/identity_fp32",
        log_error=True,
        log_file="server.log",
        model_control_mode=ModelControlMode.EXPLICIT,
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    server.load("identity_fp32")
    LogMessage(LogLevel.ERROR, "after the load")
    assert "after the load" in (tmp_path / "server.log").read_text()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_log_file_that_is_not_found_again(
    start_server: Start, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The load has nothing to do with it; the log goes on, on the console."""
    (tmp_path / "logs").mkdir()
    server = start_server(
        "native/identity_fp32",
        log_error=True,
        log_file=tmp_path / "logs" / "server.log",
        model_control_mode=ModelControlMode.EXPLICIT,
    )
    shutil.rmtree(tmp_path / "logs")
    server.load("identity_fp32")
    LogMessage(LogLevel.ERROR, "after the load")
    errors = capfd.readouterr().err
    assert "server.log" in errors
    assert "after the load" in errors


def test_settings_of_the_c_api_stay(start_server: Start, tmp_path: Path) -> None:
    """A load changes them for a moment only."""
    server = start_server("native/identity_fp32", model_control_mode=ModelControlMode.EXPLICIT)
    options = TRITONSERVER_ServerOptions()
    options.set_log_file(str(tmp_path / "log"))
    options.set_log_warn(True)
    server.load("identity_fp32")
    assert not TRITONSERVER_LogIsEnabled(LogLevel.INFO)
    assert TRITONSERVER_LogIsEnabled(LogLevel.WARN)
    LogMessage(LogLevel.WARN, "hello")
    assert "hello" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('E1124 22:13:13.527943 12821 a.cc:12] "x \\"y\\"\\n\\u00e9"\n', ['x "y"\né']),
        ("2026-11-24T22:13:13Z W 1 a.cc:1] plain\n", ["plain"]),
        ("I1124 22:13:13.527943 1 a.cc:1] \n+--+\n| x |\n+--+\n\n", ["\n+--+\n| x |\n+--+"]),
        ("tail of the one before\n", ["tail of the one before"]),
        ('W0101 00:00:00.000000 1 a.cc:1] "a"\nI0101 00:00:00.000000 1 b.cc:2] "b"\n', ["a", "b"]),
        ('I1124 22:13:13.527943 1 VERBOSE a.cc:1] "a"\n', ["a"]),
        ('V1795558393527943 1 a b:c.cc:1] "a.cc:1] b"\n', ["a.cc:1] b"]),
        ('I1124 22:13:13.527943 1 :-1] "no source"\n', ["no source"]),
        ("", []),
    ],
)
def test_parse(text: str, expected: list[str]) -> None:
    records = parse(text, NOTHING)
    assert [record.message for record in records] == expected


def test_a_program_that_ends_at_once_loses_nothing(
    run_program: Run, repository: Callable[..., Path]
) -> None:
    program = """
    import logging, sys, tritonserver
    logging.basicConfig(format="%(levelname)s %(message)s")
    logging.getLogger("tritonserver").setLevel(logging.WARNING)
    server = tritonserver.Server(model_repository=sys.argv[1]).start()
    tritonserver.LogMessage(tritonserver.LogLevel.WARN, "last words")
    """
    ended = run_program(program, repository("native/identity_fp32"))
    assert ended.code == 0
    assert "WARNING last words\n" in ended.errors
