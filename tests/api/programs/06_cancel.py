import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
responses = server.model("stream").infer(
    inputs={"N": np.array([1000], np.int32), "DELAY": np.array([0.01], np.float32)},
    raise_on_error=False,
)
seen = 0
for response in responses:
    seen += 1
    if seen == 3:
        responses.cancel()  # best effort; keep reading until the final response
assert seen < 1000
del response, responses
