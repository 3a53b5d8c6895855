import tritonserver

server = tritonserver.Server(model_repository="/models")
server.start()
print(server.models())

model = server.model("identity")
for response in model.infer(inputs={"string_input": [["hello world!"]]}):
    print(response.outputs["string_output"].to_string_array())
server.stop()

# {('identity', 1): {'name': 'identity', 'version': 1, 'state': 'READY'}}
# [['hello world!']]
