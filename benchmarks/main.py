"""Measures this package, its peers and the bare C API side by side; see README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks import instructions
from benchmarks.cases import CASES, FLOOR, STRUCT_LOOP
from benchmarks.measure import Command, MissingError, Worker, measure
from benchmarks.report import summarize, table

from tritonserver import runtime

_OURS = "tritonserver"
_HERE = Path(__file__).absolute().parent
_MODELS = str(_HERE.parent / "tests" / "models" / "native")


def main() -> None:
    options = _options()
    home = runtime.locate()
    commands = _commands(options, home)
    if options.instructions:
        print(instructions.table({name: commands[name] for name in (FLOOR, _OURS)}))
        return

    cases = [case for case in CASES if not options.only or case.name in options.only]
    workers = _start(commands)
    progress = _Progress()
    samples = measure(cases, workers, options.rounds, options.batch / 1e3, progress)
    progress.end()
    _end(workers)

    columns = [name for name in workers if name not in (FLOOR, STRUCT_LOOP)]
    result = {
        "machine": _machine(home),
        "columns": columns,
        "rounds": options.rounds,
        "cases": summarize(cases, samples),
    }
    print(", ".join(f"{key} {value}" for key, value in result["machine"].items()))
    print(f"{options.rounds} rounds: median (quartiles)\n")
    print(table(result["cases"], columns))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    if options.chart is not None:
        command = [options.peers, "-m", "benchmarks.chart", options.chart]
        environment = _with_path([_HERE.parent])
        subprocess.run(command, env=environment, input=json.dumps(result), text=True, check=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 rounds of batches of 5 ms")
    parser.add_argument("--rounds", type=int, help="default: 50")
    parser.add_argument("--batch", type=float, metavar="MS", help="milliseconds; default: 20")
    parser.add_argument("--only", nargs="+", metavar="CASE", choices=[case.name for case in CASES])
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="[NAME=]PATH",
        help="directory of another package `tritonserver` to measure, too",
    )
    parser.add_argument("--json", type=_path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument("--chart", type=_path, metavar="FILE", help="draw a PNG")
    parser.add_argument(
        "--peers",
        type=_path,
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter that has requirements_lock.txt installed",
    )
    parser.add_argument(
        "--instructions",
        action="store_true",
        help="count instructions a request with callgrind instead",
    )
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 5 if options.quick else 50
    if options.batch is None:
        options.batch = 5 if options.quick else 20
    return options


def _path(text: str) -> Path:
    """Return a path as the user means it, whom `bazel run` takes elsewhere."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), text).absolute()


def _commands(options: argparse.Namespace, home: runtime.Home) -> dict[str, Command]:
    """Return how each worker is run."""
    backends = str(home.activate())
    ours = [sys.executable, "-m", "benchmarks.workers.package", _MODELS, backends]
    here = _with_path(sys.path)
    library = str(home.library.parent)
    commands = {
        FLOOR: Command([str(_HERE / "floor"), str(home.library), backends, _MODELS], here),
        STRUCT_LOOP: Command([sys.executable, "-m", "benchmarks.workers.struct_loop"], here),
        _OURS: Command(ours, here),
    }
    for column in options.column:
        name, _, path = column.rpartition("=")
        # Such a package is linked to the core.
        environment = _with_path([_path(path), *sys.path], library)
        commands[name or Path(path).name] = Command(ours, environment)
    peers = _with_path(
        sys.path if options.peers == Path(sys.executable) else [_HERE.parent], library
    )
    server = [str(home.caches.parent / "bin" / "tritonserver"), _MODELS, backends]
    network = [str(options.peers), "-m", "benchmarks.workers.network"]
    commands["HTTP"] = Command([*network, "http", *server], peers)
    commands["gRPC"] = Command([*network, "grpc", *server], peers)
    session = [str(options.peers), "-m", "benchmarks.workers.onnx_session"]
    commands["onnxruntime"] = Command(session, peers)
    return commands


def _with_path(python_path: Iterable[object], library_path: str | None = None) -> dict[str, str]:
    """Return the environment of a worker that imports, and opens libraries, from there first."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, map(str, python_path)))}
    if library_path is not None:
        paths = [library_path, os.environ.get("LD_LIBRARY_PATH")]
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, paths))
    return environment


def _start(commands: Mapping[str, Command]) -> dict[str, Worker]:
    workers = {}
    for name, command in commands.items():
        try:
            workers[name] = Worker(name, command)
        except MissingError as missing:
            print(f"No column {name}: {missing} is not installed.", file=sys.stderr)
    return workers


def _end(workers: Mapping[str, Worker]) -> None:
    for worker in workers.values():
        worker.close()
    for worker in workers.values():
        worker.wait()


def _machine(home: runtime.Home) -> dict[str, str]:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "CPU": f"{len(models)} × {models[0] if models else platform.machine()}",
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "Triton": home.version or "unknown",
        "load": f"{os.getloadavg()[1]:.2g}",
    }


class _Progress:
    """On a terminal the present step, in one line; elsewhere the rounds, a line each."""

    _shown = ""

    def __call__(self, stage: str, step: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{stage}: {step}", end="", file=sys.stderr, flush=True)
        elif stage != self._shown:
            print(stage, file=sys.stderr, flush=True)
            self._shown = stage

    def end(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
