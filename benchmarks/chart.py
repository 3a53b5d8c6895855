"""Draws a report, JSON on stdin, as a PNG: how far above the floor each case is in each column.

usage: chart.py PNG
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main() -> None:
    try:
        pyplot = importlib.import_module("matplotlib.pyplot")
    except ModuleNotFoundError:
        sys.exit("No chart: matplotlib is not installed.")
    draw(pyplot, json.load(sys.stdin), sys.argv[1])


def draw(pyplot: Any, result: dict[str, Any], path: str) -> None:
    """Write the chart of ``result``, as the benchmark's --json writes it, to ``path``."""
    columns = result["columns"]
    cases = [case for case in result["cases"] if case["comparison"] == "RATIO" and case["workers"]]
    height = 0.8 / len(columns)
    figure, axes = pyplot.subplots(figsize=(9, 0.6 * len(cases) + 1.2), layout="constrained")
    for i, column in enumerate(columns):
        measured = [(y, case) for y, case in enumerate(cases) if column in case["workers"]]
        ratios = [case["workers"][column]["compared"]["median"] for _, case in measured]
        bars = axes.barh(
            [y + (i + 0.5) * height - 0.4 for y, _ in measured],
            [ratio - 1 for ratio in ratios],
            height,
            left=1,
            label=column,
        )
        for bar, ratio in zip(bars, ratios, strict=True):
            axes.annotate(
                f"{ratio:.3g}×",
                (max(ratio, 1), bar.get_y() + height / 2),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.margins(x=0.08)
    axes.set_yticks(range(len(cases)), [case["title"] for case in cases])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}×")
    axes.set_xlabel("time, as a multiple of the bare C API's called from C++ (less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(columns), frameon=False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
