"""Sequences get their start and their end, whatever happens."""

import asyncio
import contextlib
import gc
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import CancelledError, InvalidArgumentError, Model, UnsupportedError
from tritonserver._api import _sequence
from tritonserver._api._sequence import Sequence

X = np.ones((1, 1), np.float32)

CONFIGURATION = """
backend: "identity"
max_batch_size: 1
input {{ name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] }}
output {{ name: "OUTPUT0" data_type: TYPE_FP32 dims: [ -1 ] }}
instance_group {{ count: 1 }}
sequence_batching {{
  max_sequence_idle_microseconds: {idle}
  {strategy}
  control_input {{
    name: "START"
    control {{ kind: CONTROL_SEQUENCE_START fp32_false_true: [ 0, 1 ] }}
  }}
  {control}
}}
"""
CONTROL = 'control_input {{ name: "ID" control {{ kind: CONTROL_SEQUENCE_CORRID data_type: {} }} }}'
ENSEMBLE = """
platform: "ensemble"
max_batch_size: 1
input {{ name: "INPUT0" data_type: TYPE_FP32 dims: [ -1 ] }}
output {{ name: "INT32" data_type: TYPE_FP32 dims: [ -1 ] }}
output {{ name: "UINT64" data_type: TYPE_FP32 dims: [ -1 ] }}
ensemble_scheduling {{ {steps} }}
"""
STEP = """
step {{
  model_name: "{0}_{1}"
  model_version: -1
  input_map {{ key: "INPUT0" value: "INPUT0" }}
  output_map {{ key: "OUTPUT0" value: "{0}" }}
}}
"""
STEPS = ["UINT64", "INT32"]
STRATEGIES = {"direct": "direct { }", "oldest": "oldest { max_candidate_sequences: 4 }"}
TYPES = {"INT32": 31, "UINT32": 32, "INT64": 63, "UINT64": 64}

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_sequence")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Model]]:
    """Models by name: those of TYPES take an id of that type, and the strategies a short idle time.

    Their names are followed by the strategy, as in `INT32_direct`.
    """
    repository = tmp_path_factory.mktemp("repository")

    def write(name: str, strategy: str, idle: int, control: str = "") -> None:
        (repository / name / "1").mkdir(parents=True)
        text = CONFIGURATION.format(idle=idle, strategy=STRATEGIES[strategy], control=control)
        (repository / name / "config.pbtxt").write_text(text)

    for strategy in STRATEGIES:
        write(f"impatient_{strategy}", strategy, 100_000)
        (repository / f"ensemble_{strategy}" / "1").mkdir(parents=True)
        (repository / f"ensemble_{strategy}" / "config.pbtxt").write_text(
            ENSEMBLE.format(steps="".join(STEP.format(type_, strategy) for type_ in STEPS))
        )
        for type_ in [*TYPES, "STRING"]:
            control = CONTROL.format(f"TYPE_{type_}")
            write(f"{type_}_{strategy}", strategy, 60_000_000, control)
    with tritonserver.Server(model_repository=repository) as server:
        yield server.model


def is_over(model: Model, correlation_id: int | str) -> bool:
    """Whether the model refuses a request that goes on with this sequence."""
    try:
        list(model.infer(inputs={"INPUT0": X}, correlation_id=correlation_id, flags=2))
    except InvalidArgumentError as error:
        return "must specify the START flag" in str(error)
    return False


