"""Warm-up: the samples of a configuration as requests, and what goes wrong with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import InvalidArgumentError, ModelControlMode, Server

EXPLICIT = ModelControlMode.EXPLICIT

# Answers all that it has seen so far, and refuses 13.
MODEL = """
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def initialize(self, args):
        self.seen = []

    def execute(self, requests):
        responses = []
        for request in requests:
            values = pb_utils.get_input_tensor_by_name(request, "X").as_numpy()
            self.seen += values.ravel().tolist()
            if 13 in self.seen:
                raise ValueError("thirteen")
            seen = np.array([self.seen], np.float32)
            responses.append(pb_utils.InferenceResponse([pb_utils.Tensor("SEEN", seen)]))
        return responses
"""
CONFIG = """backend: "python"
max_batch_size: 4
instance_group { kind: KIND_CPU count: 1 }
input { name: "X" data_type: TYPE_FP32 dims: [ 2 ] }
output { name: "SEEN" data_type: TYPE_FP32 dims: [ -1 ] }
"""


def sample(name: str, data: str, count: int = 1, batch_size: int = 1) -> str:
    tensor = f"data_type: TYPE_FP32 dims: [ 2 ] {data}"
    return (
        f'model_warmup {{ name: "{name}" batch_size: {batch_size} count: {count}\n'
        f'  inputs {{ key: "X" value {{ {tensor} }} }} }}\n'
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a model with samples and files of samples; return its repository."""

    def write(name: str, samples: str, **files: bytes) -> Path:
        model = tmp_path / "models" / name
        (model / "1").mkdir(parents=True)
        (model / "warmup").mkdir()
        (model / "1" / "model.py").write_text(MODEL)
        (model / "config.pbtxt").write_text(CONFIG + samples)
        for file, content in files.items():
            (model / "warmup" / file).write_bytes(content)
        return model.parent

    return write


def seen(server: Server, name: str = "model") -> list[float]:
    outputs = server.model(name)(X=np.float32([[1, 2]]))
    return outputs["SEEN"].to_numpy().ravel().tolist()  # type: ignore[no-any-return]


SEVENS = np.float32([7, 8]).tobytes()


def test_samples_come_in_order_before_the_first_request(write: Any) -> None:
    samples = sample("zeros", "zero_data: true", 2, 2) + sample("file", 'input_data_file: "sevens"')
    repository = write("model", samples, sevens=SEVENS)
    with Server(model_repository=repository, model_control_mode=EXPLICIT) as server:
        server.load("model")
        assert not server.model("model").config()["model_warmup"]
        assert seen(server) == [0] * 8 + [7, 8] + [1, 2]
        # A model that has not changed is not loaded again, nor warmed up.
        server.load("model")
        assert seen(server) == [0] * 8 + [7, 8] + [1, 2] * 2
        (repository / "model" / "warmup" / "sevens").write_bytes(np.float32([9, 9]).tobytes())
        server.load("model")
        assert seen(server) == [0] * 8 + [9, 9] + [1, 2]


@pytest.mark.parametrize("startup_models", [["*"], ["model", "plain"]])
def test_startup_models(write: Any, startup_models: list[str]) -> None:
    write("plain", "")
    repository = write("model", sample("random", "random_data: true"))
    with Server(
        model_repository=repository, model_control_mode=EXPLICIT, startup_models=startup_models
    ) as server:
        assert len(seen(server)) == 4
        assert seen(server, "plain") == [1, 2]


def test_startup_model_whose_sample_fails(write: Any) -> None:
    repository = write("model", sample("lost", 'input_data_file: "nowhere"'))
    options = {
        "model_repository": repository,
        "model_control_mode": EXPLICIT,
        "startup_models": ["model"],
    }
    with pytest.raises(InvalidArgumentError, match=r"sample 'lost' of its model_warmup.*nowhere"):
        Server(**options).start()
    with Server(**options, exit_on_error=False) as server:
        assert not server.model("model").ready()


@pytest.mark.parametrize(
    ("data", "file", "why"),
    [
        ('input_data_file: "sevens"', b"", "No such file"),
        ('input_data_file: "sevens"', SEVENS[:4], "input 'X'"),
        ('input_data_file: "sevens"', np.float32([1, 13]).tobytes(), "thirteen"),
    ],
)
def test_sample_that_fails(write: Any, data: str, file: bytes, why: str) -> None:
    files = {"sevens": file} if file else {}
    repository = write("model", sample("good", "zero_data: true") + sample("bad", data), **files)
    write("other", "")
    with Server(model_repository=repository, model_control_mode=EXPLICIT) as server:
        server.load("other")
        with pytest.raises(InvalidArgumentError, match=rf"sample 'bad' of its model_warmup.*{why}"):
            server.load("model")
        assert not server.model("model").ready()
        (repository / "model" / "warmup" / "sevens").write_bytes(SEVENS)
        server.load("model")
        assert seen(server) == [0, 0, 7, 8, 1, 2]
        assert seen(server, "other") == [1, 2]


def test_warm_up_of_a_given_configuration(write: Any) -> None:
    repository = write("model", "", sevens=SEVENS)
    config = CONFIG + sample("file", 'input_data_file: "sevens"')
    with Server(model_repository=repository, model_control_mode=EXPLICIT) as server:
        server.load("model", config=config)
        assert seen(server) == [7, 8, 1, 2]
        server.load("model", {"config": config})
        assert seen(server) == [7, 8, 1, 2, 1, 2]


@pytest.mark.parametrize("mode", [ModelControlMode.NONE, ModelControlMode.POLL])
def test_warm_up_by_the_core_is_said(write: Any, mode: ModelControlMode) -> None:
    repository = write("model", sample("zeros", "zero_data: true"))
    server = Server(model_repository=repository, model_control_mode=mode)
    with pytest.warns(RuntimeWarning, match="the core itself runs .* of 'model'.*EXPLICIT"):
        server.start()
    assert seen(server) == [0, 0, 1, 2]
    server.stop()


SEQUENCE = """backend: "identity"
max_batch_size: 4
sequence_batching { control_input {
  name: "START" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] } } }
"""


@pytest.mark.parametrize(
    "data_type",
    [name for name in tritonserver.DataType.__members__ if name != "INVALID"],
)
@pytest.mark.parametrize("data", ["zero_data: true", "random_data: true"])
def test_made_up_data(tmp_path: Path, data_type: str, data: str) -> None:
    model = tmp_path / "models" / "model"
    (model / "1").mkdir(parents=True)
    name = {"BYTES": "TYPE_STRING"}.get(data_type, f"TYPE_{data_type}")
    tensor = f"data_type: {name} dims: [ 3 ]"
    start = "data_type: TYPE_FP32 dims: [ 1 ] zero_data: true"
    (model / "config.pbtxt").write_text(
        f'{SEQUENCE} input {{ name: "X" {tensor} }} output {{ name: "Y" {tensor} }}\n'
        f'model_warmup {{ name: "s" batch_size: 2\n'
        f'  inputs {{ key: "X" value {{ {tensor} {data} }} }}\n'
        f'  inputs {{ key: "START" value {{ {start} }} }} }}'
    )
    with Server(model_repository=model.parent, model_control_mode=EXPLICIT) as server:
        statistics = server.load("model").statistics()["model_stats"][0]
        assert statistics["inference_count"] == 2
