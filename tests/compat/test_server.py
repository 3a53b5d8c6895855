"""What a program does with a server, on every release."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver

Start = Callable[..., tritonserver.Server]

INPUT = {"INPUT0": np.ones(1, np.float32)}

PLUS_ONE = b"""
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        return [self.respond(*request.inputs()) for request in requests]

    def respond(self, tensor):
        return pb_utils.InferenceResponse([pb_utils.Tensor("OUT", tensor.as_numpy() + 1)])
"""


def counted(responses: tritonserver.ResponseIterator, output: str) -> list[int]:
    return [np.from_dlpack(r.outputs[output]).item() for r in responses if output in r.outputs]


def say_hello(model: tritonserver.Model) -> list[list[str]]:
    (response,) = model.infer(inputs={"string_input": [["hello world!"]]})
    strings: list[list[str]] = response.outputs["string_output"].to_string_array().tolist()
    return strings


def test_hello_world_of_a_native_model(server: tritonserver.Server) -> None:
    assert say_hello(server.load("native_identity")) == [["hello world!"]]


def test_hello_world_of_a_python_model(release: Any, server: tritonserver.Server) -> None:
    if release.runs_python_models:
        assert say_hello(server.load("test")) == [["hello world!"]]
        return
    with pytest.raises(tritonserver.TritonError, match="Python models cannot run here: "):
        server.load("test")


def test_stream_of_a_native_model(server: tritonserver.Server) -> None:
    inputs = {
        "IN": np.arange(5, dtype=np.int32),
        "DELAY": np.zeros(5, np.uint32),
        "WAIT": np.zeros(1, np.uint32),
    }
    assert counted(server.load("repeat_int32").infer(inputs=inputs), "OUT") == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("python_models")
def test_stream_of_a_python_model(server: tritonserver.Server) -> None:
    responses = server.load("stream").infer(inputs={"N": np.array([5], np.int32)})
    assert counted(responses, "I") == [0, 1, 2, 3, 4]


def test_parameters(release: Any, server: tritonserver.Server) -> None:
    model = server.load("identity_fp32")
    parameters: dict[str, str | int | bool | float] = {
        "echo_parameters": True,
        "text": "ü",
        "large": -(2**63),
    }
    if release.has("24.02"):
        parameters["half"] = 0.5
    (response,) = model.infer(inputs=INPUT, parameters=parameters)
    assert response.parameters == parameters


def test_float_parameter_of_a_request(release: Any, server: tritonserver.Server) -> None:
    model = server.load("identity_fp32")
    request = model.create_request(inputs=INPUT, parameters={"half": 0.5})
    if release.has("24.02"):
        model.infer(request)
        return
    with pytest.raises(tritonserver.UnsupportedError, match=r"needs? Triton 24\.02 or later"):
        model.infer(request)


@pytest.mark.parametrize(
    ("option", "value", "since"),
    [("model_load_retry_count", 1, "24.01"), ("enable_peer_access", False, "24.06")],
)
def test_option_of_a_later_release(
    release: Any, start_server: Start, option: str, value: object, since: str
) -> None:
    if release.has(since):
        start_server(**{option: value}).stop()
        return
    with pytest.raises(
        tritonserver.UnsupportedError, match=f"needs Triton {since} or later; .*{release.name}$"
    ):
        start_server(**{option: value})
    start_server(**{option: getattr(tritonserver.Options(), option)}).stop()


def load_given(server: tritonserver.Server, backend: str, files: dict[str, bytes]) -> int:
    """Load a model that no repository has, and ask it; contents of files are of type BYTES."""
    tensor = {"data_type": "TYPE_INT32", "dims": [1]}
    config = {
        "backend": backend,
        "input": [{"name": "IN", **tensor}],
        "output": [{"name": "OUT", **tensor}],
    }
    model = server.load(f"given_to_{backend}", config=config, files=files)
    (result,) = counted(model.infer(inputs={"IN": np.array([2], np.int32)}), "OUT")
    return result


def test_load_of_files_for_a_native_model(server: tritonserver.Server) -> None:
    assert load_given(server, "identity", {"1/note.txt": b"\0\xff"}) == 2


@pytest.mark.usefixtures("python_models")
def test_load_of_files_for_a_python_model(server: tritonserver.Server) -> None:
    assert load_given(server, "python", {"1/model.py": PLUS_ONE}) == 3


def test_cancellation(server: tritonserver.Server) -> None:
    model = server.load("identity_fp32")
    began = time.monotonic()
    responses = model.infer(inputs=INPUT, parameters={"execute_delay_ms": 60_000})
    responses.cancel()
    with pytest.raises(tritonserver.CancelledError):
        next(responses)
    assert time.monotonic() - began < 10


def test_metrics(server: tritonserver.Server) -> None:
    list(server.load("identity_fp32").infer(inputs=INPUT))
    kind = tritonserver.MetricKind.GAUGE
    gauge = tritonserver.Metric(tritonserver.MetricFamily(kind, "level", "of it"), {"side": "left"})
    gauge.set_value(2.5)
    report = server.metrics()
    assert 'nv_inference_request_success{model="identity_fp32",version="1"}' in report
    assert 'level{side="left"} 2.5' in report


def test_trace(server: tritonserver.Server) -> None:
    trace = tritonserver.Trace(tensors=True)
    list(server.load("identity_fp32").infer(inputs=INPUT, trace=trace))
    (span,) = trace.wait(timeout=10)
    stages = tritonserver.TraceActivity
    assert {stages.REQUEST_START, stages.REQUEST_END} <= {stage for stage, _ in span.timestamps}
    assert {tensor.name for tensor in span.tensors} == {"INPUT0", "OUTPUT0"}


def test_stop_with_work_in_flight(release: Any, start_server: Start) -> None:
    server = start_server()
    if release.runs_python_models:
        stream = server.load("stream").infer(
            inputs={"N": np.array([100_000], np.int32), "DELAY": np.array([0.01], np.float32)}
        )
        stream.next(timeout=30)
    waiting = server.load("identity_fp32").infer(
        inputs=INPUT, parameters={"execute_delay_ms": 60_000}
    )
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 3
    with pytest.raises(tritonserver.CancelledError):
        next(waiting)
