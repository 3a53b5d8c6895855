"""The interpreter that runs this process, as the Python backend's stub needs to know it."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Interpreter:
    """An interpreter outside of any virtual environment.

    Parameters
    ----------
    version : str
        Major and minor version, such as ``"3.11"``.
    full_version : str
        With the patch level.
    executable : str or None
        The program; None if this process is not a Python program and none is near its library.
    libpython : str or None
        The shared library; None if it is not in one of the usual places, which leaves it to the
        dynamic loader's own search.
    """

    version: str
    full_version: str
    executable: str | None
    libpython: str | None


def this_interpreter() -> Interpreter:
    version = "{}.{}".format(*sys.version_info)
    return Interpreter(
        version, platform.python_version(), _executable(version), _libpython(version)
    )


def _executable(version: str) -> str | None:
    executable = os.path.join(sys.base_exec_prefix, "bin", f"python{version}")
    return executable if os.access(executable, os.X_OK) else None


def _libpython(version: str) -> str | None:
    name = f"libpython{version}.so.1.0"
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            if line.rstrip().endswith("/" + name):
                return line[line.index("/") :].rstrip()
    near = os.path.join(sys.base_exec_prefix, "lib", name)
    if os.path.exists(near):
        return near
    import sysconfig

    configured = os.path.join(sysconfig.get_config_var("LIBDIR") or "/", name)
    return configured if os.path.exists(configured) else None
