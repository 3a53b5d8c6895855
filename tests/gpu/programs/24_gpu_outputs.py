import cupy
import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("identity")
x = np.random.rand(1, 100).astype(np.float16)
for response in model.infer(inputs={"fp16_input": x}, output_memory_type="gpu"):
    tensor = response.outputs["fp16_output"]
    assert tensor.memory_type == tritonserver.MemoryType.GPU
    assert cupy.from_dlpack(tensor)[0][0] == x[0][0]
for response in model.infer(inputs={"string_input": [["hello"]]}, output_memory_type="gpu:0"):
    text = response.outputs["string_output"]
    assert text.to_string_array()[0][0] == "hello"  # copied to the host, twice is fine
    assert text.to_string_array()[0][0] == "hello"

cpu = tritonserver.Tensor.from_dlpack(np.ones((1, 3), np.float32))
gpu = cpu.to_device("gpu:0")  # also MemoryType.GPU, (MemoryType.GPU, 0)
assert gpu.to_host().memory_type == tritonserver.MemoryType.CPU
model.infer(inputs={"fp32_input": cupy.ones((1, 4), cupy.float32)})  # device input through DLPack
