"""Fixtures: one server for each file of tests, and checks that nothing native is left over."""

import gc
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tritonserver
from tritonserver._c import _inference

_MODELS = Path(__file__).parents[1] / "models" / "native"

# Those that every file may use.
_SHARED = [
    "classifier",
    "ensemble",
    "identity_batching",
    "identity_eight",
    "identity_fp32",
    "identity_priority",
    "identity_sequence",
    "identity_slow",
    "native_identity",
    "repeat_int32",
    "square_int32",
]

RANKS = range(1, 6)
_TYPES = "STRING BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BF16"


def _add_identity_of_rank(repository: Path, rank: int) -> None:
    """Like native_identity, with tensors of another rank."""
    model = repository / f"identity_rank_{rank}"
    (model / "1").mkdir(parents=True)
    dims = ", ".join(["-1"] * rank)
    lines = ['backend: "identity"']
    for data_type in _TYPES.split():
        tensor = f"data_type: TYPE_{data_type} dims: [ {dims} ]"
        lines.append(f'input {{ name: "{data_type}_IN" {tensor} optional: true }}')
        lines.append(f'output {{ name: "{data_type}_OUT" {tensor} }}')
    (model / "config.pbtxt").write_text("\n".join(lines))


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("repository")
    for name in _SHARED:
        shutil.copytree(_MODELS / name, made / name)
    for rank in RANKS:
        _add_identity_of_rank(made, rank)
    return made


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[tritonserver.Server]:
    with tritonserver.Server(model_repository=repository, log_error=True) as running:
        yield running


@pytest.fixture
def identity(server: tritonserver.Server) -> tritonserver.Model:
    """Copies INPUT0, FP32 of shape [-1], to OUTPUT0."""
    return server.model("identity_fp32")


@pytest.fixture
def repeat(server: tritonserver.Server) -> Callable[..., dict[str, NDArray[Any]]]:
    """Make the inputs that get `count` responses of repeat_int32, one every `delay` ms."""

    def inputs(count: int, delay: int = 0, wait: int = 0) -> dict[str, NDArray[Any]]:
        return {
            "IN": np.arange(count, dtype=np.int32),
            "DELAY": np.full(count, delay, np.uint32),
            "WAIT": np.array([wait], np.uint32),
        }

    return inputs


def live() -> dict[str, int]:
    """The native objects that are alive, after a garbage collection."""
    gc.collect()
    return _inference.live_counts()


def wait_until(condition: Callable[[], bool], timeout: float = 10) -> bool:
    """Look at a condition until it holds or the time, in seconds, is over; whether it holds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Every inference and output buffer that a test makes is gone when it ends."""
    before = live()
    yield
    names = ("inferences", "output_buffers")
    assert wait_until(lambda: all(live()[name] <= before[name] for name in names)), (before, live())


@pytest.fixture
def run_program(repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python source in a process of its own; it gets the repository as `sys.argv[1]`."""

    def run(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(source), str(repository)],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **environment},
            check=False,
        )

    return run