def use_up(sequence: Sequence) -> None:
    """Go on until the core has noticed that a request was cancelled."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(CancelledError):
            sequence(INPUT0=X)
        time.sleep(0.01)


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


@each_strategy
@pytest.mark.parametrize("type_", TYPES)
def test_ids_fit_the_input_for_them(
    models: Callable[[str], Model], type_: str, strategy: str
) -> None:
    largest = 2 ** TYPES[type_] - 1
    model = models(f"{type_}_{strategy}")
    for correlation_id in (None, 1, largest):
        with model.sequence(correlation_id) as sequence:
            sequence(INPUT0=X)
            sequence(INPUT0=X)
        assert isinstance(sequence.correlation_id, int)
        assert 0 < sequence.correlation_id <= largest
    for refused in (*range(largest + 1, 2**64, 2**62), "user-1", "7"):
        match = rf"correlation_id: '?{refused}'? .* TYPE_{type_}; give a number from 1 to {largest}"
        with pytest.raises(InvalidArgumentError, match=match):
            model.sequence(refused)(INPUT0=X)
        with pytest.raises(InvalidArgumentError, match=match):
            model.infer(inputs={"INPUT0": X}, correlation_id=refused, flags=3)
        with pytest.raises(InvalidArgumentError, match=match):
            model.bind(inputs={"INPUT0": X}, correlation_id=refused, flags=3).run()


@each_strategy
def test_text_for_an_input(models: Callable[[str], Model], strategy: str) -> None:
    model = models(f"STRING_{strategy}")
    for correlation_id in (None, "user-1", 7):
        with pytest.raises(UnsupportedError, match=r"correlation_id: .* before 25\.01 .* numbers"):
            model.sequence(correlation_id)(INPUT0=X)


@each_strategy
def test_steps_of_an_ensemble(models: Callable[[str], Model], strategy: str) -> None:
    model = models(f"ensemble_{strategy}")
    for correlation_id in (None, 2**31 - 1):
        with model.sequence(correlation_id) as sequence:
            for _ in range(2):
                assert set(sequence(INPUT0=X)) == {"INT32", "UINT64"}
        assert int(sequence.correlation_id) < 2**31
    for refused, type_ in ((2**31, "INT32"), (2**32, "INT32"), ("user-1", "UINT64")):
        with pytest.raises(InvalidArgumentError, match=f"model '{type_}_{strategy}', whose input"):
            model.sequence(refused)(INPUT0=X)


def test_a_refused_id_starts_nothing(models: Callable[[str], Model]) -> None:
    model = models("INT32_direct")
    buffer = np.zeros((1, 1), np.float32)
    bound = model.bind({"OUTPUT0": buffer}, inputs={"INPUT0": X}, correlation_id="a", flags=3)
    for _ in range(2):  # nor are the buffers in use
        with pytest.raises(InvalidArgumentError, match="correlation_id"):
            bound.run()
    with model.sequence("a") as sequence, pytest.raises(InvalidArgumentError):
        sequence(INPUT0=X)


def test_numbers_that_begin_anew_meet_no_sequence(
    models: Callable[[str], Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models("INT32_oldest")
    monkeypatch.setattr(_sequence, "_numbers", itertools.chain([5, 2**30 + 5], range(6, 9)))
    with model.sequence() as first, model.sequence(2**30 + 6) as second:
        first(INPUT0=X)
        second(INPUT0=X)
        assert first.correlation_id == 2**30 + 5
        assert model.sequence().correlation_id == 2**30 + 7
    del first, second
    gc.collect()
    monkeypatch.setattr(_sequence, "_numbers", itertools.count(5))
    assert model.sequence().correlation_id == 2**30 + 5


def test_ids_of_different_widths_are_apart(models: Callable[[str], Model]) -> None:
    ids = [models(f"{type_}_direct").sequence().correlation_id for type_ in TYPES]
    assert [id_.bit_length() for id_ in ids if isinstance(id_, int)] == [31, 32, 63, 63]


def test_an_id_is_made_when_it_is_needed(start_server: Callable[..., tritonserver.Server]) -> None:
    server = start_server(
        "native/identity_sequence", model_control_mode=tritonserver.ModelControlMode.EXPLICIT
    )
    model = server.model("identity_sequence")
    sequence = model.sequence()
    configuration = CONFIGURATION.format(
        idle=1_000_000, strategy=STRATEGIES["direct"], control=CONTROL.format("TYPE_INT32")
    )
    server.load("identity_sequence", config=configuration)
    with sequence:
        sequence(INPUT0=X)
        assert isinstance(sequence.correlation_id, int)
        assert sequence.correlation_id.bit_length() == 31


@each_strategy
def test_a_sequence_that_expires(models: Callable[[str], Model], strategy: str) -> None:
    model = models(f"impatient_{strategy}")
    sequence = model.sequence(77)
    sequence(INPUT0=X)
    time.sleep(1)
    match = r"sequence 77 of model '\w+' has expired: it was idle for [\d.]+ s, longer than 0\.1 s"
    with pytest.raises(InvalidArgumentError, match=match) as told:
        sequence(INPUT0=X)
    assert "START flag" in str(told.value.__cause__)
    with pytest.raises(InvalidArgumentError, match="has ended"):
        sequence(INPUT0=X)
    with sequence:
        pass  # there is nothing to end


async def test_an_asynchronous_sequence_that_expires(models: Callable[[str], Model]) -> None:
    async def forget() -> None:
        async with models("impatient_direct").sequence() as sequence:
            await sequence.call_async(INPUT0=X)
            await asyncio.sleep(1)

    with pytest.raises(InvalidArgumentError, match="has expired"):
        await forget()


def test_a_sequence_of_which_a_request_was_cancelled(model: Model) -> None:
    sequence = model.sequence()
    sequence(INPUT0=X)
    busy = sequence.infer(inputs={"INPUT0": X}, parameters={"execute_delay_ms": 300})
    queued = [sequence.infer(inputs={"INPUT0": X}) for _ in range(2)]
    queued[0].cancel()
    list(busy)
    for responses in queued:
        with pytest.raises(CancelledError, match="cancelled"):
            list(responses)
    with pytest.raises(InvalidArgumentError, match=r"is over: .* cancelled, .* only, of 60 s"):
        use_up(sequence)


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
