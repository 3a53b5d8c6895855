"""Servers, requests and answers for the tests of the C API's binding."""

import concurrent.futures
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import tritonserver  # noqa: F401 - says where the core is
from tritonserver._c import triton_bindings as tb

Options = tb.TRITONSERVER_ServerOptions
Server = tb.TRITONSERVER_Server
Request = tb.TRITONSERVER_InferenceRequest
Response = tb.TRITONSERVER_InferenceResponse
Array = npt.NDArray[Any]

MODELS = pathlib.Path("tests/models").absolute()
DATA_TYPES = {
    np.dtype(np.float32): tb.TRITONSERVER_DataType.FP32,
    np.dtype(np.int32): tb.TRITONSERVER_DataType.INT32,
    np.dtype(np.uint32): tb.TRITONSERVER_DataType.UINT32,
}
# Where to write how often each function of the C API was called; test_calls.py asks for it.
CALL_COUNTS = os.environ.get("TRITON_CALL_COUNTS")
COUNT_CALLS = """
def write_call_counts():
    import json, os  # a process may be killed here, and forked ones come here as well
    partial = f"{os.environ['TRITON_CALL_COUNTS']}-{os.getpid()}"
    with open(partial, "w") as file:
        json.dump(tb._call_counts(), file)
    os.replace(partial, f"{os.environ['TRITON_CALL_COUNTS']}.{os.getpid()}")
__import__("atexit").register(write_call_counts)
tb._set_call_counting(True)
"""


def pytest_configure() -> None:
    if CALL_COUNTS:
        tb._set_call_counting(True)


def pytest_sessionfinish() -> None:
    if CALL_COUNTS:
        pathlib.Path(CALL_COUNTS).write_text(json.dumps(tb._call_counts()), encoding="utf-8")


def quiet_options(*models: str, repository: str | os.PathLike[str] = MODELS / "native") -> Options:
    options = tb.TRITONSERVER_ServerOptions()
    options.set_log_info(False)
    options.set_log_warn(False)
    options.set_log_error(False)
    options.set_gpu_metrics(False)
    options.set_model_repository_path(os.fspath(repository))
    options.set_model_control_mode(tb.TRITONSERVER_ModelControlMode.EXPLICIT)
    options.set_exit_timeout(10)
    for model in models:
        options.set_startup_model(model)
    return options


@pytest.fixture(scope="session")
def make_options() -> Callable[..., Options]:
    """Make options for a quiet server in EXPLICIT mode that starts with the models named."""
    return quiet_options


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The server of a module, which loads models as they are needed."""
    server = tb.TRITONSERVER_Server(quiet_options())
    yield server
    server.stop()


@pytest.fixture
def make_request(server: Server) -> Callable[..., Request]:
    """Make a request whose inputs are arrays, which live as long as the test; load its model."""
    kept = []

    def make(model: str, **inputs: Array) -> Request:
        server.load_model(model)
        request = tb.TRITONSERVER_InferenceRequest(server, model, -1)
        for name, array in inputs.items():
            kept.append(array)
            request.add_input(name, DATA_TYPES[array.dtype], array.shape)
            request.append_input_data(
                name, array.ctypes.data, array.nbytes, tb.TRITONSERVER_MemoryType.CPU, 0
            )
        return request

    return make


@pytest.fixture
def receive() -> Callable[[Request], list[Response | None]]:
    """Return the responses to a request that was sent, up to the final flag."""

    def receive(request: Request) -> list[Response | None]:
        responses = []
        flags = 0
        while not flags & tb.TRITONSERVER_ResponseCompleteFlag.FINAL:
            future = concurrent.futures.Future[tuple[Response | None, int]]()
            request.get_next_response(future)
            response, flags = future.result(timeout=30)
            responses.append(response)
        return responses

    return receive


@pytest.fixture
def infer(server: Server, receive: Callable[..., Any]) -> Callable[[Request], Response]:
    """Send a request and return its only response."""

    def infer(request: Request) -> Response:
        server.infer_async(request)
        [response] = receive(request)
        return response

    return infer


@pytest.fixture
def output() -> Callable[..., Array]:
    """Copy an output of a response."""
    numpy_types = {data_type: dtype for dtype, data_type in DATA_TYPES.items()}

    def output(response: Response, index: int = 0) -> Array:
        response.throw_if_response_error()
        _, data_type, shape, pointer, size, *_ = response.output(index)
        return np.frombuffer(ctypes.string_at(pointer, size), numpy_types[data_type]).reshape(shape)

    return output


@pytest.fixture
def run_program() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a Python program, in which `tb` is the module under test, in a process of its own."""

    def run(program: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        prologue = "import tritonserver\nfrom tritonserver._c import triton_bindings as tb\n"
        if CALL_COUNTS:
            prologue += COUNT_CALLS
        return subprocess.run(
            [sys.executable, "-c", prologue + textwrap.dedent(program)],
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
