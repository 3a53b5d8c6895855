"""Reading responses: order, ends, errors, timeouts, several readers."""

import signal
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tritonserver
from tritonserver import InternalError, Model

X = np.ones(2, np.float32)
Inputs = Callable[..., dict[str, NDArray[Any]]]


@pytest.fixture
def stream(server: tritonserver.Server) -> Model:
    return server.model("repeat_int32")


def values(responses: Any) -> list[int]:
    return [int(each.outputs["OUT"].to_numpy()[0]) for each in responses if each.outputs]


def test_a_stream_in_order(stream: Model, repeat: Inputs) -> None:
    responses = list(stream.infer(inputs=repeat(100), request_id="s"))
    assert values(responses) == list(range(100))
    assert [each.final for each in responses] == [False] * 100 + [True]
    last = responses[-1]
    assert (last.outputs, last.error, last.request_id) == ({}, None, "s")
    assert (last.model.name, last.model.version) == ("repeat_int32", -1)


def test_a_stream_without_responses(stream: Model, repeat: Inputs) -> None:
    (response,) = stream.infer(inputs=repeat(0))
    assert response.final
    assert response.outputs == {}


@pytest.mark.parametrize("wait", [0, 50])
def test_the_request_may_be_released_before_or_after_the_end(
    stream: Model, repeat: Inputs, wait: int
) -> None:
    assert values(stream.infer(inputs=repeat(5, 1, wait))) == list(range(5))


def test_the_end_is_the_end(identity: Model) -> None:
    responses = identity.infer(inputs={"INPUT0": X})
    assert iter(responses) is responses
    assert next(responses).final
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(responses)
        with pytest.raises(StopIteration):
            responses.next(timeout=1)


def test_iteration_goes_on_after_an_error(identity: Model) -> None:
    responses = identity.infer(inputs={"INPUT0": X}, parameters={"error": "boo"})
    with pytest.raises(InternalError):
        next(responses)
    assert list(responses) == []


def test_next_with_a_timeout(stream: Model, repeat: Inputs) -> None:
    responses = stream.infer(inputs=repeat(3, 100))
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="in time"):
        responses.next(timeout=0.02)
    with pytest.raises(TimeoutError):
        responses.next(timeout=0)
    with pytest.raises(TimeoutError):
        responses.next(timeout=-1)
    assert time.monotonic() - began < 0.09
    assert values([responses.next(timeout=10), responses.next(), *responses]) == [0, 1, 2]
    with pytest.raises(ValueError, match="NaN"):
        responses.next(timeout=float("nan"))
    with pytest.raises(TypeError):
        responses.next(timeout="1")  # type: ignore[arg-type] # that is the point


def test_waiting_lets_other_threads_run(server: tritonserver.Server) -> None:
    count, done = 0, False

    def work() -> None:
        nonlocal count
        while not done:
            count += 1
            time.sleep(0)

    worker = threading.Thread(target=work)
    worker.start()
    server.model("identity_slow")(INPUT0=X)
    done = True
    worker.join()
    assert count > 100


def test_two_threads_on_one_iterator(stream: Model, repeat: Inputs) -> None:
    responses = stream.infer(inputs=repeat(200, 1))
    got: list[list[Any]] = [[], []]
    threads = [threading.Thread(target=lambda i=i: got[i].extend(responses)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
    assert sorted(values(got[0] + got[1])) == list(range(200))
    assert len(got[0]) + len(got[1]) == 201


def test_many_threads_wait_for_one_response(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").infer(inputs={"INPUT0": X})
    got: list[Any] = []
    threads = [threading.Thread(target=lambda: got.extend(responses)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(got) == 1


def test_many_threads_send(identity: Model) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(200):
                value = np.full(number + 1, i, np.float32)
                (response,) = identity.infer(inputs={"INPUT0": value}, request_id=f"{number}-{i}")
                assert response.request_id == f"{number}-{i}"
                assert np.array_equal(response.outputs["OUTPUT0"].to_numpy(), value)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_several_sends_without_waiting(identity: Model) -> None:
    request = identity.create_request(inputs={"INPUT0": X})
    pending = []
    for i in range(20):
        request.request_id = str(i)
        request.inputs = {"INPUT0": np.full(3, i, np.float32)}
        pending.append(identity.infer(request))
    for i, responses in enumerate(pending):
        (response,) = responses
        assert response.request_id == str(i)
        assert response.outputs["OUTPUT0"].to_numpy().tolist() == [i] * 3


def test_a_signal_handler_may_end_a_wait(server: tritonserver.Server) -> None:
    responses = server.model("identity_slow").infer(inputs={"INPUT0": X})

    def handle(*_: object) -> None:
        raise InterruptedError("by the handler")

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        timer = threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGUSR1))
        timer.start()
        began = time.monotonic()
        with pytest.raises(InterruptedError, match="by the handler"):
            next(responses)
        assert time.monotonic() - began < 0.15
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert next(responses).final  # nothing was lost


def test_a_signal_handler_that_does_not_raise(server: tritonserver.Server) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        timer = threading.Timer(0.05, lambda: signal.raise_signal(signal.SIGUSR1))
        timer.start()
        assert len(list(server.model("identity_slow").infer(inputs={"INPUT0": X}))) == 1
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen == [signal.SIGUSR1]


def test_results_of_an_ensemble(server: tritonserver.Server) -> None:
    (response,) = server.model("ensemble").infer(inputs={"INPUT0": X}, request_id="e")
    assert (response.model.name, response.request_id) == ("ensemble", "e")
    assert response.outputs["OUTPUT0"].to_numpy().tolist() == [1, 1]


def is_dropped(alive: weakref.ref[Any]) -> bool:
    """Whether the object goes away by itself, without another call of the package."""
    end = time.monotonic() + 10
    while alive() is not None and time.monotonic() < end:
        time.sleep(0.001)
    return alive() is None


def test_inputs_are_dropped_when_the_request_is_released(identity: Model) -> None:
    value = np.ones(1000, np.float32)
    alive = weakref.ref(value)
    responses = identity.infer(inputs={"INPUT0": value})
    del value
    assert len(list(responses)) == 1
    del responses
    assert is_dropped(alive)


def test_inputs_of_requests_that_nobody_reads_are_dropped(identity: Model) -> None:
    value = np.ones(1000, np.float32)
    alive = weakref.ref(value)
    identity.infer(inputs={"INPUT0": value})
    del value
    assert is_dropped(alive)


def test_inputs_of_a_stream_are_dropped_before_it_ends(stream: Model, repeat: Inputs) -> None:
    inputs = repeat(1000, 100)
    alive = weakref.ref(inputs["IN"])
    responses = stream.infer(inputs=inputs)
    del inputs
    next(responses)
    next(responses)
    assert is_dropped(alive)
