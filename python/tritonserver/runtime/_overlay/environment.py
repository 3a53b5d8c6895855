"""The environment of model processes.

A prepared home has one for models in general. As a program, run by the launcher with the
interpreter of a model that brings its own environment (EXECUTION_ENV_PATH), this file makes one for
that and goes on as the stub that fits. If it cannot, it goes on as the launcher again, with the
reason, and the load fails with that. It works with any Python that a stub exists for, from 3.8 on.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from typing import Any

_HOOK = "tritonserver_model_process"
_VERSION = "{}.{}".format(*sys.version_info)


def make_overlay(directory: str, executable: str, version: str, hook: str) -> None:
    """Make a kind of virtual environment that an interpreter inside the stub takes for its own.

    It finds ``bin/python3`` through PATH, ``pyvenv.cfg`` from there, and runs the ``.pth`` file.

    Parameters
    ----------
    directory : str
        Where to make it; may exist, and must not hold one.
    executable, version : str
        The interpreter, outside of any virtual environment, and its version such as ``"3.11"``.
    hook : str
        The package to import first.
    """
    binaries = os.path.join(directory, "bin")
    site_packages = os.path.join(directory, "lib", f"python{version}", "site-packages")
    os.makedirs(binaries)
    os.makedirs(site_packages)
    os.symlink(executable, os.path.join(binaries, "python3"))
    with open(os.path.join(directory, "pyvenv.cfg"), "w", encoding="utf-8") as file:
        file.write(f"home = {os.path.dirname(executable)}\n")
        file.write("include-system-site-packages = false\n")
    shutil.copytree(hook, os.path.join(site_packages, _HOOK))
    with open(os.path.join(site_packages, f"{_HOOK}.pth"), "w", encoding="utf-8") as file:
        file.write(f"import {_HOOK}\n")


def main(arguments: list[str]) -> None:
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    launcher = os.path.join(home, "backends", "python", "triton_python_backend_stub")
    embedding = json.loads(os.environ.get("TRITONSERVER_EMBEDDING_PROCESS", "{}"))
    refusal = ""
    # If the backend added nothing, the program was started with this path: a false alarm.
    if os.environ["LD_LIBRARY_PATH"] != embedding.get("library_path"):
        try:
            os.execv(_prepare_own(home, embedding), arguments)
        except Exception as error:  # Whatever it is, the backend must not wait for this process.
            environment = f"Python {_VERSION} ({sys.prefix})"
            refusal = f"its EXECUTION_ENV_PATH is unusable: {environment}: {error}"
    os.environ["TRITONSERVER_MODEL_REFUSED"] = refusal
    os.execv(launcher, arguments)


class _UnusableError(Exception):
    """The environment cannot run models; the message says why."""


def _prepare_own(home: str, embedding: dict[str, Any]) -> str:
    """Set this process up for the model's environment; return the stub to run."""
    stubs = os.path.join(home, "stubs")
    stub = os.path.join(stubs, _VERSION, "triton_python_backend_stub")
    if not os.path.exists(stub):
        versions = ", ".join(sorted(os.listdir(stubs)))
        raise _UnusableError(f"this Triton has stubs for Python {versions}")
    # The stub takes the first item off again, and needs libpython in the rest.
    first, _, rest = os.environ["LD_LIBRARY_PATH"].partition(":")
    os.environ["LD_LIBRARY_PATH"] = ":".join([first, _libpython_directory(), rest])
    check = subprocess.run([stub], stderr=subprocess.PIPE, check=False)
    if check.returncode != 1:  # Its answer to a call without arguments.
        raise _UnusableError(os.fsdecode(check.stderr).strip())

    path = sys.path
    if sys.version_info < (3, 11):  # Later stubs are isolated from it, and so is this process.
        path = os.environ.get("PYTHONPATH", "").split(":") + path
    embedding.update(
        path=[entry for entry in path if entry],
        shadow=[],
        own_environment=True,
        executable=sys.executable,
        prefix=sys.prefix,
        exec_prefix=sys.exec_prefix,
    )
    os.environ["TRITONSERVER_EMBEDDING_PROCESS"] = json.dumps(embedding)
    os.environ["PATH"] = os.path.join(_own_overlay(home), "bin") + ":" + os.environ["PATH"]
    return stub


def _own_overlay(home: str) -> str:
    executable = os.path.join(sys.base_exec_prefix, "bin", f"python{_VERSION}")
    overlay = os.path.join(home, "overlays", hashlib.sha256(executable.encode()).hexdigest()[:16])
    if not os.path.isdir(overlay):
        os.makedirs(os.path.dirname(overlay), exist_ok=True)
        building = tempfile.mkdtemp(dir=os.path.dirname(overlay))
        hook = os.path.join(os.path.dirname(os.path.abspath(__file__)), "model_process")
        make_overlay(building, executable, _VERSION, hook)
        try:
            os.rename(building, overlay)
        except OSError:  # Another process was faster.
            shutil.rmtree(building)
    return overlay


def _libpython_directory() -> str:
    name = f"libpython{_VERSION}.so.1.0"
    candidates = [os.path.join(sys.base_prefix, "lib"), sysconfig.get_config_var("LIBDIR") or "/"]
    return next((d for d in candidates if os.path.exists(os.path.join(d, name))), candidates[0])


if __name__ == "__main__":
    main(sys.argv[1:])
