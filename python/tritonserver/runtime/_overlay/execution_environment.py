"""Runs the stub of a model that brings its own Python environment (EXECUTION_ENV_PATH).

The launcher starts this script with the interpreter of that environment and passes its own command
line on. The script becomes the stub that fits. If there is none, it becomes the launcher again,
with the reason, and the load fails with that.
"""

import json
import os
import subprocess
import sys
import sysconfig

_VERSION = "{}.{}".format(*sys.version_info)
_PYTHON_OVERLAY = os.path.dirname(os.path.abspath(__file__))
_HOME = os.path.dirname(_PYTHON_OVERLAY)
_STUBS = os.path.join(_HOME, "stubs")


def main(arguments: "list[str]") -> None:
    embedding = json.loads(os.environ.get("TRITONSERVER_EMBEDDING_PROCESS", "{}"))
    library_path = os.environ["LD_LIBRARY_PATH"]
    if library_path == embedding.get("library_path"):
        _fall_back(arguments, "")  # The backend added nothing: it is only how the host was started.

    stub = os.path.join(_STUBS, _VERSION, "triton_python_backend_stub")
    if not os.path.exists(stub):
        _refuse(
            arguments, "this Triton has stubs for Python " + ", ".join(sorted(os.listdir(_STUBS)))
        )
    # The stub takes the first item off again, and the rest has to find libpython.
    first, _, rest = library_path.partition(":")
    os.environ["LD_LIBRARY_PATH"] = ":".join([first, _libpython_directory(), rest])
    os.environ.pop("TRITONSERVER_EMBEDDING_PROCESS", None)
    check = subprocess.run([stub], stderr=subprocess.PIPE, check=False)
    if check.returncode != 1:  # Its answer to a call without arguments.
        _refuse(arguments, os.fsdecode(check.stderr).strip())
    numpy = _numpy_version()
    if numpy is not None and int(numpy.partition(".")[0]) >= 2:
        _refuse(arguments, f"it has NumPy {numpy}, and models need NumPy < 2")
    os.execv(stub, arguments)


def _libpython_directory() -> str:
    name = f"libpython{_VERSION}.so.1.0"
    candidates = [os.path.join(sys.base_prefix, "lib"), sysconfig.get_config_var("LIBDIR") or ""]
    return next((d for d in candidates if os.path.exists(os.path.join(d, name))), candidates[0])


def _numpy_version() -> "str | None":
    """Return the version that the stub would import, or None if there is none."""
    from importlib import metadata  # Not at the top: a Python without it has no stub either.

    path = sys.path
    if sys.version_info < (3, 11):  # Later stubs are isolated, and so is this process.
        path = os.environ.get("PYTHONPATH", "").split(":") + path
    for distribution in metadata.distributions(name="numpy", path=path):
        return distribution.version
    return None


def _refuse(arguments: "list[str]", reason: str) -> None:
    environment = f"Python {_VERSION} ({sys.prefix})"
    _fall_back(arguments, f"its EXECUTION_ENV_PATH is unusable: {environment}: {reason}")


def _fall_back(arguments: "list[str]", refusal: str) -> None:
    launcher = os.path.join(_HOME, "backends", "python", "triton_python_backend_stub")
    os.environ["TRITONSERVER_MODEL_REFUSED"] = refusal
    os.execv(launcher, arguments)


main(sys.argv[1:])
