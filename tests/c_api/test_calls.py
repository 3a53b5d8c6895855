"""That the other tests of this directory call every function of the C API that the core has.

Those of the fake core call the rest.
"""

import collections
import ctypes
import json
import os
import pathlib
import subprocess
import sys

import pytest

from tritonserver._c import triton_bindings as tb


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
    assert len(calls) == len(tb._call_counts()) == 173
    tb.api_version()  # opens the core
    core = ctypes.CDLL(tb._loaded_library())
    assert called == {name for name in calls if hasattr(core, name)}
