"""How the core is found and opened: each test in a process that has none yet."""

import pathlib
import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(run_program: Run) -> Callable[[str], str]:
    """Run a program that must succeed, and return what it prints."""

    def run(program: str) -> str:
        result = run_program(program)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    return run


def test_no_core_is_needed_before_the_first_call(run: Callable[[str], str]) -> None:
    assert run("print(tb._loaded_library(), tb.TRITONSERVER_DataType.FP32)") == (
        "None TRITONSERVER_DataType.FP32"
    )


def test_the_locator_is_asked_once(run: Callable[[str], str]) -> None:
    program = """
    calls = []
    def locate():
        calls.append(1)
        return tritonserver._api._home.locate_core()
    tb._set_home_locator(locate)
    print(len(calls), tb.api_version()[0], tb.api_version()[0], len(calls))
    assert tb._loaded_library().endswith(".so")
    """
    assert run(program) == "0 1 1 1"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ("tb.NotFoundError('no core here')", "NotFoundError('no core here')"),
        ("tb.CancelledError('stopped')", "CancelledError('stopped')"),
        ("OSError('disk on fire')", "UnknownError('OSError: disk on fire')"),
        ("KeyboardInterrupt()", "UnknownError('KeyboardInterrupt')"),
    ],
)
def test_exception_of_the_locator(run: Callable[[str], str], raised: str, expected: str) -> None:
    program = f"""
    def locate():
        raise {raised}
    tb._set_home_locator(locate)
    for _ in range(2):
        try:
            tb.api_version()
        except tb.TritonError as error:
            print(repr(error), tb._loaded_library())
    """
    assert run(program).splitlines() == [f"{expected} None"] * 2


def test_locator_that_returns_something_else(run: Callable[[str], str]) -> None:
    program = """
    tb._set_home_locator(lambda: ("a", "b"))
    try:
        tb.TRITONSERVER_ServerOptions()
    except tb.InvalidArgumentError as error:
        print(error)
    """
    assert run(program) == "the home locator must return four strings"


def test_one_process_has_one_core(run: Callable[[str], str]) -> None:
    program = """
    tb.api_version()
    library = tb._loaded_library()
    tb._load_library(library, "", "", "")
    try:
        tb._load_library("/other/libtritonserver.so", "", "", "")
    except tb.AlreadyExistsError as error:
        assert library in str(error) and "/other/libtritonserver.so" in str(error)
        print("refused")
    """
    assert run(program) == "refused"


def test_library_that_is_missing(run: Callable[[str], str], tmp_path: pathlib.Path) -> None:
    program = f"""
    try:
        tb._load_library({str(tmp_path / "libtritonserver.so")!r}, "", "", "")
    except tb.NotFoundError as error:
        print(error)
    """
    assert str(tmp_path) in run(program)


def test_library_that_is_no_core(run: Callable[[str], str]) -> None:
    program = """
    import _ctypes
    for library in (_ctypes.__file__, ""):
        try:
            tb._load_library(library, "", "", "")
        except tb.InvalidArgumentError as error:
            print(error)
    """
    no_core, empty = run(program).splitlines()
    assert "is not a Triton core" in no_core
    assert empty == "library must not be empty"


def test_calls_are_counted_on_demand(run: Callable[[str], str]) -> None:
    program = """
    tb._set_call_counting({count})
    tb.api_version()
    tb.api_version()
    counts = tb._call_counts()
    print(len(counts), counts["TRITONSERVER_ApiVersion"], counts["TRITONSERVER_ServerNew"])
    try:
        tb._set_call_counting(True)
    except tb.InvalidArgumentError as error:
        assert "before" in str(error)
    """
    assert run(program.format(count=True)) == "173 2 0"
    assert run(program.format(count=False)) == "173 0 0"


def test_first_calls_on_many_threads(run: Callable[[str], str]) -> None:
    program = """
    import concurrent.futures
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        print(len(set(pool.map(lambda _: tb.api_version(), range(64)))))
    """
    assert run(program) == "1"
