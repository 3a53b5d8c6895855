"""Draws a report, JSON on stdin, as a PNG: each case as bars of multiples of its reference.

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
    cases = [case for case in result["cases"] if case["comparison"] == "RATIO"]
    height = 0.8 / len(columns)
    figure, axes = pyplot.subplots(figsize=(8, 0.6 * len(cases) + 1), layout="constrained")
    for i, column in enumerate(columns):
        measured = [(y, case) for y, case in enumerate(cases) if column in case["workers"]]
        compared = [case["workers"][column]["compared"] for _, case in measured]
        medians = [each["median"] for each in compared]
        bars = axes.barh(
            [y + (i - (len(columns) - 1) / 2) * height for y, _ in measured],
            medians,
            height,
            xerr=[
                [each["median"] - each["low"] for each in compared],
                [each["high"] - each["median"] for each in compared],
            ],
            error_kw={"linewidth": 0.8, "ecolor": "0.4"},
            label=column,
        )
        axes.bar_label(bars, [f"{median:.3g}×" for median in medians], padding=4, fontsize=7)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), [case["title"] for case in cases])
    axes.invert_yaxis()
    axes.set_xlabel("time as a multiple of the bare C API's, called from C++ (less is better)")
    axes.legend(loc="lower right", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
