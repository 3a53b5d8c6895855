"""The core's waits, which are ours where the core only lets time pass."""

import os
import pathlib
import subprocess
import sys
import threading
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("ended_before", [False, True])
def test_end_of_a_stop_that_would_take_a_day(core: Any, ended_before: bool) -> None:
    server = tb.TRITONSERVER_Server(tb.TRITONSERVER_ServerOptions())
    server.set_exit_timeout(24 * 60 * 60)
    core.inject("ServerStop", "sleep")
    if ended_before:
        server._end_stop(nothing_is_alive=False)
    stopping = threading.Thread(target=server.stop, daemon=True)
    stopping.start()
    if not ended_before:
        stopping.join(0.2)
        assert stopping.is_alive()
        server._end_stop(nothing_is_alive=False)
    stopping.join(60)
    assert not stopping.is_alive()


@pytest.mark.parametrize("nothing_is_alive", [False, True])
def test_failure_to_stop(core: Any, nothing_is_alive: bool) -> None:
    server = tb.TRITONSERVER_Server(tb.TRITONSERVER_ServerOptions())
    server._end_stop(nothing_is_alive)
    core.inject("ServerStop", "error")
    if nothing_is_alive:
        server.stop()
    else:
        core.leaked = 1  # what may still be used
        with pytest.raises(tb.AlreadyExistsError):
            server.stop()
    core.inject("", "")


def test_batchers_look_more_often(core: Any) -> None:
    assert core.batcher_wait() > 1


def test_keeping_the_waits() -> None:
    program = f"""
import ctypes
from tritonserver._c import triton_bindings as tb
tb._load_library({str(HERE / "libfake_core.so")!r}, "", "", "")
assert ctypes.CDLL({str(HERE / "libfake_core.so")!r}).fake_core_batcher_wait() == 1
"""
    environment = {**os.environ, "TRITONSERVER_KEEP_CORE_WAITS": "1"}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
