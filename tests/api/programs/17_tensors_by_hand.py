import numpy as np

import tritonserver

array = np.arange(6, dtype=np.float32)
tensor = tritonserver.Tensor.from_dlpack(array)
assert tensor.data_ptr == array.ctypes.data and tensor.size == 24
assert tensor.memory_type == tritonserver.MemoryType.CPU and tensor.memory_type_id == 0
tensor.shape = [2, 3]  # reinterpret, no copy
assert np.from_dlpack(tensor).shape == (2, 3)
assert tensor.to_host() is tensor  # already on the host
words = tritonserver.Tensor.from_string_array([["a", "bc"]])
assert words.data_type == tritonserver.DataType.BYTES and words.size == 4 + 1 + 4 + 2
assert words.to_bytes_array().tolist() == [[b"a", b"bc"]]
