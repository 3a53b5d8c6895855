"""`tritonserver.testing`: models from functions, and its fixtures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritonserver import InternalError, InvalidArgumentError, Server
from tritonserver.testing import ModelRepository

FACTOR = 3


def double(x: Any) -> Any:
    if x[0] < 0:
        raise ValueError("too small")
    return {"y": x * 2}


def count(n: Any) -> Any:
    for i in range(int(n[0])):
        yield {"i": np.array([i], np.int32)}


def shout(text: Any) -> Any:
    return {"out": np.array([each.decode().upper().encode() for each in text], dtype=object)}


def multiply(x: Any) -> Any:
    return {"y": x * FACTOR}


@pytest.fixture
def server(tmp_path: Path) -> Any:
    models = ModelRepository(tmp_path / "models")
    models.add("double", double, {"x": "FP32[-1]"}, {"y": "FP32[-1]"})
    models.add("count", count, {"n": "INT32[1]"}, {"i": "INT32[1]"}, decoupled=True)
    models.add("shout", shout, {"text": "BYTES[-1]"}, {"out": "BYTES[-1]"})
    with Server(model_repository=models, strict_model_config=True) as server:
        yield server


def test_models_from_functions(server: Server) -> None:
    (response,) = server.model("double").infer(inputs={"x": np.array([1, 2], np.float32)})
    assert response.outputs["y"].to_numpy().tolist() == [2, 4]

    responses = server.model("count").infer(inputs={"n": np.array([3], np.int32)})
    outputs = [r.outputs["i"].to_numpy().item() for r in responses if r.outputs]
    assert outputs == [0, 1, 2]

    (response,) = server.model("shout").infer(inputs={"text": ["é", "b"]})
    assert response.outputs["out"].to_string_array().tolist() == ["É", "B"]

    with pytest.raises(InternalError, match="ValueError: too small"):
        list(server.model("double").infer(inputs={"x": np.array([-1], np.float32)}))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (multiply, "uses FACTOR from around it"),
        (lambda x: x, "a function with a name"),
        (len, "a function with a name"),
    ],
)
def test_functions_that_cannot_be_models(
    tmp_path: Path, function: Callable[..., Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        ModelRepository(tmp_path).add("m", function, {"x": "FP32[1]"}, {"y": "FP32[1]"})


@pytest.mark.parametrize("tensor", ["FP32", "FP32[a]", "[1]", ""])
def test_tensors_that_cannot_be_read(tmp_path: Path, tensor: str) -> None:
    with pytest.raises(InvalidArgumentError, match="must be like"):
        ModelRepository(tmp_path).add("m", double, {"x": tensor}, {})


def test_fixtures(run_program: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["tritonserver.testing.fixtures"]\n')
    (tmp_path / "test_it.py").write_text(
        """
import numpy as np

def double(x):
    return {"y": x * 2}

def test_double(model_repository, start_server):
    model_repository.add("double", double, {"x": "FP32[-1]"}, {"y": "FP32[-1]"})
    (response,) = start_server().model("double").infer(inputs={"x": np.float32([1, 2])})
    assert np.from_dlpack(response.outputs["y"]).tolist() == [2, 4]
"""
    )
    program = "import pytest, sys; sys.exit(pytest.main(['-p', 'no:cacheprovider', sys.argv[1]]))"
    ended = run_program(program, tmp_path)
    assert ended.code == 0, ended
    assert "1 passed" in ended.output
