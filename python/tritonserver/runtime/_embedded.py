"""The prepared home: a directory that makes the unpacked wheel a complete Triton installation.

::

    home.json                 what it was made for; a home without it is not finished
    lib/libtritonserver.so    shim that opens the wheel's core, see `_elf`
    lib/core                  -> the wheel's libraries
    backends/python/          the wheel's Python backend, with our launcher as its stub
    backends/<name>/          the backends of this package
    backends_without_python/  handed out where Python models cannot run
    repository_agents/        none exist
    stubs                     -> the wheel's stubs, for models with an environment of their own
    python/                   overlay environment of model processes, a kind of virtual environment
        bin/python3           -> the interpreter
        bin/triton_python_backend_stub  -> the wheel's stub for it
        libpython/            its libpython, alone in a directory
        lib/python3.X/site-packages/    the hook that takes over the environment of this process
        environment.py, model_process    to make the same for a model's own environment
        refused/1/model.py    what the stub gets in place of a model that is not there
    overlays/                 what came of that

A home is built beside its final place and renamed, and never changed afterwards: any number of
processes may do that at once. Its name is a hash of everything it was made from, so another wheel,
interpreter or version of this package gets another home.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import _directories, _elf, _leftovers, _model_processes, _numpy, _preflight
from ._home import Home
from ._interpreter import Interpreter, this_interpreter
from ._overlay.environment import make_overlay
from ._wheel import Wheel

_PACKAGE = Path(__file__).parent
_LAUNCHER = _PACKAGE / "stub_launcher"
_OVERLAY = _PACKAGE / "_overlay"
_BACKENDS = _PACKAGE.parent / "backends"


@dataclass(frozen=True)
class EmbeddedHome(Home):
    """A home prepared from the wheel for the interpreter of this process."""

    root: Path
    wheel: Wheel
    interpreter: Interpreter

    def activate(self) -> Path:
        _ensure(self.root, self.wheel, self.interpreter)
        _model_processes.describe_this_process(_numpy.shadow_directories(self.interpreter.version))
        _sweep_once()
        return self.backends

    def backend_settings(self) -> dict[str, dict[str, str]]:
        return {"python": {"shm-region-prefix-name": _model_processes.shared_memory_prefix()}}

    def python_models_problem(self) -> str | None:
        return _problem_once(self.root, self.wheel, self.interpreter)


_problem_once = functools.cache(_preflight.problem)
_sweep_once = functools.cache(_leftovers.sweep_shared_memory)


def prepare(wheel: Wheel) -> EmbeddedHome:
    """Return the home for ``wheel`` and the interpreter of this process; build it if need be."""
    interpreter = this_interpreter()
    name = hashlib.sha256(_made_from(wheel, interpreter).encode()).hexdigest()[:16]
    root = homes() / name
    _ensure(root, wheel, interpreter)
    runs_python = _problem_once(root, wheel, interpreter) is None
    backends = root / ("backends" if runs_python else "backends_without_python")
    return EmbeddedHome(
        kind="embedded",
        library=root / "lib" / "libtritonserver.so",
        backends=Path(_directories.plain_path(backends)),
        caches=wheel.triton / "caches",
        repository_agents=root / "repository_agents",
        version=wheel.triton_version,
        root=root,
        wheel=wheel,
        interpreter=interpreter,
    )


def homes() -> Path:
    """Return the directory of all prepared homes of this user."""
    return _directories.cache() / "homes"


@functools.cache
def _made_from(wheel: Wheel, interpreter: Interpreter) -> str:
    contents = hashlib.blake2b(digest_size=16)
    for path in sorted([_LAUNCHER, *_PACKAGE.rglob("*.py"), *_BACKENDS.rglob("*")]):
        if path.is_file():
            contents.update(path.read_bytes())
    facts = {
        "wheel": str(wheel.root),
        "wheel_version": wheel.version,
        "core": wheel.core.name,
        "python": interpreter.full_version,
        "executable": interpreter.executable,
        "libpython": interpreter.libpython,
        "package": contents.hexdigest(),
    }
    return json.dumps(facts, indent=2)


def _ensure(root: Path, wheel: Wheel, interpreter: Interpreter) -> None:
    if (root / "home.json").exists():
        return
    root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if root.exists():  # Somebody removed files from it.
        root.replace(tempfile.mkdtemp(prefix="broken-", dir=root.parent))
    building = Path(tempfile.mkdtemp(prefix="building-", dir=root.parent))
    try:
        _build_library(building / "lib", wheel)
        _build_backends(building, wheel)
        _build_overlay(building / "python", wheel, interpreter)
        (building / "repository_agents").mkdir()
        (building / "stubs").symlink_to(wheel.stubs)
        (building / "home.json").write_text(_made_from(wheel, interpreter), encoding="utf-8")
        building.rename(root)
    except OSError:
        shutil.rmtree(building, ignore_errors=True)
        if not (root / "home.json").exists():  # Else another process was faster.
            raise


def _build_library(lib: Path, wheel: Wheel) -> None:
    lib.mkdir()
    (lib / "core").symlink_to(wheel.libraries)
    # libarchive is a need of the Python backend, whose own search path does not fit its copy.
    needed = [wheel.core.name, wheel.library("libarchive").name]
    machine = _elf.machine_of(wheel.core)
    shim = _elf.shim(machine, "libtritonserver.so", needed, rpath="$ORIGIN/core")
    (lib / "libtritonserver.so").write_bytes(shim)


def _build_backends(building: Path, wheel: Wheel) -> None:
    """Copy, because the Python backend refuses to be a link, and a package may be replaced."""
    backends = building / "backends"
    without_python = building / "backends_without_python"
    if _BACKENDS.is_dir():
        shutil.copytree(_BACKENDS, without_python)
    else:
        without_python.mkdir()
    shutil.copytree(without_python, backends)
    python = backends / "python"
    shutil.copytree(wheel.triton / "backends" / "python", python)
    if _LAUNCHER.exists():
        launcher = python / "triton_python_backend_stub"
        shutil.copy(_LAUNCHER, launcher)
        launcher.chmod(0o755)


def _build_overlay(overlay: Path, wheel: Wheel, interpreter: Interpreter) -> None:
    (overlay / "refused" / "1").mkdir(parents=True)
    (overlay / "refused" / "1" / "model.py").touch()
    shutil.copy(_OVERLAY / "environment.py", overlay)
    shutil.copytree(_OVERLAY / "model_process", overlay / "model_process")
    stub = wheel.stub(interpreter.version)
    if stub is None or interpreter.executable is None:
        return  # No Python model can run, and the preflight says why.
    hook = str(overlay / "model_process")
    make_overlay(str(overlay), interpreter.executable, interpreter.version, hook)
    (overlay / "bin" / "triton_python_backend_stub").symlink_to(stub)
    (overlay / "libpython").mkdir()
    if interpreter.libpython is not None:
        (overlay / "libpython" / Path(interpreter.libpython).name).symlink_to(interpreter.libpython)
