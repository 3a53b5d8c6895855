"""What is measured: one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Comparison(Enum):
    """What is told of a figure."""

    RATIO = "× reference"
    SPEEDUP = "× faster than reference"
    ABOVE = "above reference"
    ITSELF = "itself"


@dataclass(frozen=True)
class Case:
    """A case of the workers, in `workers/`, and what its figure is held against.

    Parameters
    ----------
    name : str
        As workers call it.
    title : str
        As the table calls it.
    must, stretch : float or None
        Goals of our package for what is compared: at least, for SPEEDUP, else at most.
    reference : tuple of str or None
        Name of the worker it is compared with, and how that calls the case.
    unit : str
        Of the figure: ``"µs"``, ``"ms"`` or ``"KiB"``.
    per : int
        In how many parts an iteration is counted.
    iterations : int or None
        How many make up a batch; None for as many as fill the time of one.
    rounds : int or None
        Limit of the rounds, for what takes long.
    fresh : bool
        Whether each batch needs a process of its own.
    """

    name: str
    title: str
    must: float | None = None
    stretch: float | None = None
    reference: tuple[str, str] | None = None
    comparison: Comparison = Comparison.RATIO
    unit: str = "µs"
    per: int = 1
    iterations: int | None = None
    rounds: int | None = None
    fresh: bool = False


UNITS = {"µs": 1e-6, "ms": 1e-3, "KiB": 1024.0}

# Names of workers.
OURS = "tritonserver"
FLOOR = "floor"
STRUCT_LOOP = "struct loop"

CASES = [
    Case("infer", "infer, one small tensor", 1.6, 1.25, (FLOOR, "one")),
    Case("bound", "bound request", 1.25, 1.1, (FLOOR, "one")),
    Case("call", "one-call form", reference=(FLOOR, "one")),
    Case("async_infer", "async_infer", 2.5, 1.8, (FLOOR, "one")),
    Case("async_infer_64", "async_infer, 64 in flight", 2.5, 1.8, (FLOOR, "in_flight_64")),
    Case("threads_8", "infer from 8 threads", 2.5, 1.5, (FLOOR, "in_flight_8")),
    Case("large", "1 MiB in and out", 1.1, 0.9, (FLOOR, "large")),
    Case("stream", "1,000 responses, each", 2.0, 1.5, (FLOOR, "stream"), per=1000),
    Case("async_stream", "the same with asyncio", 3.0, 2.0, (FLOOR, "stream"), per=1000),
    Case("wide", "8 inputs and 8 outputs", 1.6, 1.3, (FLOOR, "wide")),
    Case(
        "bytes",
        "100,000 strings there and back",
        20,
        50,
        (STRUCT_LOOP, "bytes"),
        Comparison.SPEEDUP,
        unit="ms",
        rounds=15,
    ),
    Case("to_numpy", "output to NumPy array", 1.5, 0.8, comparison=Comparison.ITSELF),
    Case(
        "memory",
        "memory of a request in flight",
        1.0,
        reference=(FLOOR, "memory"),
        comparison=Comparison.ABOVE,
        unit="KiB",
        iterations=10_000,
        rounds=5,
        fresh=True,
    ),
    Case(
        "import",
        "import, above NumPy's",
        30,
        10,
        comparison=Comparison.ITSELF,
        unit="ms",
        iterations=1,
        rounds=15,
    ),
]
