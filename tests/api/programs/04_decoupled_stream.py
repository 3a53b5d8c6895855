import numpy as np

import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
model = server.model("stream")
assert model.transaction_properties() == tritonserver.ModelTxnPropertyFlag.DECOUPLED

got = []
for response in model.infer(inputs={"N": np.array([3], np.int32)}):
    if response.outputs:  # the closing response may carry no outputs
        got.append(int(np.from_dlpack(response.outputs["I"])[0]))
    last = response
assert got == [0, 1, 2] and last.final
server.stop()
