import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
stream = server.model("stream")
bad = {"N": np.array([3], np.int32), "FAIL_AT": np.array([1], np.int32)}

try:  # raised while iterating
    for response in stream.infer(inputs=bad):
        pass
except tritonserver.TritonError as error:
    print(type(error).__name__, error.args[0])  # InternalError fail at 1
    assert isinstance(error.args[1].outputs, dict)  # the response that carried it

collected = list(stream.infer(inputs=bad, raise_on_error=False))
assert [r.error is not None for r in collected][:3] == [False, True, False]

try:  # rejected before it is queued: raised by infer() itself
    server.model("no-such-model").infer(inputs={})
except tritonserver.NotFoundError as error:
    print(error)

# InternalError fail at 1
# Request for unknown model: 'no-such-model' is not found
