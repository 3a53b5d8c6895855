"""Fixtures: private directories, the wheel under test, models written on the spot, and programs in
processes of their own."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tritonserver.runtime import _wheel

_MODEL = """
import os
import signal
import sys

import triton_python_backend_utils as pb_utils

{at_import}


class TritonPythonModel:
    @staticmethod
    def auto_complete_config(config):
        {in_auto_complete}
        config.add_input({{"name": "input", "data_type": "TYPE_FP32", "dims": [-1]}})
        config.add_output({{"name": "output", "data_type": "TYPE_FP32", "dims": [-1]}})
        config.set_max_batch_size(0)
        return config

    def initialize(self, args):
        {in_initialize}

    def execute(self, requests):
        {in_execute}
        inputs = [pb_utils.get_input_tensor_by_name(request, "input") for request in requests]
        outputs = [pb_utils.Tensor("output", tensor.as_numpy()) for tensor in inputs]
        return [pb_utils.InferenceResponse([output]) for output in outputs]
"""


@pytest.fixture(autouse=True)
def private_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the homes and fetched files of a test from those of the user and of other tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    for variable in ("TRITONSERVER_LIBRARY", "TRITON_HOME"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def wheel() -> _wheel.Wheel:
    installed = _wheel.installed()
    assert installed is not None, "these tests need the wheel nvidia-pytriton on sys.path"
    return installed


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """Write an identity model that does what it is told at one place; return its repository."""

    def write(
        name: str = "model", repository: str = "models", config: str = "", **code: str
    ) -> Path:
        root = tmp_path / repository
        (root / name / "1").mkdir(parents=True)
        (root / name / "config.pbtxt").write_text(config)
        places = ("at_import", "in_auto_complete", "in_initialize", "in_execute")
        assert set(code) <= set(places)
        source = _MODEL.format(**{place: code.get(place, "pass") for place in places})
        (root / name / "1" / "model.py").write_text(source)
        return root

    return write


@dataclass
class Ended:
    """How a program ended."""

    code: int
    output: str
    errors: str


@pytest.fixture
def run_program() -> Callable[..., Ended]:
    """Run Python source in a process of its own; it gets `arguments` in `sys.argv`."""

    def run(source: str, *arguments: object, python: object = sys.executable) -> Ended:
        ended = subprocess.run(
            [str(python), "-c", textwrap.dedent(source), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run
