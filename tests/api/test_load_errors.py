"""What a load tells: errors with their remedy, and warnings of what nobody would expect."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tritonserver import InternalError, InvalidArgumentError, ModelControlMode, Server
from tritonserver._api import _blocking

EXPLICIT = ModelControlMode.EXPLICIT
CONFIG = """
backend: "identity"
input { name: "X" data_type: TYPE_FP32 dims: [ -1 ] }
output { name: "Y" data_type: TYPE_FP32 dims: [ -1 ] }
"""


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def server(models: Path) -> Iterator[Server]:
    with Server(model_repository=models, model_control_mode=EXPLICIT) as server:
        yield server


@pytest.fixture
def write(models: Path) -> Callable[..., str]:
    """Write a model with these version directories; return its name."""

    def write(*versions: str, name: str = "model", config: str = "", base: str = CONFIG) -> str:
        for version in versions:
            (models / name / version).mkdir(parents=True)
        (models / name).mkdir(exist_ok=True)
        (models / name / "config.pbtxt").write_text(base + config)
        return name

    return write


def error_of(server: Server, name: str) -> str:
    with pytest.raises((InternalError, InvalidArgumentError)) as caught:
        server.load(name)
    return str(caught.value)


def warnings_of(call: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught]


def test_only_ignored_version_directories(server: Server, write: Any) -> None:
    error = error_of(server, write("01", "v1", "data"))
    assert "Ignored: '01' (begins with 0), 'data' (is no number), 'v1' (is no number)" in error
    assert "such as '1'" in error


def test_no_version_directory(server: Server, write: Any) -> None:
    assert "gnored" not in error_of(server, write())


def test_version_policy_that_takes_none(server: Server, write: Any) -> None:
    error = error_of(server, write("1", "3", config="version_policy: { latest { } }"))
    assert "There are 1, 3, of which the version_policy takes none: `latest` needs" in error


@pytest.mark.parametrize(
    ("directory", "text"),
    [
        ("2.bak", "the directory '2.bak' counts as its version 2"),
        ("4.5", "the directory '4.5' counts as its version 4"),
        ("02", "the directory '02' is no version of it: begins with 0"),
        ("v3", "the directory 'v3' is no version of it: is no number"),
    ],
)
def test_version_directories_that_surprise(
    server: Server, write: Any, directory: str, text: str
) -> None:
    name = write("1", directory)
    assert warnings_of(lambda: server.load(name)) == [f"model 'model': {text}"]


def test_directories_that_do_not(server: Server, write: Any) -> None:
    name = write("1", "0", "17", "warmup", ".git", "assets")
    assert warnings_of(lambda: server.load(name)) == []


def test_version_that_the_policy_names_in_vain(server: Server, write: Any) -> None:
    policy = "version_policy: { specific { versions: [ 1, 5 ] } }"
    name = write("1", config=policy)
    (told,) = warnings_of(lambda: server.load(name))
    assert "names 5, of which there is no directory" in told
    assert server.model(name)(X=np.ones(1, np.float32))


def test_surprises_are_told_at_start(models: Path, write: Any) -> None:
    write("1", "2.bak")
    server = Server(model_repository=models)
    told = warnings_of(server.start)
    server.stop()
    assert told == ["model 'model': the directory '2.bak' counts as its version 2"]


@pytest.mark.parametrize(
    ("backend", "text"),
    [
        ("identty", "did you mean 'identity'?"),
        ("onnxruntime", "'onnxruntime' comes with NVIDIA's containers"),
        ("something", "has the backends identity"),
    ],
)
def test_backend_that_is_not_there(server: Server, write: Any, backend: str, text: str) -> None:
    error = error_of(server, write("1", base=CONFIG.replace("identity", backend)))
    assert "This Triton has the backends identity, " in error
    assert "repeat, square" in error
    assert text in error


@pytest.mark.parametrize(
    ("right", "wrong", "text"),
    [
        ("TYPE_FP32", "FP32", "line 3, column 30: FP32 is no DataType; it is one of TYPE_FP32"),
        ("dims", "dim", "line 3, column 40: ModelInput has no field 'dim'; did you mean 'dims'?"),
        ("backend", "bakend", "line 2, column 1: ModelConfig has no field 'bakend'; did you mean"),
        ('"X"', "X", "line 3, column 15: a value of type string was expected, not 'X'"),
        ("[ -1 ]", '"one"', "line 3, column 46: a value of type int64 was expected"),
        ("input {", "input: 5 {", "line 3, column 8: '{' was expected, not '5'"),
        ("output {", "parameters { name: 1 } output {", "an item of a map has no field 'name'"),
    ],
)
def test_mistake_in_a_configuration(
    server: Server, write: Any, right: str, wrong: str, text: str
) -> None:
    error = error_of(server, write("1", base=CONFIG.replace(right, wrong, 1)))
    assert "failed to read text proto" in error
    assert text in error


def test_field_that_only_the_core_knows_is_passed_on(server: Server, write: Any) -> None:
    with pytest.raises(InternalError, match="of_the_future"):
        server.load(write("1"), config=CONFIG + "of_the_future { field: 1 }")


PYTHON = """
class TritonPythonModel:
    def execute(self, requests):
        return []
"""


@pytest.mark.skipif(
    int(np.__version__[0]) >= 2,
    reason="this Python has no NumPy < 2, without which the core runs no Python models",
)
def test_model_without_inputs_and_outputs(server: Server, models: Path) -> None:
    (models / "model" / "1").mkdir(parents=True)
    (models / "model" / "1" / "model.py").write_text(PYTHON)
    (told,) = warnings_of(lambda: server.load("model"))
    assert told.startswith("model 'model': it has no inputs and outputs")


def test_load_that_takes_long(server: Server, write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_blocking, "_SLOW_SECONDS", 0.2)
    parameter = 'parameters { key: "creation_delay_sec" value { string_value: "1" } }'
    name = write("1", config=parameter)
    told = warnings_of(lambda: server.load(name))
    assert told == ["the load of model 'model' takes long; loading: model"]
    assert server.model(name).ready()
