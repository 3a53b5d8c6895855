"""Requests and responses, in one thread and on an event loop."""

import asyncio
import queue
from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import assert_type

import tritonserver

server = tritonserver.Server(model_repository="models").start()
model = server.model("test", 1)
assert_type(model.name, str)
assert_type(model.state, str | None)
assert_type(model.ready(), bool)
assert_type(model.metadata()["inputs"][0]["shape"], list[int])
assert_type(model.batch_properties(), tritonserver.ModelBatchFlag)
assert model.transaction_properties() == tritonserver.ModelTxnPropertyFlag.ONE_TO_ONE

inputs = {"fp32_input": np.ones((1, 4), np.float32), "string_input": [["text", b"bytes"]]}
responses = model.infer(
    inputs=inputs,
    request_id="1",
    parameters={"text": "x", "integer": 1, "number": 0.5, "flag": True},
    output_memory_type="cpu",
    requested_outputs=["fp32_output", tritonserver.RequestedOutput("int32_output", class_count=2)],
    raise_on_error=False,
)
assert_type(responses, tritonserver.ResponseIterator)
for response in responses:
    assert_type(response, tritonserver.InferenceResponse)
    assert_type(response.model.version, int)
    assert_type(response.request_id, str | None)
    assert_type(response.parameters, dict[str, str | int | bool | float])
    assert_type(response.outputs, dict[str, tritonserver.Tensor])
    assert_type(response.error, tritonserver.TritonError | None)
    assert_type(response.final, bool)

request = model.create_request(inputs=inputs, priority=1, timeout=1_000_000)
assert_type(request, tritonserver.InferenceRequest)
request.request_id = "2"
request.correlation_id = "sequence"
request.output_memory_type = (tritonserver.MemoryType.CPU, 0)
request.response_queue = queue.SimpleQueue()
same = tritonserver.InferenceRequest(model, inputs=inputs, flags=1)
with model.infer(same) as responses:
    assert_type(next(responses), tritonserver.InferenceResponse)
    assert_type(responses.next(timeout=1), tritonserver.InferenceResponse)
    responses.cancel()
    responses.close()

tensor = tritonserver.Tensor.from_dlpack(np.zeros((2, 2), np.int32))
assert_type(tensor, tritonserver.Tensor)
assert_type(tensor.data_type, tritonserver.DataType)
assert_type(tensor.data_ptr + tensor.size + tensor.memory_type_id, int)
assert_type(tensor.memory_type, tritonserver.MemoryType)
assert_type(tensor.to_numpy(), NDArray[Any])
assert_type(tensor.__dlpack_device__(), tuple[int, int])
np.from_dlpack(tensor)
np.asarray(tensor)
memoryview(tensor)
tritonserver.Tensor.from_dlpack(tensor.to_host())
text = tritonserver.Tensor.from_string_array([["a", "b"]])
assert_type(text.to_bytes_array(), NDArray[np.object_])
assert_type(text.to_string_array(), NDArray[Any])
assert_type(text.to_classes(), NDArray[np.object_])
assert_type(tritonserver.Classification(0.5, 1, "dog").label, str)
buffer = tritonserver.MemoryBuffer.from_dlpack(tensor)
assert_type(buffer, tritonserver.MemoryBuffer)
tritonserver.Tensor(tritonserver.DataType.INT32, (4,), buffer)


class Allocator(tritonserver.MemoryAllocator):
    def allocate(
        self, size: int, memory_type: tritonserver.MemoryType, memory_type_id: int
    ) -> tritonserver.MemoryBuffer:
        owner = np.empty(size, np.uint8)
        return tritonserver.MemoryBuffer(
            owner.ctypes.data, tritonserver.MemoryType.CPU, 0, size, owner
        )


model.infer(
    inputs=inputs,
    output_memory_allocator=Allocator(),
    output_memory_type=(tritonserver.DLDeviceType.kDLCPU, 0),
)
tritonserver.default_memory_allocators[tritonserver.MemoryType.CPU] = Allocator()


assert_type(model(inputs)["fp32_output"], tritonserver.Tensor)
assert_type(model(fp32_input=[[1.0]]), dict[str, tritonserver.Tensor])
with model.sequence(correlation_id=42) as sequence:
    assert_type(sequence(inputs), dict[str, tritonserver.Tensor])
    assert_type(sequence.infer(inputs=inputs, end=True), tritonserver.ResponseIterator)
bound = model.bind(outputs={"fp32_output": np.empty((1, 4), np.float32)}, inputs=inputs)
assert_type(bound.run(), dict[str, tritonserver.Tensor])
assert_type(bound.infer(), tritonserver.ResponseIterator)
assert_type(bound.async_infer(), tritonserver.AsyncResponseIterator)


async def first(name: str) -> tritonserver.InferenceResponse:
    arrived: asyncio.Queue[tritonserver.InferenceResponse] = asyncio.Queue()
    responses = server.model(name).async_infer(inputs=inputs, response_queue=arrived)
    assert_type(responses, tritonserver.AsyncResponseIterator)
    async with responses:
        async for response in responses:
            assert_type(response, tritonserver.InferenceResponse)
        await asyncio.wait_for(responses.__anext__(), 1)
        task = asyncio.create_task(responses.__anext__())
        assert_type(await task, tritonserver.InferenceResponse)
        assert_type(await model.call_async(inputs), dict[str, tritonserver.Tensor])
        return await anext(responses)


try:
    model.infer(inputs={})
except (
    tritonserver.AlreadyExistsError,
    tritonserver.CancelledError,
    tritonserver.InternalError,
    tritonserver.InvalidArgumentError,
    tritonserver.NotFoundError,
    tritonserver.UnavailableError,
    tritonserver.UnknownError,
    tritonserver.UnsupportedError,
) as error:
    assert_type(str(error), str)
