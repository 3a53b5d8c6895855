from types import SimpleNamespace

import numpy as np

import tritonserver
from tritonserver._api._datautils import STRING_TO_TRITON_MEMORY_TYPE, TRITON_TO_NUMPY_DTYPE
from tritonserver._c.triton_bindings import TRITONSERVER_StringToDataType

payload = np.arange(6, dtype=np.float32).tobytes()  # what was received
message = SimpleNamespace(shape=[2, 3])

data_type = TRITONSERVER_StringToDataType("FP32")
array = np.frombuffer(payload, dtype=TRITON_TO_NUMPY_DTYPE[data_type]).copy()
tensor = tritonserver.Tensor(data_type, message.shape, tritonserver.MemoryBuffer.from_dlpack(array))
print(np.from_dlpack(tensor).tolist())
assert tensor.memory_buffer.owner.tobytes() == payload
payload = tensor.memory_buffer.owner.tobytes()
memory_type = STRING_TO_TRITON_MEMORY_TYPE["CPU"]
assert memory_type == tensor.memory_type

# [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
