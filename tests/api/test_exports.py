"""What the package exports, and what is reachable by the private paths that programs use."""

import importlib
import pickle
import subprocess
import sys
from importlib import metadata
from types import ModuleType

import pytest

import tritonserver

ERRORS = [
    "UnknownError",
    "InternalError",
    "NotFoundError",
    "InvalidArgumentError",
    "UnavailableError",
    "UnsupportedError",
    "AlreadyExistsError",
]

PRIVATE = {
    "_server": [
        "ModelDictionary",
        "ModelLoadDeviceLimit",
        "Options",
        "RateLimiterResource",
        "Server",
    ],
    "_model": ["Model"],
    "_request": ["InferenceRequest"],
    "_response": ["AsyncResponseIterator", "InferenceResponse", "ResponseIterator"],
    "_tensor": ["Tensor"],
    "_memorybuffer": ["DeviceOrMemoryType", "MemoryBuffer"],
    "_allocators": ["CPUAllocator", "MemoryAllocator", "default_memory_allocators"],
    "_dlpack": ["DLDeviceType"],
    "_logging": ["LogLevel", "LogMessage"],
    "_datautils": [
        "CustomKeyErrorDict",
        "DLPACK_DEVICE_TYPE_TO_TRITON_MEMORY_TYPE",
        "DLPACK_TO_TRITON_DTYPE",
        "DLPackObject",
        "DeviceOrMemoryType",
        "NUMPY_TO_TRITON_DTYPE",
        "STRING_TO_TRITON_MEMORY_TYPE",
        "TRITON_MEMORY_TYPE_TO_DLPACK_DEVICE_TYPE",
        "TRITON_TO_DLPACK_DTYPE",
        "TRITON_TO_NUMPY_DTYPE",
        "parse_device_or_memory_type",
    ],
}


def test_all_is_sorted_and_complete() -> None:
    assert set(tritonserver.__all__) <= set(dir(tritonserver))
    for name in tritonserver.__all__:
        getattr(tritonserver, name)
    public = {
        name
        for name, value in vars(tritonserver).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public - {"TYPE_CHECKING"} == set(tritonserver.__all__)
    assert tritonserver.__all__ == sorted(tritonserver.__all__)


def test_errors_are_public_and_pickle() -> None:
    for name in [*ERRORS, "TritonError", "CancelledError"]:
        error = getattr(tritonserver, name)
        assert issubclass(error, tritonserver.TritonError)
        assert error.__module__ == "tritonserver"
        copy = pickle.loads(pickle.dumps(error("text", 1)))
        assert (type(copy), copy.args) == (error, ("text", 1))
        assert error is getattr(tritonserver._c, name)
        assert error is getattr(tritonserver._c.triton_bindings, name)


def test_cancelled_is_an_unknown_error() -> None:
    assert issubclass(tritonserver.CancelledError, tritonserver.UnknownError)


@pytest.mark.parametrize("module", PRIVATE)
def test_private_paths(module: str) -> None:
    found = importlib.import_module(f"tritonserver._api.{module}")
    for name in PRIVATE[module]:
        assert hasattr(found, name)
        if hasattr(tritonserver, name):
            assert getattr(found, name) is getattr(tritonserver, name)


def test_subpackages_are_attributes() -> None:
    program = (
        "import tritonserver; tritonserver._api._response.InferenceResponse; "
        "tritonserver._c.triton_bindings; tritonserver._c.TRITONSERVER_DataType; "
        "tritonserver.runtime.locate"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_version_is_that_of_the_distribution() -> None:
    try:
        expected = metadata.version("tritonserver")
    except metadata.PackageNotFoundError:
        expected = "UNKNOWN"
    assert tritonserver.__version__ == expected


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tritonserver.no_such_name


def test_import_needs_no_core_and_no_heavy_module() -> None:
    program = """
import sys, numpy
before = set(sys.modules)
import tritonserver
assert tritonserver._c.triton_bindings._loaded_library() is None
new = set(sys.modules) - before
for heavy in ("asyncio", "concurrent.futures", "logging", "subprocess", "importlib.metadata"):
    assert heavy not in new, heavy
for later in ("_api._server", "_api._options", "_api._tracing", "_api._metrics_report", "runtime"):
    assert f"tritonserver.{later}" not in new, later
assert tritonserver.Server is tritonserver.Server
assert "Server" in vars(tritonserver)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
