"""Counts with callgrind how many instructions a request takes, in all threads, by library."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.cases import FLOOR, OURS
from benchmarks.measure import Command, Worker

CASES = [
    (FLOOR, "one"),
    (OURS, "infer"),
    (OURS, "bound"),
    (OURS, "async_infer"),
    (FLOOR, "in_flight_64"),
    (OURS, "async_infer_64"),
]

# The difference between two runs leaves out what a process does only once.
_FEW, _MANY = 500, 2500

_LIBRARIES = {
    "core": r"libtritonserver",
    "backend": r"libtriton_",
    "binding": r"triton_bindings|floor$",
    "Python": r"(lib)?python",
    "NumPy": r"_multiarray_umath",
    "C and C++": r"libc\.|libstdc\+\+|libm\.|libgcc|ld-linux|libpthread",
}


def table(commands: Mapping[str, Command]) -> str:
    """Return thousands of instructions per request, a line for each case."""
    columns = [*_LIBRARIES, "other"]
    lines = [f"{'thousand instructions':32}{'all':>10}" + "".join(f"{c:>10}" for c in columns)]
    for worker, case in CASES:
        few, many = (_count(commands[worker], case, requests) for requests in (_FEW, _MANY))
        if few is None or many is None:
            continue
        each = {c: (many[c] - few[c]) / (_MANY - _FEW) / 1e3 for c in columns}
        cells = [sum(each.values()), *each.values()]
        lines.append(f"{f'{worker} {case}':32}" + "".join(f"{cell:10.1f}" for cell in cells))
    return "\n".join(lines)


def _count(command: Command, case: str, requests: int) -> Counter[str] | None:
    """Return the instructions of a whole process, by library; None if it does not have the case."""
    with tempfile.TemporaryDirectory() as directory:
        profile = Path(directory, "profile")
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}"]
        environment = {**command.environment, "PYTHONHASHSEED": "0"}
        worker = Worker(case, Command([*valgrind, *command.arguments], environment))
        has_case = case in worker.cases
        if has_case:
            worker.run(case, requests)
        worker.close()
        worker.wait()
        return _by_library(profile.read_text().splitlines()) if has_case else None


def _by_library(profile: Sequence[str]) -> Counter[str]:
    """Add up the costs in a callgrind profile by the library in which they arose."""
    names: dict[str, str] = {}
    counts: Counter[str] = Counter()
    library = "other"
    inclusive = False  # the line after `calls=` has what the called function cost
    for line in profile:
        if match := re.match(r"c?ob=(\(\d+\))(?: (.*))?", line):
            number, name = match.groups()
            if name is not None:
                names[number] = _library(Path(name).name)
            if not line.startswith("c"):
                library = names[number]
        elif line.startswith("calls="):
            inclusive = True
        elif re.match(r"[0-9+*-]", line):
            if not inclusive:
                counts[library] += int(line.split()[1])
            inclusive = False
    return counts


def _library(name: str) -> str:
    return next((key for key, start in _LIBRARIES.items() if re.match(start, name)), "other")
