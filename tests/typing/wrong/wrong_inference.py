"""Mistakes with requests, responses and tensors; each is found before the program runs."""

import numpy as np
from typing_extensions import Unpack

import tritonserver
from tritonserver._api._request import InferenceArguments

server = tritonserver.Server(model_repository="models")
model = server.model("test")

model.infer(input={"x": 1})  # error: call-arg
model.infer(inputs=[1, 2])  # error: arg-type
model.infer(inputs={}, priority="high")  # error: arg-type
model.infer(inputs={}, parameters={"key": [1]})  # error: dict-item
model.infer(inputs={}, requested_outputs=1)  # error: arg-type
model.infer(inputs={}, output_memory_allocator=np.empty)  # error: arg-type
model.infer(inputs={}, response_queue=[])  # error: arg-type
model.infer("test")  # error: arg-type
model.async_infer(inputs={}, request_ids="1")  # error: call-arg
model.create_request(input={})  # error: call-arg
tritonserver.InferenceRequest(inputs={})  # error: call-arg
tritonserver.InferenceRequest(model, request="1")  # error: call-arg
server.model("test", "1")  # error: arg-type
list(model.async_infer(inputs={}))  # error: call-overload

model.bind({"y": "buffer"}, inputs={})  # error: dict-item
model.bind(output={}, inputs={})  # error: call-arg
model.sequence(correlation_id=1.5)  # error: arg-type
model.sequence().infer(inputs={}, flags=1)  # error: call-arg


def ask(**arguments: Unpack[InferenceArguments]) -> tritonserver.ResponseIterator:
    return model.infer(**arguments)


ask(input={"x": 1})  # error: call-arg
ask(inputs={"x": 1}, timeout="1")  # error: arg-type
fields: InferenceArguments = {"request": "1"}  # error: typeddict-unknown-key

request = model.create_request()
request.request_ids = "1"  # error: attr-defined
request.priority = "high"  # error: assignment
responses = model.infer(request)
responses.next(time=1)  # error: call-arg
response = next(responses)
response.output["y"]  # error: attr-defined
response.outputs[0]  # error: index
response.outputs["y"].numpy()  # error: attr-defined

tritonserver.Tensor.from_dlpack([1, 2])  # error: arg-type
tritonserver.Tensor("FP32", [1], np.empty(4))  # error: arg-type
tritonserver.Tensor(tritonserver.DataType.FP32, [1])  # error: call-arg
tritonserver.MemoryBuffer.from_dlpack(b"bytes")  # error: arg-type
print(tritonserver.DataType.FLOAT32)  # error: attr-defined
tritonserver.MemoryAllocator()  # error: abstract
tritonserver.Metric("seen", {})  # error: arg-type
tritonserver.MetricFamily("COUNTER", "seen", "Requests seen")  # error: arg-type
tritonserver.Trace(tensor=True)  # error: call-arg
