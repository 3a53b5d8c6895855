"""The fake core, which this process uses, and its control."""

import ctypes
import gc
import json
import os
import pathlib
import runpy
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tritonserver  # noqa: F401 - names the exceptions
from tritonserver._c import triton_bindings as tb

HERE = pathlib.Path(__file__).parent
LIBRARY = HERE / "libfake_core.so"
TABLE = runpy.run_path(str(HERE / "calls.py"))

PROLOGUE = f"""
import json, os, runpy
import tritonserver
from tritonserver._c import triton_bindings as tb

LIBRARY = {str(LIBRARY)!r}
TABLE = runpy.run_path({str(HERE / "calls.py")!r})


def describe(error):
    return [type(error).__name__, str(error)]

"""


class FakeCore:
    """What fake_core.cc says at its end."""

    def __init__(self) -> None:
        tb._load_library(str(LIBRARY), "", "", "")
        self._library = ctypes.CDLL(str(LIBRARY))
        self._library.fake_core_mistakes.restype = ctypes.c_char_p
        self._library.fake_core_resume.restype = ctypes.c_bool
        self._library.fake_core_set_output_size.argtypes = [ctypes.c_size_t]
        self.leaked = 0  # what a test leaves on purpose

    def inject(self, function: str, fault: str) -> None:
        self._library.fake_core_inject(function.encode(), fault.encode())

    @property
    def injected(self) -> int:
        number: int = self._library.fake_core_injected()
        return number

    @property
    def mistakes(self) -> str:
        text: bytes = self._library.fake_core_mistakes()
        return text.decode()

    @property
    def objects(self) -> int:
        number: int = self._library.fake_core_objects()
        return number

    def resume(self) -> bool:
        resumed: bool = self._library.fake_core_resume()
        return resumed

    def play(self, script: str) -> None:
        self._library.fake_core_play(script.encode())

    def batcher_wait(self) -> int:
        wakeups: int = self._library.fake_core_batcher_wait()
        return wakeups

    def set_output_size(self, byte_size: int) -> None:
        self._library.fake_core_set_output_size(byte_size)

    def log(self, level: tb.TRITONSERVER_LogLevel, message: bytes) -> None:
        self._library.fake_core_log(int(level), message)


@pytest.fixture(scope="session")
def fake_core() -> FakeCore:
    return FakeCore()


def new_server() -> tb.TRITONSERVER_Server:
    return tb.TRITONSERVER_Server(tb.TRITONSERVER_ServerOptions())


@pytest.fixture(scope="session")
def server(fake_core: FakeCore) -> tb.TRITONSERVER_Server:
    """A server for many tests: deleting one takes its time."""
    server = new_server()
    TABLE["Objects"](server)  # now there is all that stays
    return server


@pytest.fixture
def core(fake_core: FakeCore, server: tb.TRITONSERVER_Server) -> Iterator[FakeCore]:
    """The fake core; the test must not leave objects or make mistakes."""
    before = fake_core.objects
    yield fake_core
    fake_core.inject("", "")
    fake_core.play("fx")
    fake_core.set_output_size(8)
    assert fake_core.mistakes == ""
    # A thread of the core lets go of its last object a moment after it called.
    deadline = time.monotonic() + 30
    while fake_core.objects != before + fake_core.leaked and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert fake_core.objects == before + fake_core.leaked
    fake_core.leaked = 0


@pytest.fixture
def call(core: FakeCore, server: tb.TRITONSERVER_Server) -> Callable[[str, str], Any]:
    """Give a function a fault and call it, as calls.py does, with objects without faults."""

    def call(function: str, fault: str) -> Any:
        ends = function in ("ServerDelete", "ServerStop")
        objects = TABLE["Objects"](new_server() if ends else server)
        core.inject(function, fault)
        try:
            return TABLE["CALLS"][function](objects)
        finally:
            injected = core.injected
            core.inject("", "")
            assert injected, "the function was not called"

    return call


@pytest.fixture
def run() -> Callable[..., list[Any]]:
    """Run a program in a process of its own, and return what it prints, a line of JSON each."""

    def run(program: str, **environment: str) -> list[Any]:
        result = subprocess.run(
            [sys.executable, "-c", PROLOGUE + textwrap.dedent(program)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    return run
