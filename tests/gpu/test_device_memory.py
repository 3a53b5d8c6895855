"""Tensors in GPU memory, in and out; these need an NVIDIA GPU with its driver.

`tests/fake_cuda` has what can be tested without.
"""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import runtime

ROOT = Path(__file__).parents[2]


def needs(library: str) -> Any:
    is_there = importlib.util.find_spec(library) is not None
    return pytest.param(library, marks=pytest.mark.skipif(not is_there, reason=f"needs {library}"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tritonserver.Model]:
    repository = tmp_path_factory.mktemp("repository")
    shutil.copytree(ROOT / "models" / "test", repository / "test")
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
    assert np.array_equal(tensor.to_numpy(), given)


def test_text_in_device_memory_is_read_on_the_host(model: tritonserver.Model) -> None:
    text = output(model, "string", [["hello"]], output_memory_type="gpu")
    assert text.to_string_array().tolist() == [["hello"]]
    assert text.to_string_array().tolist() == [["hello"]]


@pytest.mark.parametrize("library", [needs("cupy"), needs("torch")])
def test_arrays_of_others_in_and_out(model: tritonserver.Model, library: str) -> None:
    """A long queue of work writes the input; nobody waits for it but the request."""
    arrays = importlib.import_module(library)
    if library == "torch":
        given = arrays.zeros((1, 1 << 24), device="cuda")
    else:
        given = arrays.zeros((1, 1 << 24), arrays.float32)
    for _ in range(100):
        given += 1
    tensor = output(model, "fp32", given, output_memory_type="gpu")
    returned = arrays.from_dlpack(tensor)
    assert returned.shape == given.shape
    assert bool((returned == 100).all())
    assert bool((tensor.to_numpy() == 100).all())


def test_inputs_in_device_memory(model: tritonserver.Model) -> None:
    given = tritonserver.Tensor.from_dlpack(np.arange(4, dtype=np.float32).reshape(1, 4))
    assert output(model, "fp32", given.to_device("gpu")).to_numpy().tolist() == [[0, 1, 2, 3]]


def test_tensors_move_between_host_and_device() -> None:
    on_host = tritonserver.Tensor.from_dlpack(np.ones((1, 3), np.float32))
    on_device = on_host.to_device("gpu:0")
    assert on_device.memory_type == tritonserver.MemoryType.GPU
    assert on_device.to_device("gpu") is on_device
    back = on_device.to_host()
    assert back.memory_type == tritonserver.MemoryType.CPU
    assert np.from_dlpack(back).tolist() == [[1, 1, 1]]


def test_memory_is_given_back() -> None:
    """It is more, in all, than GPUs have."""
    on_host = tritonserver.Tensor.from_dlpack(np.ones(1 << 28, np.int8))
    for _ in range(600):
        on_device = on_host.to_device("gpu")
    assert on_device.size == 1 << 28


def test_a_device_that_is_not_there() -> None:
    tensor = tritonserver.Tensor.from_dlpack(np.ones(3))
    with pytest.raises(tritonserver.InvalidArgumentError, match="cudaSetDevice failed"):
        tensor.to_device("gpu:99")


def test_the_typical_program(tmp_path: Path) -> None:
    """It needs CuPy: that is how it looks at the output."""
    pytest.importorskip("cupy", reason="needs CuPy")
    source = (Path(__file__).parent / "programs" / "24_gpu_outputs.py").read_text()
    shutil.copytree(ROOT / "tests" / "models" / "python" / "identity", tmp_path / "identity")
    program = source.replace('"/models"', repr(str(tmp_path)))
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_gpu_metrics_are_reported(tmp_path: Path) -> None:
    with tritonserver.Server(model_repository=tmp_path) as server:
        assert "nv_gpu_memory_total_bytes" in server.metrics()
