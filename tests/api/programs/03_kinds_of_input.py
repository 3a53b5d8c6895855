import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("identity")
inputs = {
    "bool_input": [[True, False, True]],  # nested list -> BOOL
    "int32_input": np.int32([[7]]),  # numpy typed constructor on a list
    "string_input": np.array([["a", b"\xff"]], dtype=object),  # str and bytes mixed -> BYTES
    "fp16_input": tritonserver.Tensor.from_dlpack(np.ones((1, 4), np.float16)),
}
for response in model.infer(inputs=inputs):
    for name, tensor in response.outputs.items():
        if tensor.data_type == tritonserver.DataType.BYTES:
            print(name, tensor.to_bytes_array().tolist())
        else:
            print(name, tensor.data_type, list(tensor.shape), np.from_dlpack(tensor).tolist())
server.stop()

# string_output [[b'a', b'\xff']]
# bool_output TRITONSERVER_DataType.BOOL [1, 3] [[True, False, True]]
# int32_output TRITONSERVER_DataType.INT32 [1, 1] [[7]]
# fp16_output TRITONSERVER_DataType.FP16 [1, 4] [[1.0, 1.0, 1.0, 1.0]]
