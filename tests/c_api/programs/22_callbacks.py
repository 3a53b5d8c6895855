import queue

import numpy as np

from tritonserver import _c as tb

options = tb.TRITONSERVER_ServerOptions()
options.set_model_repository_path("/models")
options.set_strict_model_config(False)
server = tb.TRITONSERVER_Server(options)


def allocate(allocator, tensor_name, byte_size, memory_type, memory_type_id, user):
    block = np.empty(byte_size, np.byte)
    return block.ctypes.data, block, tb.TRITONSERVER_MemoryType.CPU, 0


def release(allocator, pointer, block, byte_size, memory_type, memory_type_id):
    assert block.ctypes.data == pointer


done, released = queue.Queue(), queue.Queue()  # releases 23.12 .. 25.01
x = np.ones((1, 4), np.float32)
attributes = tb.TRITONSERVER_BufferAttributes()
attributes.byte_size = x.nbytes
allocator = tb.TRITONSERVER_ResponseAllocator(allocate, release)
request = tb.TRITONSERVER_InferenceRequest(server, "identity", -1)
request.add_input("fp32_input", tb.TRITONSERVER_DataType.FP32, x.shape)
request.append_input_data_with_buffer_attributes("fp32_input", x.ctypes.data, attributes)
request.set_release_callback(lambda req, flags, user: user.put(req), released)
request.set_response_callback(
    allocator, None, lambda resp, flags, user: user.put((flags, resp)), done
)
server.infer_async(request)
flags, response = done.get(timeout=10)
*_, block = response.output(0)  # the object returned by allocate()
print(block.view(np.float32))
assert isinstance(released.get(timeout=10), tb.TRITONSERVER_InferenceRequest)
del response

# [1. 1. 1. 1.]
