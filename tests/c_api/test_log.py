"""The log: settings of the process, messages, and where they go."""

import pathlib
import re
from collections.abc import Iterator

import pytest

from tritonserver._c import triton_bindings as tb

Level = tb.TRITONSERVER_LogLevel
SETTERS = {Level.INFO: "set_log_info", Level.WARN: "set_log_warn", Level.ERROR: "set_log_error"}


@pytest.fixture
def options() -> Iterator[tb.TRITONSERVER_ServerOptions]:
    """Options, and afterwards a silent log on the console."""
    options = tb.TRITONSERVER_ServerOptions()
    yield options
    options.set_log_file("")
    options.set_log_format(tb.TRITONSERVER_LogFormat.DEFAULT)
    options.set_log_verbose(0)
    for setter in SETTERS.values():
        getattr(options, setter)(False)


@pytest.fixture
def log(options: tb.TRITONSERVER_ServerOptions, tmp_path: pathlib.Path) -> pathlib.Path:
    """The file that is logged to."""
    path = tmp_path / "log"
    options.set_log_file(str(path))
    return path


@pytest.mark.parametrize("level", SETTERS)
def test_level(options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path, level: Level) -> None:
    for enabled in (False, True):
        getattr(options, SETTERS[level])(enabled)
        assert tb.TRITONSERVER_LogIsEnabled(level) is enabled
    tb.TRITONSERVER_LogMessage(level, "/somewhere/here.py", 42, "hello")
    letter = level.name[0]
    assert re.fullmatch(rf'{letter}\d+ .* here\.py:42\] "hello"\n', log.read_text())


def test_message_below_the_level(options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path) -> None:
    options.set_log_info(False)
    tb.TRITONSERVER_LogMessage(Level.INFO, "here.py", 1, "hello")
    assert log.read_text() == ""


def test_verbose(options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path) -> None:
    for level in (-1, 0, 1, 2):
        options.set_log_verbose(level)
        assert tb.TRITONSERVER_LogIsEnabled(Level.VERBOSE) is (level > 0)
    tb.TRITONSERVER_LogMessage(Level.VERBOSE, "here.py", 1, "in detail")
    assert "in detail" in log.read_text()


def test_format(options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path) -> None:
    options.set_log_format(tb.TRITONSERVER_LogFormat.ISO8601)
    options.set_log_info(True)
    tb.TRITONSERVER_LogMessage(Level.INFO, "here.py", 1, "hello")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ I ", log.read_text())


def test_file_is_appended_to(options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path) -> None:
    options.set_log_info(True)
    tb.TRITONSERVER_LogMessage(Level.INFO, "here.py", 1, "first")
    options.set_log_file("")
    options.set_log_file(str(log))
    tb.TRITONSERVER_LogMessage(Level.INFO, "here.py", 1, "second")
    assert [line.split('"')[1] for line in log.read_text().splitlines()] == ["first", "second"]


def test_file_that_cannot_be_opened(
    options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path
) -> None:
    options.set_log_info(True)
    with pytest.raises(tb.InternalError, match="No such file or directory"):
        options.set_log_file(str(log.parent / "no_such_directory" / "log"))
    tb.TRITONSERVER_LogMessage(Level.INFO, "here.py", 1, "still here")
    assert "still here" in log.read_text()


def test_console(options: tb.TRITONSERVER_ServerOptions, capfd: pytest.CaptureFixture[str]) -> None:
    options.set_log_error(True)
    tb.TRITONSERVER_LogMessage(Level.ERROR, "here.py", 1, "to the console")
    captured = capfd.readouterr()
    assert "to the console" in captured.err + captured.out


def test_text_of_a_message(options: tb.TRITONSERVER_ServerOptions, log: pathlib.Path) -> None:
    options.set_log_info(True)
    tb.TRITONSERVER_LogMessage(Level.INFO, "", 0, "größer\n%s {}")
    assert "größer" in log.read_text(encoding="utf-8")
    assert "%s {}" in log.read_text(encoding="utf-8")
