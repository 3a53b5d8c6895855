"""No call that waits for the core stops other threads, or an event loop."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tritonserver import ModelControlMode, Server

Repository = Callable[..., Path]

EXPLICIT = ModelControlMode.EXPLICIT

LONGEST_SECONDS = 0.05
# Other programs may take the processor for longer now and then, but not every time.
ATTEMPTS = 10


@contextmanager
def starting(path: Path) -> Iterator[Callable[[], object]]:
    server = Server(model_repository=path)
    yield server.start
    server.stop()


@contextmanager
def loading(path: Path) -> Iterator[Callable[[], object]]:
    with Server(model_repository=path, model_control_mode=EXPLICIT) as server:
        yield lambda: [server.load(name) for name in ("identity_slow_load", "test")]


@contextmanager
def unloading(path: Path) -> Iterator[Callable[[], object]]:
    with Server(
        model_repository=path, model_control_mode=EXPLICIT, startup_models=["test"]
    ) as server:
        yield lambda: server.unload("test", wait_until_unloaded=True)


@contextmanager
def polling(path: Path) -> Iterator[Callable[[], object]]:
    aside = path.with_name("aside")
    (path / "identity_slow_load").rename(aside)
    with Server(model_repository=path, model_control_mode=ModelControlMode.POLL) as server:
        aside.rename(path / "identity_slow_load")
        yield server.poll_model_repository


@contextmanager
def waiting(path: Path) -> Iterator[Callable[[], object]]:
    with Server(
        model_repository=path, model_control_mode=EXPLICIT, startup_models=["identity_fp32"]
    ) as server:
        responses = server.model("identity_fp32").infer(
            inputs={"INPUT0": np.ones(1, np.float32)}, parameters={"execute_delay_ms": 1000}
        )
        yield lambda: list(responses)


@contextmanager
def stopping(path: Path) -> Iterator[Callable[[], object]]:
    yield Server(model_repository=path).start().stop


def longest_gap(prepared: AbstractContextManager[Callable[[], object]]) -> float:
    """Return the longest time for which another thread stood still during a call."""
    gaps = [0.0]
    done = threading.Event()

    def watch() -> None:
        last = time.monotonic()
        while not done.wait(0.001):
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    with prepared as call:
        watching = threading.Thread(target=watch)
        watching.start()
        call()
        done.set()
        watching.join()
    return max(gaps)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("prepare", [starting, loading, unloading, polling, waiting, stopping])
def test_threads_go_on_while(
    prepare: Callable[[Path], AbstractContextManager[Callable[[], object]]],
    repository: Repository,
) -> None:
    path = repository("native/identity_fp32", "native/identity_slow_load", "models/test")
    assert any(longest_gap(prepare(path)) < LONGEST_SECONDS for _ in range(ATTEMPTS))


async def longest_gap_of_the_loop(path: Path) -> float:
    """Return the longest time for which the event loop stood still in the life of a server."""
    gaps = []

    async def watch() -> None:
        while True:
            last = time.monotonic()
            await asyncio.sleep(0.001)
            gaps.append(time.monotonic() - last)

    watching = asyncio.ensure_future(watch())
    async with Server(model_repository=path, model_control_mode=EXPLICIT) as server:
        await asyncio.to_thread(server.load, "identity_slow_load")
        responses = server.model("identity_slow_load").async_infer(
            inputs={"INPUT0": np.ones(1, np.float32)}, parameters={"execute_delay_ms": 500}
        )
        assert [response.error async for response in responses] == [None]
    watching.cancel()
    return max(gaps)


@pytest.mark.timeout(300)
async def test_the_event_loop_goes_on(repository: Repository) -> None:
    path = repository("native/identity_slow_load")
    for _ in range(ATTEMPTS):
        if (longest := await longest_gap_of_the_loop(path)) < LONGEST_SECONDS:
            break
    assert longest < LONGEST_SECONDS
