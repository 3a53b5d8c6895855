"""How a worker, a process that runs cases for one column, talks to the benchmark.

Its first line on stdout names its cases, ``{"cases": ["infer", …]}``, or says what it lacks,
``{"missing": "onnxruntime"}``. Then each line ``CASE ITERATIONS`` on stdin is answered with one
number: seconds per iteration, or bytes per request for the case ``memory``. End of input ends it.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

Case = Callable[[int], float]
"""Runs a number of iterations; returns the seconds, or bytes, of one."""


def need(module: str) -> ModuleType:
    """Import ``module``, or tell the benchmark that it is missing and end."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": error.name}), flush=True)
        sys.exit()


def serve(cases: Mapping[str, Case]) -> None:
    """Answer the benchmark until it closes stdin."""
    print(json.dumps({"cases": list(cases)}), flush=True)
    for line in sys.stdin:
        name, iterations = line.split()
        print(cases[name](int(iterations)), flush=True)


def one_at_a_time(request: Callable[[], object]) -> Case:
    """Return the case that makes requests one after the other."""

    def run(iterations: int) -> float:
        start = time.perf_counter()
        for _ in range(iterations):
            request()
        return (time.perf_counter() - start) / iterations

    return run


def from_threads(connect: Callable[[], Callable[[], object]], threads: int) -> Case:
    """Return the case in which each thread makes the request that it got by ``connect``."""
    own = threading.local()

    def prepare() -> None:
        own.request = connect()

    def repeat(count: int) -> None:
        request = own.request
        for _ in range(count):
            request()

    pool = ThreadPoolExecutor(threads, initializer=prepare)

    def run(iterations: int) -> float:
        start = time.perf_counter()
        list(pool.map(repeat, _shares(iterations, threads)))
        return (time.perf_counter() - start) / iterations

    return run


def on_event_loop(
    loop: asyncio.AbstractEventLoop, request: Callable[[], Awaitable[object]], in_flight: int
) -> Case:
    """Return the case in which that many tasks of one event loop make requests."""

    async def repeat(count: int) -> None:
        for _ in range(count):
            await request()

    async def run(iterations: int) -> float:
        start = time.perf_counter()
        await asyncio.gather(*map(repeat, _shares(iterations, in_flight)))
        return (time.perf_counter() - start) / iterations

    return lambda iterations: loop.run_until_complete(run(iterations))


def _shares(iterations: int, workers: int) -> list[int]:
    """Divide ``iterations`` among ``workers``, as evenly as possible."""
    share, more = divmod(iterations, workers)
    return [share + (i < more) for i in range(workers)]
