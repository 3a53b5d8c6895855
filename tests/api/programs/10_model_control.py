import asyncio
import json

import tritonserver

server = tritonserver.Server(
    model_repository="/models",
    model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
    startup_models=["identity"],
    exit_timeout=5,
).start(wait_until_ready=True)
assert server.model("identity").ready()
assert not server.model("stream").ready()
print(set(server.models(exclude_not_ready=True)))
model = server.load("stream")
print(model, server.models()["stream"].metadata()["inputs"][0])
server.unload(model, wait_until_unloaded=True)

override = json.dumps({"backend": "python", "parameters": {"decoupled": {"string_value": "False"}}})
server.load("identity", {"config": override})

code = b"""
import triton_python_backend_utils as pb
class TritonPythonModel:
    @staticmethod
    def auto_complete_config(c):
        c.set_max_batch_size(0)
        c.add_input({"name": "X", "data_type": "TYPE_FP32", "dims": [-1]})
        c.add_output({"name": "Y", "data_type": "TYPE_FP32", "dims": [-1]})
        return c
    def execute(self, requests):
        inputs = [pb.get_input_tensor_by_name(r, "X").as_numpy() for r in requests]
        return [pb.InferenceResponse([pb.Tensor("Y", x + 1)]) for x in inputs]
"""
plus_one = server.load("plus_one", {"config": '{"backend": "python"}', "file:1/model.py": code})
print(plus_one.metadata()["platform"], plus_one.config()["backend"])
server.unload(
    "plus_one",
    unload_dependents=True,
    wait_until_unloaded=True,
    timeout=10,
    polling_interval=0.05,
)

models = server.models()
for name, version in models:
    if version != -1:
        continue
    model = server.load(name)
    server.unload(model, wait_until_unloaded=True)

if ("stream", 1) in server.models():
    metadata = asyncio.run(asyncio.to_thread(server.load, "stream"))
    assert metadata.ready()

# {('identity', 1)}
# {'name': 'stream', 'version': -1, 'state': None} {'name': 'N', 'datatype': 'INT32', 'shape': [1]}
# python python
