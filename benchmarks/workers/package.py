"""A package named `tritonserver`: ours, or any other with the same interface.

usage: package.py REPOSITORY BACKENDS
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.workers.inputs import (
    MODEL,
    MODELS,
    STREAM_MODEL,
    WIDE_MODEL,
    Inputs,
    large,
    short_strings,
    small,
    stream,
    wide,
)
from benchmarks.workers.protocol import (
    from_threads,
    need,
    on_event_loop,
    one_at_a_time,
    serve,
)

tritonserver = need("tritonserver")


def main() -> None:
    repository, backends = sys.argv[1:]
    server = tritonserver.Server(
        model_repository=repository,
        backend_directory=backends,
        model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
        startup_models=MODELS,
        gpu_metrics=False,
        pinned_memory_pool_size=0,
    ).start(wait_until_ready=True)
    loop = asyncio.new_event_loop()
    infer = _infer(server, MODEL, small())
    async_infer = _async_infer(server, MODEL, small())
    cases = {
        "infer": one_at_a_time(infer),
        "async_infer": on_event_loop(loop, async_infer, 1),
        "async_infer_64": on_event_loop(loop, async_infer, 64),
        "threads_8": from_threads(lambda: infer, 8),
        "large": one_at_a_time(_infer(server, MODEL, large())),
        "stream": one_at_a_time(_infer(server, STREAM_MODEL, stream())),
        "async_stream": on_event_loop(loop, _async_infer(server, STREAM_MODEL, stream()), 1),
        "wide": one_at_a_time(_infer(server, WIDE_MODEL, wide())),
        "bytes": one_at_a_time(_bytes()),
        "to_numpy": one_at_a_time(_to_numpy(server)),
        "memory": lambda requests: _memory(server, requests),
        "import": _import,
    }
    if hasattr(tritonserver.Model, "bind"):  # Else it is another package.
        cases["bound"] = one_at_a_time(_bound(server))
        cases["call"] = one_at_a_time(_call(server))
    serve(cases)
    loop.close()
    server.stop()


def _infer(server: Any, model_name: str, inputs: Inputs) -> Callable[[], object]:
    model = server.model(model_name)

    def request() -> None:
        for response in model.infer(inputs=inputs):
            for _tensor in response.outputs.values():
                pass

    return request


def _async_infer(server: Any, model_name: str, inputs: Inputs) -> Callable[[], Awaitable[object]]:
    model = server.model(model_name)

    async def request() -> None:
        async for response in model.async_infer(inputs=inputs):
            for _tensor in response.outputs.values():
                pass

    return request


def _bound(server: Any) -> Callable[[], object]:
    outputs = {"OUTPUT0": np.empty(16, np.float32)}
    request = server.model(MODEL).bind(outputs, inputs=small())
    return lambda: request.run()["OUTPUT0"]


def _call(server: Any) -> Callable[[], object]:
    model = server.model(MODEL)
    inputs = small()
    return lambda: model(inputs)["OUTPUT0"]


def _bytes() -> Callable[[], object]:
    strings = short_strings()

    tensor_class = tritonserver.Tensor
    return lambda: tensor_class.from_bytes_array(strings).to_bytes_array()


def _to_numpy(server: Any) -> Callable[[], object]:
    (response,) = server.model(MODEL).infer(inputs=small())
    tensor = response.outputs["OUTPUT0"]
    return lambda: np.from_dlpack(tensor)


def _memory(server: Any, requests: int) -> float:
    """Return how many bytes each of ``requests`` requests takes that wait behind a slow one.

    As many others wait already, so that no memory is left over from earlier.
    """
    model, inputs = server.model(MODEL), small()
    slow = model.infer(
        inputs=inputs, parameters={"execute_delay_ms": 1 << 30}, raise_on_error=False
    )
    waiting = [model.infer(inputs=inputs) for _ in range(requests)]
    before = _resident_bytes()
    waiting += [model.infer(inputs=inputs) for _ in range(requests)]
    after = _resident_bytes()
    slow.cancel()
    for responses in (slow, *waiting):
        for _response in responses:
            pass
    return (after - before) / requests


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def _import(iterations: int) -> float:
    """Return the seconds that a fresh interpreter needs to import the package after NumPy.

    As where it was installed: its modules are compiled already.
    """
    program = (
        "import numpy, time; start = time.perf_counter(); import tritonserver; "
        "print(time.perf_counter() - start)"
    )
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def seconds() -> float:
            command = [sys.executable, "-c", program]
            return float(subprocess.check_output(command, env=environment))

        seconds()
        return sum(seconds() for _ in range(iterations)) / iterations


if __name__ == "__main__":
    main()
