"""Installations of Triton, and what tests of other programs use."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from tritonserver import Server
from tritonserver.runtime import (
    Home,
    backends,
    gpu_present,
    locate,
    plain_path,
    python_models_problem,
)
from tritonserver.testing import ModelRepository
from tritonserver.testing.fixtures import StartServer

home = locate()
assert_type(home, Home)
assert_type(locate(Path("libtritonserver.so")).library, Path)
assert_type(home.version, str | None)
assert_type(gpu_present(), bool)
assert_type(plain_path(Path("a b")), str)
assert_type(python_models_problem(), str | None)
assert_type(backends(), list[str])


def double(x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"y": np.multiply(x, 2)}


repository = ModelRepository(Path("models"))
directory = repository.add("double", double, {"x": "FP32[-1]"}, {"y": "FP32[-1]"}, decoupled=False)
assert_type(directory, Path)


def test_double(model_repository: ModelRepository, start_server: StartServer) -> None:
    model_repository.add("double", double, {"x": "FP32[-1]"}, {"y": "FP32[-1]"})
    assert_type(start_server(), Server)
    server = start_server(model_repository=Path("models"), server_id="test", exit_timeout=1)
    assert "double" in server.models()
