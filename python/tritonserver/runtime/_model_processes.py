"""What ties model processes to this one: an environment variable, a pipe, names in /dev/shm."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_VARIABLE = "TRITONSERVER_EMBEDDING_PROCESS"
SHARED_MEMORY_OWNER = "tritonserver"

_life_line: tuple[int, int] | None = None


def describe_this_process(shadow: Sequence[str]) -> None:
    """Refresh what the model processes started from now on learn of this one.

    Parameters
    ----------
    shadow : sequence of str
        Directories that come before everything else on the ``sys.path`` of model processes.
    """
    import json

    description = {
        "pid": os.getpid(),
        "life_line": _life_line_fd(),
        "path": [entry for entry in sys.path if isinstance(entry, str)],
        "shadow": list(shadow),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "exec_prefix": sys.exec_prefix,
        "library_path": os.environ.get("LD_LIBRARY_PATH"),
    }
    text = json.dumps(description)
    if os.environ.get(_VARIABLE) != text:
        os.environ[_VARIABLE] = text


def _life_line_fd() -> int:
    """Return the read end of a pipe whose write end closes with this process, and only then."""
    global _life_line
    if _life_line is None:
        _life_line = os.pipe()
    return _life_line[0]


def _drop_life_line() -> None:
    """Let go of the parent's line after a fork, or it would stay up while this process lives."""
    global _life_line
    if _life_line is not None:
        for fd in _life_line:
            os.close(fd)
        _life_line = None


os.register_at_fork(after_in_child=_drop_life_line)


def shared_memory_prefix() -> str:
    """Return the start of the names of all regions of this process's models."""
    return f"{SHARED_MEMORY_OWNER}-{namespace()}-{os.getpid()}-"


def namespace() -> str:
    """Return what tells processes that share /dev/shm, but not their numbers, from ours."""
    return str(os.stat("/proc/self/ns/pid").st_ino)
