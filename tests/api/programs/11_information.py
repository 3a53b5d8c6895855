import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
print(server.live(), server.ready(), server.metadata()["name"])
assert server.metadata()["version"]
for (name, version), model in server.models().items():
    print(name, version, model.state, model.reason, model.ready())
model = server.model("identity", 1)
print(model.config()["max_batch_size"], model.batch_properties(), model.transaction_properties())
print(model.statistics()["model_stats"][0]["inference_count"])
lines = server.metrics().splitlines()
print([line for line in lines if line.startswith('nv_inference_count{model="identity"')][:1])
server.metrics(tritonserver.MetricFormat.PROMETHEUS)

# True True triton
# identity 1 READY None True
# stream 1 READY None True
# 0 TRITONSERVER_ModelBatchFlag.UNKNOWN TRITONSERVER_ModelTxnPropertyFlag.ONE_TO_ONE
# 0
# ['nv_inference_count{model="identity",version="1"} 0']
