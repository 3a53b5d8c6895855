"""What processes that were killed left behind, and its removal."""

from __future__ import annotations

import os
from pathlib import Path

from ._model_processes import SHARED_MEMORY_OWNER, namespace

_SHARED_MEMORY = Path("/dev/shm")
_PYTHON_BACKEND = "libtriton_python.so"
_INITIAL_NAMESPACE = str(0xEFFFFFFC)  # PROC_PID_INIT_INO of Linux


def sweep() -> list[Path]:
    """Remove everything that no process can be using any more; return what it was."""
    return sweep_shared_memory() + _sweep_environment_directories()


def sweep_shared_memory() -> list[Path]:
    """Remove the shared memory of model processes whose embedding process is gone."""
    return [
        region
        for region in _SHARED_MEMORY.glob(f"{SHARED_MEMORY_OWNER}-{namespace()}-*")
        if not os.path.exists(f"/proc/{region.name.split('-')[2]}") and _removed(region)
    ]


def _sweep_environment_directories() -> list[Path]:
    """Remove the empty directories that the Python backend makes, one for each process.

    Their names do not tell whose they are, so they stay while any process has that backend loaded,
    or might have it unseen in another PID namespace: without them it would abort when it stops.
    """
    if namespace() != _INITIAL_NAMESPACE or any(
        _has_python_backend(process) for process in Path("/proc").glob("[0-9]*")
    ):
        return []
    return [directory for directory in Path("/tmp").glob("python_env_*") if _removed(directory)]


def _has_python_backend(process: Path) -> bool:
    try:
        return _PYTHON_BACKEND in (process / "maps").read_text(errors="replace")
    except OSError:
        return False  # Gone, or another user's: its directory is not ours to remove either.


def _removed(path: Path) -> bool:
    try:
        if path.lstat().st_uid != os.getuid():
            return False
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
    except OSError:
        return False  # Not empty, or another process was faster.
    return True
