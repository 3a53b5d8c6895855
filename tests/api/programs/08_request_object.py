import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("identity")
request = model.create_request(inputs={"fp32_input": np.zeros((1, 3), np.float32)}, request_id="a")
list(model.infer(request))
request.inputs["fp32_input"] = np.ones((1, 5), np.float32)  # reuse: change a field, send again
request.request_id = "b"
request.parameters = {"i": 1, "f": 0.5, "b": True, "s": "x"}
request.priority, request.timeout, request.correlation_id = 1, 0, 42
response = list(model.infer(request))[0]
assert response.request_id == "b" and list(response.outputs["fp32_output"].shape) == [1, 5]
same = tritonserver.InferenceRequest(
    model, request_id="c", inputs={"fp32_input": np.ones((1, 1), np.float32)}
)
assert list(model.infer(same))[0].request_id == "c"
