import tritonserver

server = tritonserver.Server(
    model_repository="/models", model_control_mode=tritonserver.ModelControlMode.EXPLICIT
).start()
server.unregister_model_repository("/models")
assert server.models() == {}
server.register_model_repository("/models", {"identity": "renamed"})
assert ("renamed", -1) in server.models()
server.load("renamed")
