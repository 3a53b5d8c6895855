import numpy as np

import tritonserver


class Recording(tritonserver.MemoryAllocator):  # releases 24.01 .. 25.01
    def __init__(self):
        self.sizes = []

    def allocate(self, size, memory_type, memory_type_id):
        self.sizes.append(size)
        return tritonserver.MemoryBuffer.from_dlpack(np.empty(size, np.byte))


server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
allocator = Recording()
x = np.ones((1, 4), np.float32)
for response in server.model("identity").infer(
    inputs={"fp32_input": x}, output_memory_allocator=allocator
):
    tensor = response.outputs["fp32_output"]
    assert tensor.memory_buffer.owner.nbytes == tensor.size == 16
assert allocator.sizes == [16]

buffer = tritonserver.default_memory_allocators[tritonserver.MemoryType.CPU].allocate(
    size=200, memory_type=tritonserver.MemoryType.CPU, memory_type_id=0
)
view = np.from_dlpack(tritonserver.Tensor(tritonserver.DataType.FP32, [50], buffer))
assert view.nbytes == 200 and view.ctypes.data == buffer.owner.ctypes.data
