import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tritonserver.runtime import _elf
from tritonserver.runtime._embedded import prepare
from tritonserver.runtime._wheel import Wheel

_OPEN_ALL = """
import ctypes
import sys

library, backend = sys.argv[1:]
try:
    ctypes.CDLL(backend)
except OSError as error:
    print(error)
core = ctypes.CDLL(library)
major, minor = ctypes.c_uint32(), ctypes.c_uint32()
core.TRITONSERVER_ApiVersion(ctypes.byref(major), ctypes.byref(minor))
print(major.value, minor.value >= 27)
print(hasattr(ctypes.CDLL(backend), "TRITONBACKEND_ApiVersion"))
print([line for line in open("/proc/self/maps") if "[stack]" in line and "x" in line.split()[1]])
"""


def test_the_shim_opens_the_core_under_its_usual_name(
    wheel: Wheel, tmp_path: Path, run_program: Callable[..., Any]
) -> None:
    # A library without code stands for a container's backend: it has the same need.
    machine = _elf.machine_of(wheel.core)
    backend = tmp_path / "libtriton_some.so"
    backend.write_bytes(_elf.shim(machine, backend.name, ["libtritonserver.so"], rpath="/nowhere"))

    ended = run_program(_OPEN_ALL, prepare(wheel).library, backend)

    before, version, resolves, executable_stack = ended.output.splitlines()
    assert "libtritonserver.so: cannot open shared object file" in before
    assert version == "1 True"
    assert resolves == "True"
    assert executable_stack == "[]"


def test_the_copied_python_backend_opens_after_the_shim(
    wheel: Wheel, run_program: Callable[..., Any]
) -> None:
    home = prepare(wheel)
    backend = home.root / "backends" / "python" / "libtriton_python.so"

    ended = run_program(_OPEN_ALL, home.library, backend)

    assert ended.code == 0, ended.errors


def test_machine_of_reads_the_header(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(_elf.shim(183, "library.so", [], rpath=""))

    assert _elf.machine_of(library) == 183
    assert struct.unpack_from("<H", library.read_bytes(), 18) == (183,)
