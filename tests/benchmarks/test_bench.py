"""The benchmark runs; how fast anything is, is not tested."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.cases import CASES, Case, Comparison
from benchmarks.report import Report, summarize, table
from benchmarks.waits import POLICIES

import tritonserver
from tritonserver import ModelControlMode


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, str]:
    """The figures and the table of a short run that has this package in another column, too."""
    results = tmp_path_factory.mktemp("benchmark") / "results.json"
    assert tritonserver.__file__ is not None
    another = Path(tritonserver.__file__).parent.parent
    program = [sys.executable, "-m", "benchmarks.main"]
    options = ["--quick", "--rounds=2", "--batch=0.1", f"--json={results}"]
    finished = subprocess.run(
        [*program, *options, f"--column=again={another}"], capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(results.read_text()), finished.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_is_measured(run: tuple[Report, str], case: Case) -> None:
    report, printed = run
    (measured,) = (entry for entry in report["cases"] if entry["name"] == case.name)
    workers = measured["workers"]
    reference = [] if case.reference is None else [case.reference[0]]
    assert workers.keys() >= {"tritonserver", "again", *reference}
    for worker in workers.values():
        assert len(worker["figures"]) == 2
        assert worker["figure"]["low"] <= worker["figure"]["median"] <= worker["figure"]["high"]
    assert workers["tritonserver"]["compared"]["median"] > 0
    assert case.title in printed


def test_waits_are_measured() -> None:
    program = [sys.executable, "-m", "benchmarks.waits", "--rounds=1"]
    finished = subprocess.run(program, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    figures = re.findall(r"^    (.+?)\s+\d+\.\d\d \(.*\) +\d+\.\d\d", finished.stdout, re.MULTILINE)
    assert len(figures) == 2 * len(ModelControlMode) + len(POLICIES)


def test_figures_are_compared_within_their_round() -> None:
    case = Case("infer", "infer", 1.6, 1.25, ("floor", "one"))
    samples = {("infer", "floor"): [1e-6, 2e-6, 4e-6], ("infer", "ours"): [3e-6, 4e-6, 4e-6]}
    (entry,) = summarize([case], samples)
    assert entry["workers"]["ours"]["compared"] == {"median": 2, "low": 1.5, "high": 2.5}
    assert entry["workers"]["ours"]["figure"]["median"] == pytest.approx(4)
    assert entry["workers"]["floor"]["compared"] is None


@pytest.mark.parametrize(
    ("comparison", "must", "stretch", "figure", "cell", "reaches"),
    [
        (Comparison.RATIO, 2, 1, 2, "1× (1–1)", "stretch"),
        (Comparison.RATIO, 2, 1, 3, "1.5× (1.5–1.5)", "must"),
        (Comparison.RATIO, 2, 1, 6, "3× (3–3)", "neither"),
        (Comparison.SPEEDUP, 1, 2, 1, "2× (2–2)", "stretch"),
        (Comparison.SPEEDUP, 1, 2, 4, "0.5× (0.5–0.5)", "neither"),
        (Comparison.ABOVE, 2, 1, 4, "2 µs (2–2)", "must"),
    ],
)
def test_the_table_tells_which_goal_is_reached(
    comparison: Comparison, must: float, stretch: float, figure: float, cell: str, reaches: str
) -> None:
    case = Case("infer", "a case", must, stretch, ("floor", "one"), comparison)
    report = summarize([case], {("infer", "floor"): [2e-6], ("infer", "ours"): [figure * 1e-6]})
    _, row = table(report, ["ours"]).splitlines()
    assert row.split("  ")[0] == "a case"
    assert cell in row
    assert row.split()[-1] == reaches
