import concurrent.futures

import numpy as np

from tritonserver import _c as tb

options = tb.TRITONSERVER_ServerOptions()
options.set_model_repository_path("/models")
options.set_strict_model_config(False)  # let the backend complete the configuration
options.set_exit_timeout(5)
server = tb.TRITONSERVER_Server(options)

x = np.ones((1, 4), np.float32)
attributes = tb.TRITONSERVER_BufferAttributes()
attributes.memory_type = tb.TRITONSERVER_MemoryType.CPU
attributes.memory_type_id = 0
attributes.byte_size = x.nbytes
request = tb.TRITONSERVER_InferenceRequest(server, "identity", -1)
request.id = "low"
request.add_input("fp32_input", tb.TRITONSERVER_DataType.FP32, x.shape)
request.append_input_data_with_buffer_attributes("fp32_input", x.ctypes.data, attributes)
server.infer_async(request)

future = concurrent.futures.Future()  # releases 25.02 and later
request.get_next_response(future)
response, flags = future.result(timeout=10)
assert flags == int(tb.TRITONSERVER_ResponseCompleteFlag.FINAL)
response.throw_if_response_error()
name, dtype, shape, pointer, size, memory_type, memory_type_id = response.output(0)
print(response.model, response.id, name, dtype, shape, size)

# ('identity', 1) low fp32_output TRITONSERVER_DataType.FP32 [1 4] 16
