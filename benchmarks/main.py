"""Measures this package, its peers and the bare C API side by side; see README.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping

from benchmarks import columns, instructions
from benchmarks.cases import CASES, FLOOR, OURS, STRUCT_LOOP
from benchmarks.measure import Command, MissingError, Worker, measure
from benchmarks.report import Report, summarize, table

from tritonserver import runtime


def main() -> None:
    options = _options()
    home = runtime.locate()
    commands = columns.workers(home, options.column, options.peers)
    if options.instructions:
        print(instructions.table({name: commands[name] for name in (FLOOR, OURS)}))
        return
    result = _run(options, home, commands)
    print(", ".join(f"{key} {value}" for key, value in result["machine"].items()))
    print(f"{result['rounds']} rounds: median (quartiles)\n")
    print(table(result["cases"], result["columns"]))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    if options.chart is not None:
        command = [options.peers, "-m", "benchmarks.chart", options.chart]
        environment = columns.with_path([columns.HERE.parent])
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
        metavar="[NAME=]DIRECTORY",
        help="measure the package `tritonserver` in DIRECTORY, too",
    )
    parser.add_argument("--json", type=columns.user_path, metavar="FILE", help="write all figures")
    parser.add_argument("--chart", type=columns.user_path, metavar="FILE", help="draw a PNG")
    parser.add_argument(
        "--peers",
        type=columns.user_path,
        default=sys.executable,
        metavar="PYTHON",
        help="interpreter that has requirements_lock.txt installed",
    )
    parser.add_argument(
        "--instructions", action="store_true", help="count a request's instructions instead"
    )
    options = parser.parse_args()
    if options.rounds is None:
        options.rounds = 5 if options.quick else 50
    if options.batch is None:
        options.batch = 5 if options.quick else 20
    return options


def _run(
    options: argparse.Namespace, home: runtime.Home, commands: Mapping[str, Command]
) -> Report:
    cases = [case for case in CASES if not options.only or case.name in options.only]
    workers = _start(commands)
    progress = _Progress()
    samples = measure(cases, workers, options.rounds, options.batch / 1e3, progress)
    progress.end()
    for worker in workers.values():
        worker.close()
    for worker in workers.values():
        worker.wait()
    return {
        "machine": _machine(home),
        "rounds": options.rounds,
        "columns": [name for name in workers if name not in (FLOOR, STRUCT_LOOP)],
        "cases": summarize(cases, samples),
    }


def _start(commands: Mapping[str, Command]) -> dict[str, Worker]:
    workers = {}
    for name, command in commands.items():
        try:
            workers[name] = Worker(name, command)
        except MissingError as missing:
            print(f"No column {name}: {missing} is not installed.", file=sys.stderr)
    return workers


def _machine(home: runtime.Home) -> dict[str, str]:
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {
        "CPU": f"{os.cpu_count()} × {models[0] if models else platform.machine()}",
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
