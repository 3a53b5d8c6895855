"""`tritonclient` over HTTP or gRPC, with the same core in a server program on loopback.

usage: network.py http|grpc SERVER_PROGRAM REPOSITORY BACKENDS
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

from benchmarks.workers.inputs import (
    MODEL,
    MODELS,
    STREAM_MODEL,
    WIDE_MODEL,
    Inputs,
    large,
    small,
    stream,
    wide,
)
from benchmarks.workers.protocol import from_threads, need, on_event_loop, one_at_a_time, serve

_TYPES = {"float32": "FP32", "int32": "INT32", "uint32": "UINT32"}

protocol = sys.argv[1]
client = need(f"tritonclient.{protocol}")
aio = need(f"tritonclient.{protocol}.aio")


def main() -> None:
    with _server(*sys.argv[2:]) as url, contextlib.ExitStack() as at_end:
        loop = asyncio.new_event_loop()
        infer = _infer(url, MODEL, small())
        async_infer = _async_infer(url, loop, at_end)
        cases = {
            "infer": one_at_a_time(infer),
            "async_infer": on_event_loop(loop, async_infer, 1),
            "async_infer_64": on_event_loop(loop, async_infer, 64),
            # A client belongs to the thread that makes it.
            "threads_8": from_threads(lambda: _infer(url, MODEL, small()), 8),
            "large": one_at_a_time(_infer(url, MODEL, large())),
            "wide": one_at_a_time(_infer(url, WIDE_MODEL, wide())),
        }
        if protocol == "grpc":
            cases["stream"] = one_at_a_time(_stream(url, at_end))
            cases["async_stream"] = on_event_loop(loop, _async_stream(url, loop, at_end), 1)
        serve(cases)


@contextlib.contextmanager
def _server(program: str, repository: str, backends: str) -> Iterator[str]:
    """Run the server and yield its address once it is ready."""
    port = _free_port()
    other = "grpc" if protocol == "http" else "http"
    command = [
        program,
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        "--model-control-mode=explicit",
        *(f"--load-model={model}" for model in MODELS),
        f"--{protocol}-address=127.0.0.1",
        f"--{protocol}-port={port}",
        f"--allow-{other}=false",
        "--allow-metrics=false",
        "--allow-gpu-metrics=false",
        "--pinned-memory-pool-byte-size=0",
        "--disable-auto-complete-config",
        "--log-error=false",
        "--log-warning=false",
        "--log-info=false",
    ]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        url = f"127.0.0.1:{port}"
        _wait_until_ready(server, url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(Exception):  # whatever a refused connection raises here
            if client.InferenceServerClient(url).is_server_ready():
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server did not get ready: {server.args!r}")


def _tensors(module: ModuleType, inputs: Inputs) -> list[Any]:
    tensors = []
    for name, array in inputs.items():
        tensor = module.InferInput(name, array.shape, _TYPES[array.dtype.name])
        tensor.set_data_from_numpy(array)
        tensors.append(tensor)
    return tensors


def _infer(url: str, model: str, inputs: Inputs) -> Callable[[], object]:
    connection = client.InferenceServerClient(url)
    outputs = [name.replace("INPUT", "OUTPUT") for name in inputs]

    def request() -> None:
        result = connection.infer(model, _tensors(client, inputs))
        for output in outputs:
            result.as_numpy(output)

    return request


def _async_infer(
    url: str, loop: asyncio.AbstractEventLoop, at_end: contextlib.ExitStack
) -> Callable[[], Awaitable[object]]:
    connection = _async_client(url, loop, at_end)
    inputs = small()

    async def request() -> None:
        result = await connection.infer(MODEL, _tensors(aio, inputs))
        result.as_numpy("OUTPUT0")

    return request


def _async_client(url: str, loop: asyncio.AbstractEventLoop, at_end: contextlib.ExitStack) -> Any:
    async def connect() -> Any:
        return aio.InferenceServerClient(url)  # needs a running loop

    connection = loop.run_until_complete(connect())
    at_end.callback(lambda: loop.run_until_complete(connection.close()))
    return connection


def _stream(url: str, at_end: contextlib.ExitStack) -> Callable[[], object]:
    connection = client.InferenceServerClient(url)
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
    connection.start_stream(lambda result, error: arrived.put((result, error)))
    at_end.callback(connection.stop_stream)
    inputs = stream()

    def request() -> None:
        connection.async_stream_infer(
            STREAM_MODEL, _tensors(client, inputs), enable_empty_final_response=True
        )
        while not _is_last(*arrived.get()):
            pass

    return request


def _async_stream(
    url: str, loop: asyncio.AbstractEventLoop, at_end: contextlib.ExitStack
) -> Callable[[], Awaitable[object]]:
    connection = _async_client(url, loop, at_end)
    inputs = stream()

    async def requests() -> AsyncIterator[dict[str, Any]]:
        yield {
            "model_name": STREAM_MODEL,
            "inputs": _tensors(aio, inputs),
            "enable_empty_final_response": True,
        }

    async def request() -> None:
        async for result, error in connection.stream_infer(requests()):
            if _is_last(result, error):
                break

    return request


def _is_last(result: Any, error: Any) -> bool:
    """Read one response of a stream; return whether no other follows."""
    if error is not None:
        raise error
    result.as_numpy("OUT")
    return bool(result.get_response().parameters["triton_final_response"].bool_param)


if __name__ == "__main__":
    main()
