"""Who leaves a stream early cancels its request; who never looked lets it run."""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tritonserver
from tritonserver import CancelledError, Model
from tritonserver._c import _inference

X = np.ones(2, np.float32)
Inputs = Callable[..., dict[str, NDArray[Any]]]


@pytest.fixture
def stream(server: tritonserver.Server) -> Model:
    return server.model("repeat_int32")


@pytest.fixture
def endless(repeat: Inputs) -> dict[str, NDArray[Any]]:
    """Half a minute of responses: the request ends early, or the test does not end in time."""
    return repeat(3000, 10)


def ends_early(timeout: float = 2) -> bool:
    """Whether everything that is in flight ends soon."""
    end = time.monotonic() + timeout
    while _inference.live_counts()["inferences"]:
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


async def ends_early_here() -> bool:
    """Like `ends_early`, while this event loop runs."""
    return await asyncio.to_thread(ends_early)


def test_cancel(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    responses = stream.infer(inputs=endless, raise_on_error=False)
    seen = []
    for response in responses:
        seen.append(response.final)
        if len(seen) == 3:
            responses.cancel()
    assert len(seen) < 100
    assert seen[-1]
    responses.cancel()  # harmless


def test_cancel_what_is_executing(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").infer(
        inputs={"INPUT0": X}, parameters={"execute_delay_ms": 30_000}
    )
    time.sleep(0.05)
    responses.cancel()
    with pytest.raises(CancelledError, match="cancelled"):
        next(responses)


def test_cancel_what_is_queued(server: tritonserver.Server) -> None:
    model = server.model("identity_slow")
    running = [
        model.infer(inputs={"INPUT0": X}, parameters={"execute_delay_ms": 100}) for _ in range(2)
    ]
    queued = model.infer(inputs={"INPUT0": X}, parameters={"execute_delay_ms": 30_000})
    queued.cancel()
    for responses in running:
        list(responses)
    with pytest.raises(CancelledError, match="cancelled"):
        list(queued)


async def test_the_error_of_what_was_cancelled_in_a_queue(server: tritonserver.Server) -> None:
    """The core gives it no text, whoever reads it."""
    model = server.model("identity_priority")  # whose requests wait in the core
    received: queue.SimpleQueue[tritonserver.InferenceResponse] = queue.SimpleQueue()

    running = [model.infer(inputs={"INPUT0": X[None]}) for _ in range(3)]
    cancelled = [
        model.infer(inputs={"INPUT0": X[None]}),
        model.infer(inputs={"INPUT0": X[None]}, raise_on_error=False),
        model.infer(inputs={"INPUT0": X[None]}, response_queue=received, raise_on_error=False),
    ]
    later = model.async_infer(inputs={"INPUT0": X[None]})
    for responses in (*cancelled, later):
        responses.cancel()
    for responses in running:
        list(responses)
    match = "'identity_priority' had answered it"
    with pytest.raises(CancelledError, match=match):
        list(cancelled[0])
    with pytest.raises(CancelledError, match=match):
        await anext(later)
    errors = [next(cancelled[1]).error, next(cancelled[2]).error, received.get(timeout=10).error]
    assert all(match in str(error) for error in errors)


def test_break(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    for response in stream.infer(inputs=endless):
        assert not response.final
        break
    del response
    assert ends_early()


def test_an_exception_in_the_loop(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    def fail() -> None:
        for _ in stream.infer(inputs=endless):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ends_early()


def test_dropping_after_a_first_response(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    responses = stream.infer(inputs=endless)
    next(responses)
    del responses
    assert ends_early()


def test_dropping_unread_lets_it_run(stream: Model, repeat: Inputs) -> None:
    before = stream.statistics()["model_stats"][0]["response_stats"]
    stream.infer(inputs=repeat(5, 20))
    assert not ends_early(timeout=0.05)
    assert ends_early()
    after = stream.statistics()["model_stats"][0]["response_stats"]
    assert (
        after["4"]["success"]["count"]
        == before.get("4", {"success": {"count": 0}})["success"]["count"] + 1
    )


def test_closing(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    responses = stream.infer(inputs=endless)
    responses.close()
    responses.close()
    assert list(responses) == []
    with pytest.raises(StopIteration):
        responses.next(timeout=1)
    del responses
    assert ends_early()


def test_leaving_the_with_block(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    with stream.infer(inputs=endless) as responses:
        next(responses)
    assert list(responses) == []
    del responses
    assert ends_early()


async def test_leaving_an_asynchronous_with_block(
    stream: Model, endless: dict[str, NDArray[Any]]
) -> None:
    async with stream.async_infer(inputs=endless) as responses:
        await anext(responses)
    assert [each async for each in responses] == []
    await responses.aclose()
    del responses
    assert await ends_early_here()


async def test_returning_from_the_loop(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    async def first() -> tritonserver.InferenceResponse:
        async for response in stream.async_infer(inputs=endless):
            return response
        raise AssertionError

    assert not (await first()).final
    assert await ends_early_here()


@pytest.mark.parametrize("keep", [False, True])
async def test_cancelling_a_task(
    stream: Model, endless: dict[str, NDArray[Any]], keep: bool
) -> None:
    async def consume() -> None:
        if keep:
            responses = stream.async_infer(inputs=endless)
            async for _ in responses:
                pass
        else:
            async for _ in stream.async_infer(inputs=endless):
                pass

    task = asyncio.ensure_future(consume())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    assert await ends_early_here()


async def test_cancelling_a_task_before_its_first_response(server: tritonserver.Server) -> None:
    model = server.model("identity_slow")

    async def consume() -> None:
        parameters = {"execute_delay_ms": 30_000}
        async for _ in model.async_infer(inputs={"INPUT0": X}, parameters=parameters):
            pass

    task = asyncio.ensure_future(consume())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    del task
    assert await ends_early_here()


async def test_a_deadline_around_a_loop(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    async def consume() -> None:
        async for _ in stream.async_infer(inputs=endless):
            pass

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(consume(), 0.05)
    assert await ends_early_here()


def test_a_queue_is_fed_although_nobody_iterates(stream: Model, repeat: Inputs) -> None:
    responses: queue.SimpleQueue[tritonserver.InferenceResponse] = queue.SimpleQueue()
    iterator = stream.infer(inputs=repeat(20, 5), response_queue=responses)
    next(iterator)
    del iterator
    assert [responses.get(timeout=10).final for _ in range(21)] == [False] * 20 + [True]


def test_stopping_the_server_cancels_what_still_runs(repository: Any, repeat: Inputs) -> None:
    server = tritonserver.Server(model_repository=repository, exit_timeout=10).start()
    responses = server.model("repeat_int32").infer(inputs=repeat(6000, 10))
    next(responses)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 9
    assert list(responses)[-1].final


def test_other_requests_are_not_touched(stream: Model, repeat: Inputs) -> None:
    others = [stream.infer(inputs=repeat(20, 5)) for _ in range(3)]
    for _ in stream.infer(inputs=repeat(3000, 10)):
        break
    for responses in others:
        assert len(list(responses)) == 21


def test_cancelling_from_another_thread(stream: Model, endless: dict[str, NDArray[Any]]) -> None:
    responses = stream.infer(inputs=endless)
    timer = threading.Timer(0.05, responses.cancel)
    timer.start()
    assert len(list(responses)) < 100
    timer.join()


def test_cancelling_races_with_the_end(server: tritonserver.Server) -> None:
    identity = server.model("identity_fp32")
    for i in range(500):
        responses = identity.infer(inputs={"INPUT0": X}, raise_on_error=False)
        if i % 2:
            next(responses)
        responses.cancel()
        if i % 3:
            responses.close()
