"""Requests that are prepared once and run many times."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tritonserver
from tritonserver import (
    InternalError,
    InvalidArgumentError,
    MemoryBuffer,
    Model,
    Tensor,
    UnavailableError,
)


@pytest.fixture
def model(native_server: tritonserver.Server) -> Model:
    return native_server.model("identity_fp32")


def test_each_run_reads_the_inputs_anew(model: Model) -> None:
    x = np.zeros(4, np.float32)
    bound = model.bind(inputs={"INPUT0": x})
    results = []
    for i in range(5):
        x[:] = i
        results.append(bound.run()["OUTPUT0"])
    assert [each.to_numpy().tolist() for each in results] == [[i] * 4 for i in range(5)]


def test_outputs_go_where_they_are_wanted(model: Model) -> None:
    x, y = np.zeros(4, np.float32), np.full(4, -1, np.float32)
    bound = model.bind(outputs={"OUTPUT0": y}, inputs={"INPUT0": x})
    for i in range(5):
        x[:] = i
        tensor = bound.run()["OUTPUT0"]
        assert (y == i).all()
        assert tensor.memory_buffer.owner is y
        assert tensor.data_ptr == y.ctypes.data
        assert list(tensor.shape) == [4]


def test_outputs_that_somebody_has_stay_theirs(model: Model) -> None:
    y = np.zeros(4, np.float32)
    bound = model.bind(outputs={"OUTPUT0": y}, inputs={"INPUT0": np.ones(4, np.float32)})
    first, second = bound.run(), bound.run()
    assert first is not second
    tensor = second["OUTPUT0"]
    assert first["OUTPUT0"] is not tensor
    del second
    assert bound.run()["OUTPUT0"] is not tensor


def test_outputs_that_nobody_has_are_returned_again(model: Model) -> None:
    y = np.zeros(4, np.float32)
    bound = model.bind(outputs={"OUTPUT0": y}, inputs={"INPUT0": np.ones(4, np.float32)})
    tensor = weakref.ref(bound.run()["OUTPUT0"])
    assert bound.run()["OUTPUT0"] is tensor()
    # Memory of the pool is not kept from other requests.
    unbound = model.bind(inputs={"INPUT0": np.ones(4, np.float32)})
    pooled = weakref.ref(unbound.run()["OUTPUT0"])
    assert pooled() is None


@pytest.mark.parametrize(
    "change",
    [
        lambda outputs: outputs.clear(),
        lambda outputs: outputs.update(OUTPUT1=outputs["OUTPUT0"]),
        lambda outputs: outputs.update(OUTPUT0=None),
        lambda outputs: outputs["OUTPUT0"].shape.append(1),
        lambda outputs: setattr(outputs["OUTPUT0"], "shape", [2, 2]),
        lambda outputs: setattr(outputs["OUTPUT0"], "data_type", tritonserver.DataType.INT32),
        lambda outputs: setattr(outputs["OUTPUT0"], "memory_buffer", None),
        lambda outputs: setattr(outputs["OUTPUT0"], "note", "mine"),
        lambda outputs: vars(outputs["OUTPUT0"]),
        lambda outputs: outputs["OUTPUT0"].memory_buffer,
    ],
)
def test_changed_outputs_do_not_come_again(
    model: Model, change: Callable[[dict[str, Any]], object]
) -> None:
    x, y = np.ones(4, np.float32), np.zeros(4, np.float32)
    bound = model.bind(outputs={"OUTPUT0": y}, inputs={"INPUT0": x})
    change(bound.run())
    x[:] = 2
    outputs = bound.run()
    assert list(outputs) == ["OUTPUT0"]
    tensor = outputs["OUTPUT0"]
    assert (tensor.data_type, tensor.shape) == (tritonserver.DataType.FP32, [4])
    assert tensor.memory_buffer.owner is y
    assert not hasattr(tensor, "note")
    assert tensor.to_numpy().tolist() == [2] * 4


def test_buffers_of_every_kind(model: Model) -> None:
    x = np.arange(4, dtype=np.float32)
    for make in (
        lambda array: array,
        Tensor.from_dlpack,
        MemoryBuffer.from_dlpack,
        lambda array: array.view(np.uint8),
    ):
        y = np.zeros(4, np.float32)
        model.bind(outputs={"OUTPUT0": make(y)}, inputs={"INPUT0": x}).run()
        assert np.array_equal(x, y)


def test_a_larger_buffer(model: Model) -> None:
    x, y = np.arange(3, dtype=np.float32), np.full(5, -1, np.float32)
    tensor = model.bind(outputs={"OUTPUT0": y}, inputs={"INPUT0": x}).run()["OUTPUT0"]
    assert y.tolist() == [0, 1, 2, -1, -1]
    assert (tensor.size, list(tensor.shape)) == (12, [3])
    assert tensor.memory_buffer.owner is y


def test_a_buffer_that_is_too_small(model: Model) -> None:
    bound = model.bind(
        outputs={"OUTPUT0": np.zeros(1, np.float32)}, inputs={"INPUT0": np.ones(2, np.float32)}
    )
    for _ in range(2):
        with pytest.raises(tritonserver.TritonError, match="has 8 bytes, but the buffer"):
            bound.run()


@pytest.mark.parametrize(
    "bad",
    [np.ones(4, np.float32)[::2], np.broadcast_to(np.float32(1), 3), [1], "x", None],
)
def test_buffers_that_cannot_be_written(model: Model, bad: Any) -> None:
    with pytest.raises(InvalidArgumentError):
        model.bind(outputs={"OUTPUT0": bad}, inputs={"INPUT0": np.ones(2, np.float32)})


def test_inputs_that_would_have_to_be_copied(model: Model) -> None:
    for bad in (np.ones(4, np.float32)[::2], np.ones(2, ">f4")):
        with pytest.raises(InvalidArgumentError, match="would have to be copied"):
            model.bind(inputs={"INPUT0": bad})
    with pytest.raises(InvalidArgumentError, match="ragged"):
        model.bind(inputs={"INPUT0": [[1], [1, 2]]})


def test_the_model_refuses_at_the_run(model: Model) -> None:
    bound = model.bind(inputs={"INPUT0": np.ones(2)})
    with pytest.raises(InvalidArgumentError, match="FP64"):
        bound.run()


def test_one_run_at_a_time_with_buffers(native_server: tritonserver.Server) -> None:
    x, y = np.ones(2, np.float32), np.zeros(2, np.float32)
    bound = native_server.model("identity_slow").bind(outputs={"OUTPUT0": y}, inputs={"INPUT0": x})
    first = bound.infer()
    with pytest.raises(UnavailableError, match="in use"):
        bound.infer()
    assert len(list(first)) == 1
    bound.run()
    # A run that is refused leaves the buffers free.
    bad = native_server.model("identity_fp32").bind(
        outputs={"OUTPUT0": y}, inputs={"INPUT0": np.ones(2)}
    )
    for _ in range(2):
        with pytest.raises(InvalidArgumentError):
            bad.run()


async def test_many_runs_at_once_without_buffers(model: Model) -> None:
    bound = model.bind(inputs={"INPUT0": np.ones(2, np.float32)})
    results = await asyncio.gather(*(bound.run_async() for _ in range(50)))
    assert all(each["OUTPUT0"].to_numpy().tolist() == [1, 1] for each in results)


def test_the_buffers_live_until_the_model_is_done(native_server: tritonserver.Server) -> None:
    responses = (
        native_server.model("identity_slow")
        .bind(
            outputs={"OUTPUT0": np.zeros(1000, np.float32)},
            inputs={"INPUT0": np.arange(1000, dtype=np.float32)},
        )
        .infer()
    )
    gc.collect()
    trash = [np.full(1000, -1, np.float32) for _ in range(100)]
    (response,) = responses
    assert np.array_equal(response.outputs["OUTPUT0"].to_numpy(), np.arange(1000))
    del trash


def test_a_stream_into_one_buffer(native_server: tritonserver.Server) -> None:
    out = np.zeros(1, np.int32)
    bound = native_server.model("repeat_int32").bind(
        outputs={"OUT": out},
        inputs={
            "IN": np.arange(3, dtype=np.int32),
            "DELAY": np.full(3, 20, np.uint32),
            "WAIT": np.uint32([0]),
        },
    )
    seen = [int(out[0]) for response in bound.infer() if response.outputs]
    assert seen == [0, 1, 2]


def test_text_and_options(native_server: tritonserver.Server) -> None:
    bound = native_server.model("native_identity").bind(
        inputs={"string_input": [["a", "b\0"]]}, request_id="bound"
    )
    for _ in range(2):
        (response,) = bound.infer()
        assert response.request_id == "bound"
        assert response.outputs["string_output"].to_string_array().tolist() == [["a", "b\0"]]


async def test_errors(model: Model) -> None:
    bound = model.bind(inputs={"INPUT0": np.ones(2, np.float32)}, parameters={"error": "boo"})
    with pytest.raises(InternalError, match="boo"):
        bound.run()
    with pytest.raises(InternalError, match="boo"):
        await bound.run_async()
    (response,) = bound.infer(raise_on_error=False)
    assert str(response.error) == "boo"
    assert [str(each.error) async for each in bound.async_infer(False)] == ["boo"]
