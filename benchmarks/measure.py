"""Runs the cases of several workers in turn."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.cases import Case

Samples = dict[tuple[str, str], list[float]]
"""By case and worker: what each round measured, in seconds, or bytes, per iteration."""

_MOST_ITERATIONS = 1 << 24


@dataclass(frozen=True)
class Command:
    """How a worker is run."""

    arguments: Sequence[str]
    environment: Mapping[str, str]


class MissingError(Exception):
    """A worker lacks the package of this name."""


class Worker:
    """A process that runs cases, see `workers/protocol.py`."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._command = command
        self._iterations: dict[str, int] = {}
        self._process = subprocess.Popen(
            command.arguments,
            env=command.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        hello = self._answer()
        if "missing" in hello:
            raise MissingError(hello["missing"])
        self.cases = frozenset(hello["cases"])

    def run(self, case: str, iterations: int) -> float:
        """Run a batch; return seconds, or bytes, per iteration."""
        assert self._process.stdin is not None
        print(case, iterations, file=self._process.stdin, flush=True)
        return float(self._answer())

    def run_for(self, case: str, seconds: float) -> float:
        """Run a batch of about that length; the first call finds out how many iterations it has."""
        if case not in self._iterations:
            iterations = 1
            while (each := self.run(case, iterations)) * iterations < seconds:
                iterations = min(2 * iterations, _MOST_ITERATIONS)
            self._iterations[case] = max(1, round(seconds / each))
        return self.run(case, self._iterations[case])

    def run_afresh(self, case: str, iterations: int) -> float:
        """Run a batch in a process of its own."""
        worker = Worker(self.name, self._command)
        try:
            return worker.run(case, iterations)
        finally:
            worker._process.kill()
            worker._process.communicate()

    def close(self) -> None:
        """Let the process end; `wait` waits for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self) -> None:
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker '{self.name}' ended with {self._process.wait()}")
        return json.loads(line)


def measure(
    cases: Sequence[Case],
    workers: Mapping[str, Worker],
    rounds: int,
    seconds: float,
    progress: Callable[[str, str], None],
) -> Samples:
    """Measure all cases in all workers that have them, in ``rounds`` rounds of short batches.

    A round runs a case in every worker, one right after the other, before it goes on to the next
    case. Which worker is first changes from round to round.

    Parameters
    ----------
    cases : sequence of Case
    workers : mapping of str to Worker
        By name; those that are references of cases are among them.
    rounds : int
    seconds : float
        About how long a batch takes.
    progress : callable
        Told the round and what comes next in it.
    """
    samples: Samples = defaultdict(list)
    for number in range(rounds):
        for case in cases:
            if case.rounds is not None and number >= case.rounds:
                continue
            turns = _turns(case, workers)
            first = number % len(turns) if turns else 0
            for worker, name in turns[first:] + turns[:first]:
                progress(f"round {number + 1} of {rounds}", f"{case.title}: {worker.name}")
                samples[case.name, worker.name].append(_batch(worker, name, case, seconds))
    return samples


def _turns(case: Case, workers: Mapping[str, Worker]) -> list[tuple[Worker, str]]:
    """Return the workers that run ``case`` and how they call it; none if only a reference does."""
    turns = [(worker, case.name) for worker in workers.values() if case.name in worker.cases]
    if case.reference is None or not turns:
        return turns
    reference, name = case.reference
    return [(workers[reference], name), *(turn for turn in turns if turn[0].name != reference)]


def _batch(worker: Worker, name: str, case: Case, seconds: float) -> float:
    if case.fresh:
        assert case.iterations is not None
        return worker.run_afresh(name, case.iterations)
    if case.iterations is not None:
        return worker.run(name, case.iterations)
    return worker.run_for(name, seconds)
