"""Mistakes with servers; each is found before the program runs."""

from pathlib import Path

from typing_extensions import Unpack

import tritonserver
from tritonserver.testing.fixtures import StartServer

tritonserver.Sever(model_repository="models")  # error: attr-defined
tritonserver.Server(model_repositories="models")  # error: call-arg
tritonserver.Server(model_repository="models", exit_timeouts=5)  # error: call-arg
tritonserver.Server(model_repository=1)  # error: arg-type
tritonserver.Server(model_repository="models", exit_timeout="5")  # error: arg-type
tritonserver.Server(model_repository="models", model_control_mode="EXPLICIT")  # error: arg-type
tritonserver.Server({"model_repository": "models"})  # error: arg-type
tritonserver.Options(log_inof=True)  # error: call-arg
tritonserver.Options(startup_models="test")  # error: arg-type
tritonserver.Options(cuda_memory_pool_sizes={"0": 1})  # error: dict-item
tritonserver.Options(log_callback=lambda level: None)  # error: arg-type misc
tritonserver.RateLimiterResource("lane", 4)  # error: call-arg
tritonserver.ModelLoadDeviceLimit("GPU", 0, 0.9)  # error: arg-type


def serve(**options: Unpack[tritonserver.OptionsKwargs]) -> tritonserver.Server:
    return tritonserver.Server(**options)


serve(model_repositories="models")  # error: call-arg
serve(model_repository="models", exit_timeout="5")  # error: arg-type
defaults: tritonserver.OptionsKwargs = {"exit_timeouts": 5}  # error: typeddict-unknown-key

server = serve(model_repository="models")
server.options.exit_timeouts = 5  # error: attr-defined
server.start(wait=True)  # error: call-arg
server.start(timeout="1")  # error: arg-type
server.load()  # error: call-arg
server.load(model="test")  # error: call-arg
server.load("test", {"config": None})  # error: dict-item
server.load("test", config=Path("config.pbtxt"))  # error: arg-type
server.load("test", files={"1/model.py": "source"})  # error: dict-item
server.load("test", file={"1/model.py": b"..."})  # error: call-arg
server.unload("test", wait_until_unload=True)  # error: call-arg
server.unload(1)  # error: arg-type
server.register_model_repository("more", ["name"])  # error: arg-type
server.models(ready_only=True)  # error: call-arg
server.metrics("json")  # error: arg-type
server.metadata()["versions"]  # error: typeddict-item
server.model("test").config()["max_batch_sizes"]  # error: typeddict-item
server.model("test").statistics()["model_statistics"]  # error: typeddict-item
server.models().get(5)  # error: call-overload
server.stop(5.0, True)  # error: call-arg
server.is_live()  # error: attr-defined
tritonserver.LogMessage("INFO", "message")  # error: arg-type


def test(start_server: StartServer) -> None:
    start_server(model_repositories="models")  # error: call-arg
    start_server(exit_timeout="5")  # error: arg-type
