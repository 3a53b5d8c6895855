"""Asynchronous iterators on event loops of every kind, living, closed and many at once."""

import asyncio
import collections.abc
import contextvars
import gc
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
import uvloop
from numpy.typing import NDArray

import tritonserver
from tritonserver import InternalError, Model

X = np.ones(2, np.float32)
Inputs = Callable[..., dict[str, NDArray[Any]]]


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch file descriptors, like those of other systems and libraries."""

    def add_reader(self, *_: Any) -> Any:
        raise NotImplementedError


LOOPS = [asyncio.SelectorEventLoop, uvloop.Loop, WithoutReaders]


@pytest.fixture
def stream(server: tritonserver.Server) -> Model:
    return server.model("repeat_int32")


@pytest.fixture(params=LOOPS, ids=lambda each: each.__name__)
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Any]], Any]:
    """Run a coroutine on a new event loop."""

    def run(main: Any) -> Any:
        loop = request.param()
        try:
            return loop.run_until_complete(asyncio.wait_for(main, 30))
        finally:
            loop.close()

    return run


def values(responses: list[Any]) -> list[int]:
    return [int(each.outputs["OUT"].to_numpy()[0]) for each in responses if each.outputs]


def test_all_at_once(run: Any, identity: Model) -> None:
    async def one(i: int) -> None:
        value = np.full(3, i, np.float32)
        responses = [r async for r in identity.async_infer(inputs={"INPUT0": value})]
        assert [r.outputs["OUTPUT0"].to_numpy().tolist() for r in responses] == [[i] * 3]
        assert responses[0].final

    async def main() -> None:
        for _ in range(3):
            await asyncio.gather(*(one(i) for i in range(100)))

    run(main())


def test_streams(run: Any, stream: Model, repeat: Inputs) -> None:
    async def one(count: int, delay: int) -> None:
        responses = [r async for r in stream.async_infer(inputs=repeat(count, delay))]
        assert values(responses) == list(range(count))
        assert responses[-1].final

    async def main() -> None:
        await asyncio.gather(one(0, 0), one(1, 0), one(500, 0), one(20, 1), one(5, 10))

    run(main())


def test_a_deadline_loses_nothing(run: Any, stream: Model, repeat: Inputs) -> None:
    async def main() -> None:
        responses = stream.async_infer(inputs=repeat(5, 20))
        got, timeouts = [], 0
        while True:
            try:
                got.append(await asyncio.wait_for(responses.__anext__(), 0.005))
            except asyncio.TimeoutError:
                timeouts += 1
            except StopAsyncIteration:
                break
        assert values(got) == list(range(5))
        assert timeouts > 5

    run(main())


def test_a_cancelled_await_loses_nothing(run: Any, stream: Model, repeat: Inputs) -> None:
    async def main() -> None:
        responses = stream.async_infer(inputs=repeat(50, 1))
        got: list[Any] = []

        async def read() -> None:
            async for response in responses:
                got.append(response)

        while not (got and got[-1].final):
            task = asyncio.ensure_future(read())
            await asyncio.sleep(0.002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert values(got) == list(range(50))

    run(main())


def test_several_tasks_on_one_iterator(run: Any, stream: Model, repeat: Inputs) -> None:
    async def main() -> None:
        responses = stream.async_infer(inputs=repeat(100, 1))

        async def read() -> list[Any]:
            return [response async for response in responses]

        parts = await asyncio.gather(*(read() for _ in range(5)))
        assert sorted(values([each for part in parts for each in part])) == list(range(100))
        assert sum(map(len, parts)) == 101

    run(main())


def test_every_task_goes_on_in_its_own_context(run: Any, identity: Model) -> None:
    number = contextvars.ContextVar[int]("number")

    async def one(i: int) -> None:
        number.set(i)
        for _ in range(3):
            await identity.call_async(INPUT0=X)
            assert number.get() == i

    async def main() -> None:
        await asyncio.gather(*(one(i) for i in range(20)))

    run(main())


@pytest.mark.parametrize("loop_class", LOOPS)
def test_a_task_that_ends_the_program_takes_no_other_along(
    loop_class: Callable[[], asyncio.AbstractEventLoop], identity: Model
) -> None:
    loop = loop_class()

    async def one(leaves: bool) -> None:
        await identity.call_async(INPUT0=X)
        if leaves:
            raise SystemExit

    async def main() -> None:
        await asyncio.gather(*others)

    leaving = loop.create_task(one(True))
    others = [loop.create_task(one(False)) for _ in range(10)]
    with pytest.raises(SystemExit):
        loop.run_until_complete(leaving)
    loop.run_until_complete(asyncio.wait_for(main(), 30))
    loop.close()


class Reentrant(asyncio.SelectorEventLoop):
    """A loop that its tasks may run, as notebooks have it."""

    def _run_once(self: Any) -> None:
        self._process_events(self._selector.select(0.01))
        for _ in range(len(self._ready)):
            if self._ready:
                self._ready.popleft()._run()


def test_a_task_that_runs_the_loop_itself(identity: Model) -> None:
    loop = Reentrant()

    async def one() -> None:
        await identity.call_async(INPUT0=X)

    async def outer(others: list[asyncio.Task[None]]) -> None:
        await identity.call_async(INPUT0=X)
        task = asyncio.current_task(loop)
        asyncio.tasks._leave_task(loop, task)
        end = time.monotonic() + 30
        while not all(each.done() for each in others) and time.monotonic() < end:
            loop._run_once()
        asyncio.tasks._enter_task(loop, task)
        assert all(each.done() for each in others)

    for _ in range(20):
        others: list[asyncio.Task[None]] = []
        running = loop.create_task(outer(others))
        others += [loop.create_task(one()) for _ in range(20)]
        loop.run_until_complete(running)
    loop.close()


async def test_a_cancelled_task_gets_the_message(server: tritonserver.Server) -> None:
    task = asyncio.ensure_future(server.model("identity_slow").call_async(INPUT0=X))
    await asyncio.sleep(0.01)
    assert task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task


async def test_what_a_coroutine_yields_meanwhile(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").async_infer(inputs={"INPUT0": X})
    waiting = responses.__anext__()
    wakeup = waiting.send(None)
    assert asyncio.isfuture(wakeup)
    assert wakeup.get_loop() is asyncio.get_running_loop()
    assert not wakeup.done()
    with pytest.raises(asyncio.InvalidStateError):
        wakeup.result()
    with pytest.raises(TypeError, match="context"):
        wakeup.add_done_callback(print)
    woken = asyncio.Event()
    context = contextvars.copy_context()
    wakeup.add_done_callback(lambda _: woken.set(), context=context)
    with pytest.raises(RuntimeError, match="another task"):
        wakeup.add_done_callback(print, context=context)
    await woken.wait()
    assert wakeup.done()
    assert wakeup.result() is None
    assert not wakeup.cancel()
    again = asyncio.Event()
    wakeup.add_done_callback(lambda _: again.set(), context=context)
    await again.wait()
    assert (await waiting).final


def test_errors(run: Any, identity: Model) -> None:
    async def main() -> None:
        responses = identity.async_infer(inputs={"INPUT0": X}, parameters={"error": "boo"})
        with pytest.raises(InternalError, match="boo"):
            await anext(responses)
        with pytest.raises(StopAsyncIteration):
            await anext(responses)
        request = identity.create_request(inputs={"INPUT0": X}, parameters={"error": "boo"})
        (response,) = [r async for r in identity.async_infer(request, raise_on_error=False)]
        assert str(response.error) == "boo"

    run(main())


def test_sending_before_there_is_a_loop(run: Any, identity: Model) -> None:
    responses = identity.async_infer(inputs={"INPUT0": X})

    async def main() -> list[Any]:
        return [response async for response in responses]

    assert len(run(main())) == 1


def test_reading_without_a_loop(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").async_infer(inputs={"INPUT0": X})
    with pytest.raises(RuntimeError, match="running asyncio event loop"):
        responses.__anext__().send(None)


def test_going_on_in_another_loop(stream: Model, repeat: Inputs) -> None:
    responses = stream.async_infer(inputs=repeat(30, 5))

    async def read_some() -> list[Any]:
        got = []
        for _ in range(7):
            try:
                got.append(await anext(responses))
            except StopAsyncIteration:
                break
        return got

    got = []
    for loop_class in LOOPS * 2:
        loop = loop_class()
        got += loop.run_until_complete(read_some())
        loop.close()
    assert values(got) == list(range(30))


def test_a_response_after_its_loop_closed(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").async_infer(inputs={"INPUT0": X})

    async def give_up() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(responses), 0.01)

    asyncio.run(give_up())

    async def read() -> list[Any]:
        return [response async for response in responses]

    (response,) = asyncio.run(read())
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == [1, 1]


def test_a_loop_that_is_closed_while_somebody_waits(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").async_infer(inputs={"INPUT0": X})
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(responses.__anext__())
    loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    del loop

    async def read() -> list[Any]:
        return [response async for response in responses]

    assert len(asyncio.run(read())) == 1
    waiting._log_destroy_pending = False  # type: ignore[attr-defined] # it was left on purpose
    del waiting
    gc.collect()


def test_loops_in_many_threads(identity: Model, stream: Model, repeat: Inputs) -> None:
    failures: list[BaseException] = []

    async def main() -> None:
        async def one() -> None:
            assert len([r async for r in identity.async_infer(inputs={"INPUT0": X})]) == 1

        for _ in range(20):
            await asyncio.gather(*(one() for _ in range(10)))
        assert len([r async for r in stream.async_infer(inputs=repeat(200))]) == 201

    def work(loop_class: Any) -> None:
        try:
            loop = loop_class()
            loop.run_until_complete(asyncio.wait_for(main(), 60))
            loop.close()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(each,)) for each in LOOPS * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_loops_leave_no_file_open(identity: Model) -> None:
    async def main() -> None:
        await identity.call_async(INPUT0=X)

    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    for loop_class in LOOPS:
        loop = loop_class()
        loop.run_until_complete(main())
        loop.close()
    del loop
    gc.collect()
    before = open_files()
    for _ in range(20):
        for loop_class in LOOPS:
            loop = loop_class()
            loop.run_until_complete(main())
            loop.close()
    del loop
    gc.collect()
    assert open_files() <= before


def test_two_loops_in_turn_in_one_thread(identity: Model) -> None:
    async def main() -> None:
        await identity.call_async(INPUT0=X)

    loops = [loop_class() for loop_class in LOOPS * 2]
    for _ in range(10):
        for loop in loops:
            loop.run_until_complete(main())
    for loop in loops:
        loop.close()


async def test_what_anext_returns(identity: Model) -> None:
    responses = identity.async_infer(inputs={"INPUT0": X})
    assert aiter(responses) is responses
    waiting = responses.__anext__()
    assert isinstance(waiting, collections.abc.Coroutine)
    assert asyncio.iscoroutine(waiting)
    response = await asyncio.create_task(waiting)
    assert response.final
    with pytest.raises(RuntimeError, match="already awaited"):
        await waiting
    responses.__anext__().close()
    with pytest.raises(StopAsyncIteration):
        await anext(responses)
    assert await anext(responses, "default") == "default"


async def test_throwing_into_what_anext_returns(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").async_infer(inputs={"INPUT0": X})
    for arguments in ((KeyError("x"),), (KeyError, "x"), (KeyError, KeyError("x"), None)):
        waiting = responses.__anext__()
        waiting.send(None)
        with pytest.raises(KeyError, match="x"):
            waiting.throw(*arguments)
    waiting = responses.__anext__()
    waiting.send(None)
    with pytest.raises(TypeError):
        waiting.throw(5)  # type: ignore[arg-type] # that is the point
    waiting = responses.__anext__()
    waiting.send(None)
    waiting.close()
    assert (await anext(responses)).final


async def test_other_tasks_run_meanwhile(server: tritonserver.Server) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.01)

    ticking = asyncio.ensure_future(tick())
    await server.model("identity_slow").call_async(INPUT0=X)
    ticking.cancel()
    assert ticks >= 10


def test_a_task_that_never_waits_for_long(run: Any, identity: Model) -> None:
    async def main() -> bool:
        fired = asyncio.Event()
        asyncio.get_running_loop().call_later(0.001, fired.set)
        for _ in range(100_000):
            if fired.is_set():
                return True
            async for _response in identity.async_infer(inputs={"INPUT0": X}):
                pass
        return False

    assert run(main())


async def test_waiting_and_awaiting_at_once(stream: Model, repeat: Inputs) -> None:
    def wait() -> list[Any]:
        return list(stream.infer(inputs=repeat(50, 1)))

    async def await_() -> list[Any]:
        return [response async for response in stream.async_infer(inputs=repeat(50, 1))]

    for responses in await asyncio.gather(await_(), asyncio.to_thread(wait), await_()):
        assert values(responses) == list(range(50))


async def test_debug_mode(identity: Model) -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    assert "OUTPUT0" in await identity.call_async(INPUT0=X)


async def test_a_task_says_what_it_waits_for(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").async_infer(inputs={"INPUT0": X})
    task = asyncio.create_task(responses.__anext__())
    await asyncio.sleep(0.01)
    assert "NextResponse" in repr(task)
    assert (await task).final
