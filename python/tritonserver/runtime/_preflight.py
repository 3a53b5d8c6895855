"""Why Python models cannot run here, found out before the core tries.

For most of these reasons the core would wait for ever for a process that never comes up.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import _numpy, _pins
from ._interpreter import Interpreter
from ._wheel import Wheel

_SHARED_MEMORY = "/dev/shm"
_SHARED_MEMORY_PER_INSTANCE = 1 << 20


def problem(home: Path, wheel: Wheel, interpreter: Interpreter) -> str | None:
    """Return one sentence with the reason and the remedy, or None if Python models can run.

    Takes well below a millisecond once the stub has been seen to start from this ``home``.
    """
    return (
        _interpreter_problem(wheel, interpreter)
        or _numpy_problem(interpreter)
        or _system_problem()
        or _stub_problem(home, interpreter)
    )


def _interpreter_problem(wheel: Wheel, interpreter: Interpreter) -> str | None:
    if wheel.stub(interpreter.version) is None:
        available = sorted((path.name for path in wheel.stubs.iterdir()), key=_version_key)
        return (
            f"this Triton cannot run models with Python {interpreter.version}: run the program "
            f"with one of {', '.join(available)}"
        )
    if interpreter.executable is None:
        return (
            f"no interpreter of Python {interpreter.version} found for model processes; "
            "run the program with a Python executable"
        )
    return None


def _version_key(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


def _numpy_problem(interpreter: Interpreter) -> str | None:
    if _numpy.for_models(interpreter.version) is not None:
        return None
    own = _numpy.on_path()
    found = f"NumPy {own.version} is in {own.directory}" if own else "there is no NumPy"
    if interpreter.version in _pins.NUMPY:
        remedy = (
            "run `python -m tritonserver.runtime install` to give models their own, "
            'or install "numpy<2"'
        )
    else:
        remedy = (
            f"there is none for Python {interpreter.version}: run the program with one of "
            f"{', '.join(_pins.NUMPY)}"
        )
    return f"Python models need NumPy < 2, but {found}; {remedy}"


def _system_problem() -> str | None:
    if shutil.which("bash") is None:
        return "the Python backend starts models with bash, and none is on PATH; install it"
    if not os.access("/tmp", os.W_OK | os.X_OK):
        return "the Python backend needs a writable /tmp; give this user write permission"
    if not os.access(_SHARED_MEMORY, os.W_OK | os.X_OK):
        return f"the Python backend needs a writable {_SHARED_MEMORY}; mount a tmpfs there"
    status = os.statvfs(_SHARED_MEMORY)
    free = status.f_bavail * status.f_frsize
    if free < _SHARED_MEMORY_PER_INSTANCE:
        return (
            f"{_SHARED_MEMORY} has {free} bytes left, and each instance of a Python model needs "
            "1 MB; free some or make it larger (`docker run --shm-size`)"
        )
    return None


def _stub_problem(home: Path, interpreter: Interpreter) -> str | None:
    seen_to_start = home / "python" / "stub_starts"
    if seen_to_start.exists():
        return None
    import subprocess

    launcher = home / "backends" / "python" / "triton_python_backend_stub"
    # The shell prints the status, which is lost here if this process ignores SIGCHLD.
    check = subprocess.run(
        ["bash", "-c", '"$0" --check; echo $?', launcher],
        capture_output=True,
        text=True,
        check=False,
    )
    if check.stdout.strip() == "1":  # The stub's answer to a call without arguments.
        seen_to_start.touch()
        return None
    reason = check.stderr.strip() or f"exit status {check.stdout.strip()}"
    library = f"libpython{interpreter.version}"
    if library in reason:
        reason += (
            f"; install {library} (`apt-get install {library}`, or build Python with "
            "--enable-shared)"
        )
    return f"the Python backend's stub does not start: {reason}"
