import ctypes

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("identity")
request = model.create_request(inputs={"string_input": [["hi there"]]})
response = list(model.infer(request))[0]
assert isinstance(response, tritonserver._api._response.InferenceResponse)
tensor = response.outputs["string_output"]
volume = 1
for dim in tensor.shape:
    volume *= dim
assert volume == 1
text = ctypes.string_at(tensor.data_ptr + 4, tensor.size - 4).decode()  # skip the 4-byte length
assert text == "hi there"
