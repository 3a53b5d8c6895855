import numpy as np

import tritonserver

with_options = tritonserver.Options(
    server_id="demo",
    model_repository="/models",
    log_error=True,
    log_warn=True,
    log_info=True,
    log_file="server.log",
)
server = tritonserver.Server(with_options).start(wait_until_ready=True)

x = np.random.rand(1, 16).astype(np.float32)
for response in server.model("identity").infer(inputs={"fp32_input": x}, request_id="r-1"):
    y = np.from_dlpack(response.outputs["fp32_output"])
    assert np.array_equal(x, y)
    print(response.request_id, response.model.name, response.model.version, response.final)
server.stop()

# r-1 identity 1 True
