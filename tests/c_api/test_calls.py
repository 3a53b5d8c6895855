"""That the other tests of this directory call every function of the C API."""

import collections
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tritonserver._c import triton_bindings as tb

# Functions that are allowed not to be called, and why.
NOT_CALLED: dict[str, str] = {}


@pytest.mark.timeout(840)
def test_every_function_is_called(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = tmp_path / "counts.json"
    this = pathlib.Path(__file__)
    others = sorted(path for path in this.parent.glob("test_*.py") if path.name != this.name)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *map(str, others)],
        env=dict(os.environ, TRITON_CALL_COUNTS=str(counts), PYTHONPATH=os.pathsep.join(sys.path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-10_000:]

    # The programs that tests run add files of their own.
    calls: collections.Counter[str] = collections.Counter()
    for path in [counts, *tmp_path.glob("counts.json.*")]:
        calls.update(json.loads(path.read_text()))
    called = {name for name, number in calls.items() if number}
    with capsys.disabled():
        print(f"\ncalled {len(called)} of {len(calls)}")
        for name, reason in NOT_CALLED.items():
            print(f"not called: {name}: {reason}")
    assert len(calls) == len(tb._call_counts()) == 172
    assert set(calls) - called == set(NOT_CALLED)
