"""Sequences get their start and their end, whatever happens."""

import asyncio
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import InvalidArgumentError, Model

X = np.ones((1, 1), np.float32)


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_sequence")


def is_over(model: Model, correlation_id: int | str) -> bool:
    """Whether the model refuses a request that goes on with this sequence."""
    try:
        list(model.infer(inputs={"INPUT0": X}, correlation_id=correlation_id, flags=2))
    except InvalidArgumentError as error:
        return "must specify the START flag" in str(error)
    return False


def test_a_sequence(model: Model) -> None:
    with model.sequence() as sequence:
        for i in range(3):
            outputs = sequence(INPUT0=X * i)
            assert outputs["OUTPUT0"].to_numpy().tolist() == [[i]]
        (response,) = sequence.infer(inputs={"INPUT0": X}, request_id="last", end=True)
        assert response.request_id == "last"
    assert is_over(model, sequence.correlation_id)


def test_leaving_ends_it(model: Model) -> None:
    with model.sequence() as sequence:
        sequence({"INPUT0": X})
    assert is_over(model, sequence.correlation_id)
    with pytest.raises(InvalidArgumentError, match="has ended"):
        sequence({"INPUT0": X})


def test_an_error_ends_it(model: Model) -> None:
    sequence = model.sequence()

    def fail() -> None:
        with sequence:
            sequence({"INPUT0": X})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_over(model, sequence.correlation_id)


def test_a_sequence_without_requests(model: Model) -> None:
    with model.sequence():
        pass


def test_a_first_request_that_is_refused(model: Model) -> None:
    with model.sequence() as sequence:
        with pytest.raises(InvalidArgumentError):
            sequence(INPUT9=X)
        sequence(INPUT0=X)  # still the first one
    assert is_over(model, sequence.correlation_id)


def test_every_sequence_has_an_id_of_its_own(model: Model) -> None:
    ids = [model.sequence().correlation_id for _ in range(100)]
    assert len(set(ids)) == 100


def test_an_id_of_ones_own(model: Model) -> None:
    for correlation_id in (77, "text"):
        with model.sequence(correlation_id) as sequence:
            assert sequence.correlation_id == correlation_id
            sequence(INPUT0=X)
        assert is_over(model, correlation_id)


@pytest.mark.parametrize("arguments", [{"flags": 1}, {"correlation_id": 5}])
def test_what_the_sequence_sets_itself(model: Model, arguments: dict[str, Any]) -> None:
    with model.sequence() as sequence, pytest.raises(InvalidArgumentError, match="sets it"):
        sequence.infer(inputs={"INPUT0": X}, **arguments)


async def test_asynchronous_sequences(model: Model) -> None:
    async def run(factor: int) -> tritonserver.Model:
        async with model.sequence() as sequence:
            for i in range(3):
                outputs = await sequence.call_async(INPUT0=X * i * factor)
                assert outputs["OUTPUT0"].to_numpy().tolist() == [[i * factor]]
        assert is_over(model, sequence.correlation_id)
        async with model.sequence() as sequence:
            responses = sequence.async_infer(inputs={"INPUT0": X}, end=True)
            assert [each.final async for each in responses] == [True]
        return model

    await asyncio.gather(*(run(factor) for factor in range(1, 4)))


async def test_an_error_ends_an_asynchronous_one(model: Model) -> None:
    sequence = model.sequence()

    async def fail() -> None:
        async with sequence:
            await sequence.call_async(INPUT0=X)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert is_over(model, sequence.correlation_id)
