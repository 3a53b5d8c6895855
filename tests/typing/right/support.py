"""Installations of Triton, and what tests of other programs use."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

from tritonserver.runtime import Home, gpu_present, locate, plain_path, python_models_problem
from tritonserver.testing import ModelRepository

home = locate()
assert_type(home, Home)
assert_type(locate(Path("libtritonserver.so")).library, Path)
assert_type(home.version, str | None)
assert_type(gpu_present(), bool)
assert_type(plain_path(Path("a b")), str)
assert_type(python_models_problem(), str | None)


def double(x: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {"y": np.multiply(x, 2)}


repository = ModelRepository(Path("models"))
directory = repository.add("double", double, {"x": "FP32[-1]"}, {"y": "FP32[-1]"}, decoupled=False)
assert_type(directory, Path)
