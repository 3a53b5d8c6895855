"""The workers: which there are, and how each is run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.cases import FLOOR, OURS, STRUCT_LOOP
from benchmarks.measure import Command

from tritonserver import runtime

HERE = Path(__file__).absolute().parent

_MODELS = str(HERE.parent / "tests" / "models" / "native")


def workers(home: runtime.Home, packages: Sequence[str], peers: Path) -> dict[str, Command]:
    """Return the commands of all workers by name; those that compare are columns of the table.

    Parameters
    ----------
    home : Home
        The core that all of them use.
    packages : sequence of str
        Directories, or ``name=directory``, that hold another package `tritonserver`.
    peers : Path
        The interpreter that has the peers.
    """
    backends = str(home.activate())
    library = str(home.library.parent)
    package = [sys.executable, "-m", "benchmarks.workers.package", _MODELS, backends]
    here = with_path(sys.path)
    commands = {
        FLOOR: Command([str(HERE / "floor"), str(home.library), backends, _MODELS], here),
        STRUCT_LOOP: Command([sys.executable, "-m", "benchmarks.workers.struct_loop"], here),
        OURS: Command(package, here),
    }
    for each in packages:
        name, _, directory = each.rpartition("=")
        # Unlike ours, others may be linked to the core.
        environment = with_path([user_path(directory), *sys.path], library)
        commands[name or Path(directory).name] = Command(package, environment)

    with_peers = with_path(sys.path if peers == Path(sys.executable) else [HERE.parent], library)
    # Both kinds of home have it beside the directory of caches.
    program = str(home.caches.parent / "bin" / "tritonserver")
    for name, protocol in (("HTTP", "http"), ("gRPC", "grpc")):
        network = [str(peers), "-m", "benchmarks.workers.network", protocol]
        commands[name] = Command([*network, program, _MODELS, backends], with_peers)
    session = [str(peers), "-m", "benchmarks.workers.onnx_session"]
    commands["onnxruntime"] = Command(session, with_peers)
    return commands


def with_path(python_path: Iterable[object], library_path: str | None = None) -> dict[str, str]:
    """Return this environment, changed so that Python and the linker search there first."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(str, python_path)))}
    if library_path is not None:
        paths = [library_path, os.environ.get("LD_LIBRARY_PATH")]
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, paths))
    return environment


def user_path(text: str) -> Path:
    """Return a path as the user means it, whom `bazel run` takes to another directory."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), text).absolute()
