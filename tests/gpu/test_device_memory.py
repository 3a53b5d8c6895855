"""Tensors in GPU memory, in and out; these need an NVIDIA GPU with its driver, and CuPy."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import runtime

cupy = pytest.importorskip("cupy", reason="needs CuPy (the extra `gpu`)")

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tritonserver.Model]:
    repository = tmp_path_factory.mktemp("repository")
    shutil.copytree(MODELS / "test", repository / "test")
    with tritonserver.Server(model_repository=repository) as server:
        yield server.model("test")


def output(model: tritonserver.Model, name: str, value: Any, **request: Any) -> tritonserver.Tensor:
    (response,) = model.infer(inputs={f"{name}_input": value}, **request)
    return response.outputs[f"{name}_output"]


def test_the_gpu_is_seen() -> None:
    assert runtime.gpu_present()


@pytest.mark.parametrize("device", ["gpu", "gpu:0", tritonserver.MemoryType.GPU])
def test_outputs_come_in_device_memory(model: tritonserver.Model, device: Any) -> None:
    given = np.random.default_rng(0).random((1, 100)).astype(np.float16)
    tensor = output(model, "fp16", given, output_memory_type=device)
    assert tensor.memory_type == tritonserver.MemoryType.GPU
    assert tensor.memory_type_id == 0
    assert np.array_equal(cupy.from_dlpack(tensor).get(), given)


def test_text_in_device_memory_is_read_on_the_host(model: tritonserver.Model) -> None:
    text = output(model, "string", [["hello"]], output_memory_type="gpu")
    assert text.to_string_array().tolist() == [["hello"]]
    assert text.to_string_array().tolist() == [["hello"]]


def test_inputs_in_device_memory(model: tritonserver.Model) -> None:
    given = cupy.arange(4, dtype=cupy.float32).reshape(1, 4)
    assert np.from_dlpack(output(model, "fp32", given)).tolist() == [[0, 1, 2, 3]]


def test_tensors_move_between_host_and_device() -> None:
    on_host = tritonserver.Tensor.from_dlpack(np.ones((1, 3), np.float32))
    on_device = on_host.to_device("gpu:0")
    assert on_device.memory_type == tritonserver.MemoryType.GPU
    assert on_device.to_device("gpu") is on_device
    back = on_device.to_host()
    assert back.memory_type == tritonserver.MemoryType.CPU
    assert np.from_dlpack(back).tolist() == [[1, 1, 1]]


def test_gpu_metrics_are_reported(tmp_path: Path) -> None:
    with tritonserver.Server(model_repository=tmp_path) as server:
        assert "nv_gpu_memory_total_bytes" in server.metrics()
