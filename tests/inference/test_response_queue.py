"""A response queue gets every response, the same object as the iterator, whoever reads."""

import asyncio
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tritonserver
from tritonserver import InferenceResponse, Model

X = np.ones(2, np.float32)
Inputs = Callable[..., dict[str, NDArray[Any]]]


@pytest.fixture
def stream(server: tritonserver.Server) -> Model:
    return server.model("repeat_int32")


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was reported instead of raised."""
    reports: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda report: reports.append(report.exc_type))
    return reports


def take(responses: Any, count: int) -> list[InferenceResponse]:
    return [responses.get(timeout=10) for _ in range(count)]


@pytest.mark.parametrize("make", [queue.SimpleQueue, queue.Queue, queue.LifoQueue])
def test_both_get_the_same_objects(stream: Model, repeat: Inputs, make: Any) -> None:
    responses = make()
    iterator = stream.infer(inputs=repeat(20, 1), response_queue=responses)
    read = list(iterator)
    taken = take(responses, 21)
    assert sorted(map(id, read)) == sorted(map(id, taken))
    if make is not queue.LifoQueue:
        assert read == taken


def test_the_queue_is_filled_without_anybody_iterating(identity: Model) -> None:
    responses: queue.SimpleQueue[InferenceResponse] = queue.SimpleQueue()
    iterators = [
        identity.infer(inputs={"INPUT0": X}, response_queue=responses, request_id=str(i))
        for i in range(2)
    ]
    assert {each.request_id for each in take(responses, 2)} == {"0", "1"}
    assert [len(list(iterator)) for iterator in iterators] == [1, 1]
    assert responses.empty()


def test_errors_are_put_and_not_raised(identity: Model) -> None:
    responses: queue.SimpleQueue[InferenceResponse] = queue.SimpleQueue()
    iterator = identity.infer(
        inputs={"INPUT0": X}, response_queue=responses, parameters={"error": "boo"}
    )
    response = responses.get(timeout=10)
    assert str(response.error) == "boo"
    with pytest.raises(tritonserver.InternalError) as raised:
        next(iterator)
    assert raised.value is response.error
    assert list(iterator) == []


@pytest.mark.parametrize("read", [False, True])
def test_a_full_queue_loses_nothing_for_the_iterator(
    stream: Model, repeat: Inputs, unraisable: list[Any], read: bool
) -> None:
    responses: queue.Queue[InferenceResponse] = queue.Queue(maxsize=2)
    iterator = stream.infer(inputs=repeat(10), response_queue=responses)
    assert len(list(iterator)) == 11
    assert len(take(responses, 2)) == 2
    assert unraisable == [queue.Full] * 9


def test_an_odd_queue(stream: Model, repeat: Inputs, unraisable: list[Any]) -> None:
    class Odd:
        def put_nowait(self, item: InferenceResponse) -> None:
            if item.final:
                raise SystemExit("not even this ends anything")
            raise ZeroDivisionError

    assert len(list(stream.infer(inputs=repeat(3), response_queue=Odd()))) == 4
    assert unraisable == [ZeroDivisionError] * 3 + [SystemExit]


def test_a_slow_queue(stream: Model, repeat: Inputs) -> None:
    class Slow(list[InferenceResponse]):
        def put_nowait(self, item: InferenceResponse) -> None:
            time.sleep(0.005)  # other threads go on
            self.append(item)

    responses = Slow()
    threads = []
    iterator = stream.infer(inputs=repeat(20), response_queue=responses)
    got: list[InferenceResponse] = []
    for _ in range(4):
        threads.append(threading.Thread(target=lambda: got.extend(iterator)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert len(responses) == len(got) == 21
    assert [each.final for each in responses] == [False] * 20 + [True]  # in order


async def test_an_asyncio_queue(identity: Model, stream: Model, repeat: Inputs) -> None:
    responses: asyncio.Queue[InferenceResponse] = asyncio.Queue()
    iterator = identity.async_infer(inputs={"INPUT0": X}, response_queue=responses)
    first = await asyncio.wait_for(responses.get(), 10)
    assert [each async for each in iterator] == [first]
    iterator = stream.async_infer(inputs=repeat(20, 1), response_queue=responses)
    read = [each async for each in iterator]
    taken = [responses.get_nowait() for _ in range(21)]
    assert all(one is other for one, other in zip(read, taken, strict=True))
    assert responses.empty()


async def test_an_asyncio_queue_without_anybody_iterating(stream: Model, repeat: Inputs) -> None:
    responses: asyncio.Queue[InferenceResponse] = asyncio.Queue()
    stream.async_infer(inputs=repeat(20, 1), response_queue=responses)
    got = [await asyncio.wait_for(responses.get(), 10) for _ in range(21)]
    assert [each.final for each in got] == [False] * 20 + [True]


async def test_a_full_asyncio_queue(stream: Model, repeat: Inputs, unraisable: list[Any]) -> None:
    responses: asyncio.Queue[InferenceResponse] = asyncio.Queue(maxsize=1)
    iterator = stream.async_infer(inputs=repeat(3, 1), response_queue=responses)
    assert len([each async for each in iterator]) == 4
    assert responses.qsize() == 1
    assert unraisable == [asyncio.QueueFull] * 3


async def test_the_other_kind_of_queue(stream: Model, repeat: Inputs) -> None:
    simple: queue.SimpleQueue[InferenceResponse] = queue.SimpleQueue()
    read = [r async for r in stream.async_infer(inputs=repeat(5, 1), response_queue=simple)]
    assert take(simple, 6) == read
    looped: asyncio.Queue[InferenceResponse] = asyncio.Queue()
    iterator = stream.infer(inputs=repeat(5, 1), response_queue=looped)
    assert len(await asyncio.to_thread(list, iterator)) == 6
    assert looped.qsize() == 6


async def test_an_asyncio_queue_of_another_thread(stream: Model, repeat: Inputs) -> None:
    responses: asyncio.Queue[InferenceResponse] = asyncio.Queue()
    waiting = asyncio.ensure_future(responses.get())
    await asyncio.sleep(0)  # now the queue knows its loop
    iterator = await asyncio.to_thread(stream.infer, inputs=repeat(3, 1), response_queue=responses)
    got = [await waiting] + [await asyncio.wait_for(responses.get(), 10) for _ in range(3)]
    assert got == list(iterator)


def test_the_loop_of_a_queue_closes_too_early(server: tritonserver.Server) -> None:
    model = server.model("identity_slow")

    async def send(count: int) -> tuple[Any, Any]:
        responses: asyncio.Queue[InferenceResponse] = asyncio.Queue()
        requests = [
            model.async_infer(inputs={"INPUT0": X}, response_queue=responses) for _ in range(count)
        ]
        return responses, requests

    responses, iterators = asyncio.run(send(3))

    async def read(iterator: Any) -> list[InferenceResponse]:
        return [each async for each in iterator]

    got = [each for iterator in iterators for each in asyncio.run(read(iterator))]
    assert len(got) == 3
    assert all(each.outputs["OUTPUT0"].to_numpy().tolist() == [1, 1] for each in got)
    assert responses.qsize() == 3  # put there by the readers


def test_a_dropped_iterator_keeps_feeding(stream: Model, repeat: Inputs) -> None:
    responses: queue.SimpleQueue[InferenceResponse] = queue.SimpleQueue()
    stream.infer(inputs=repeat(30, 1), response_queue=responses)
    assert take(responses, 31)[-1].final


def test_nothing_is_kept_once_everything_was_delivered(stream: Model, repeat: Inputs) -> None:
    # The fixture `nothing_is_left` looks.
    class Forgetting:
        def put_nowait(self, item: InferenceResponse) -> None:
            self.final = item.final

    responses = Forgetting()
    stream.infer(inputs=repeat(100), response_queue=responses)
    end = time.monotonic() + 10
    while not getattr(responses, "final", False):
        assert time.monotonic() < end
        time.sleep(0.001)
