import numpy as np
import torch

import tritonserver


class TorchAllocator(tritonserver.MemoryAllocator):
    def allocate(self, size, memory_type, memory_type_id):
        device = f"cuda:{memory_type_id}" if memory_type == tritonserver.MemoryType.GPU else "cpu"
        return tritonserver.MemoryBuffer.from_dlpack(
            torch.empty(size, dtype=torch.uint8, device=device)
        )


tritonserver.default_memory_allocators[tritonserver.MemoryType.GPU] = TorchAllocator()
tritonserver.default_memory_allocators[tritonserver.MemoryType.CPU] = TorchAllocator()

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
x = np.ones((1, 4), np.float32)
for response in server.model("identity").infer(inputs={"fp32_input": x}):
    tensor = response.outputs["fp32_output"]
    assert isinstance(tensor.memory_buffer.owner, torch.Tensor)
    print(torch.from_dlpack(tensor))
server.stop()

# tensor([[1., 1., 1., 1.]])
