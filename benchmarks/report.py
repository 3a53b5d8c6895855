"""What was measured, as a structure for JSON and as a table."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.cases import UNITS, Case, Comparison
from benchmarks.measure import Samples

Report = dict[str, Any]


def summarize(cases: Sequence[Case], samples: Samples) -> list[Report]:
    """Return an entry for each case.

    ``workers`` has by name: ``figures``, what was measured in each round, in the case's unit;
    ``figure``, their median and quartiles; ``compared``, those of what the case tells of a figure,
    compared with that of the reference in the same round.
    """
    return [
        {
            "name": case.name,
            "title": case.title,
            "unit": case.unit,
            "comparison": case.comparison.name,
            "must": case.must,
            "stretch": case.stretch,
            "reference": None if case.reference is None else case.reference[0],
            "workers": _workers(case, samples),
        }
        for case in cases
    ]


def _workers(case: Case, samples: Samples) -> dict[str, Report]:
    figures = {
        worker: [value / case.per / UNITS[case.unit] for value in values]
        for (name, worker), values in samples.items()
        if name == case.name
    }
    reference = figures.get(case.reference[0]) if case.reference is not None else None
    return {
        worker: {
            "figures": values,
            "figure": _spread(values),
            "compared": None
            if values is reference
            else _spread(_compare(case.comparison, values, reference)),
        }
        for worker, values in figures.items()
    }


def _compare(
    comparison: Comparison, figures: Sequence[float], references: Sequence[float] | None
) -> Sequence[float]:
    if references is None:
        return figures
    pairs = zip(figures, references, strict=True)
    match comparison:
        case Comparison.RATIO:
            return [figure / reference for figure, reference in pairs]
        case Comparison.SPEEDUP:
            return [reference / figure for figure, reference in pairs]
        case Comparison.ABOVE:
            return [figure - reference for figure, reference in pairs]
    raise ValueError(f"{comparison} has no reference")


def _spread(values: Sequence[float]) -> Report:
    several = values if len(values) > 1 else [*values, *values]
    low, median, high = statistics.quantiles(several, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def table(report: Sequence[Report], columns: Sequence[str]) -> str:
    """Return the table of a report; the goals are those of the first column."""
    rows = [["", "reference", "must", "stretch", *columns, "reaches"]]
    for entry in report:
        workers = entry["workers"]
        reference = workers.get(entry["reference"])
        first = workers.get(columns[0])
        rows.append(
            [
                entry["title"],
                "" if reference is None else f"{reference['figure']['median']:.3g} {entry['unit']}",
                *(_goal(entry, goal) for goal in ("must", "stretch")),
                *("" if name not in workers else _cell(entry, workers[name]) for name in columns),
                "" if first is None else _reaches(entry, first["compared"]["median"]),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _goal(entry: Report, goal: str) -> str:
    return "" if entry[goal] is None else f"{entry[goal]:g}"


def _cell(entry: Report, worker: Report) -> str:
    compared = worker["compared"]
    unit = "×" if entry["comparison"] in ("RATIO", "SPEEDUP") else f" {entry['unit']}"
    median, low, high = (f"{compared[key]:.3g}" for key in ("median", "low", "high"))
    return f"{median}{unit} ({low}–{high})"


def _reaches(entry: Report, value: float) -> str:
    sign = -1 if entry["comparison"] == "SPEEDUP" else 1
    for goal in ("stretch", "must"):
        if entry[goal] is not None and sign * value <= sign * entry[goal]:
            return goal
    return "" if entry["must"] is None else "neither"
