import tritonserver

server = tritonserver.Server(
    model_repository="/models",
    cache_config={"local": {"size": 1048576}},
    model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
)
server.start()
server.stop()
