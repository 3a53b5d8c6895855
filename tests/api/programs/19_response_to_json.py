import json

import numpy as np

import tritonserver
from tritonserver._c.triton_bindings import TRITONSERVER_DataType

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
for response in server.model("identity").infer(inputs={"string_input": np.array([["x"]])}):
    document = response.__dict__
    document["outputs"] = {
        name: (
            t.to_string_array() if t.data_type == TRITONSERVER_DataType.BYTES else np.from_dlpack(t)
        ).tolist()
        for name, t in response.outputs.items()
    }
    document["model"] = document["model"].__dict__
    document["model"].pop("_server", None)
    print(json.dumps(document))

# {"model": {"name": "identity", "version": 1, "state": null, "reason": null}, "request_id": "", "parameters": {}, "outputs": {"string_output": [["x"]]}, "error": null, "classification_label": null, "final": true}
