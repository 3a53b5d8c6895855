"""The life of a server, its options and its models."""

import json
from pathlib import Path
from typing import Any

from typing_extensions import Unpack, assert_type

import tritonserver


def print_log(
    level: tritonserver.LogLevel, filename: str, line: int, timestamp_us: int, message: str
) -> None:
    print(level.name, f"{filename}:{line}", timestamp_us / 1e6, message)


options = tritonserver.Options(
    model_repository=[Path("models"), "s3://bucket/models"],
    server_id="typed",
    model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
    startup_models=["test"],
    rate_limiter_mode=tritonserver.RateLimitMode.EXEC_COUNT,
    rate_limiter_resources=[tritonserver.RateLimiterResource("lane", 4, -1)],
    cuda_memory_pool_sizes={0: 1 << 24},
    cache_config={"local": {"size": 1 << 20}},
    exit_timeout=5,
    log_file=Path("server.log"),
    log_format=tritonserver.LogFormat.ISO8601,
    log_callback=print_log,
    model_load_device_limits=[
        tritonserver.ModelLoadDeviceLimit(tritonserver.InstanceGroupKind.GPU, 0, 0.9)
    ],
    backend_configuration={"python": {"shm-default-byte-size": "1048576"}},
    host_policies={"numa0": {"numa-node": "0"}},
    metrics_configuration={"": {"summary_latencies": "true"}},
)
options.metrics_interval = 500
for other in (
    tritonserver.Options.from_dict({"server_id": "typed"}),
    tritonserver.Options.from_file(Path("options.json")),
    tritonserver.Options.from_environment(),
):
    assert_type(other, tritonserver.Options)

assert_type(tritonserver.__version__, str)
server = tritonserver.Server(options).start(wait_until_ready=True, timeout=10)
assert_type(server, tritonserver.Server)
assert_type(server.options, tritonserver.Options)
assert_type(server.live() and server.ready(), bool)
assert_type(server.metadata(), tritonserver.ServerMetadata)
assert_type(server.metadata()["extensions"], list[str])
assert_type(server.index(), list[tritonserver.ModelIndexEntry])
for entry in server.index(ready_only=True):
    assert_type(entry.get("reason"), str | None)

models = server.models(exclude_not_ready=True)
assert_type(models, tritonserver.ModelDictionary)
for (name, version), listed in models.items():
    assert_type(name, str)
    assert_type(version, int)
    assert_type(listed, tritonserver.Model)
assert_type(models["test"], tritonserver.Model)
assert_type(models["test", 1], tritonserver.Model)
assert_type(models.get("test"), tritonserver.Model | None)
assert_type(models.get(("test", 1)), tritonserver.Model | None)
assert_type(models.get("test", 0), tritonserver.Model | int)
if "test" in models and ("test", 1) in models and "other" not in models:
    assert sorted(name for name, _ in models) == ["test"]
    assert set(models) == {("test", 1)}

model = models["test"]
assert_type(model.metadata(), tritonserver.ModelMetadata)
assert_type(model.metadata()["inputs"][0]["shape"], list[int])
assert_type(model.config(), tritonserver.ModelConfiguration)
assert_type(model.config()["input"][0]["dims"], list[int])
assert_type(model.config().get("dynamic_batching"), dict[str, Any] | None)
assert_type(model.statistics(), tritonserver.ModelStatistics)
for statistics in model.statistics()["model_stats"]:
    queue = statistics["inference_stats"]["queue"]
    assert_type(queue["ns"] / queue["count"], float)
    assert_type(statistics["batch_stats"][0]["batch_size"], int)

config = {"backend": "python", "max_batch_size": 8}
loaded = server.load("test", {"config": json.dumps(config), "file:1/model.py": b"..."})
assert_type(loaded, tritonserver.Model)
changed = model.config()
changed["max_batch_size"] = 16
server.load("test", config=changed)
server.load("test", config=config, files={"1/model.py": Path("model.py")}, timeout=30.0)
server.unload(loaded, wait_until_unloaded=True, timeout=10)
server.unload("test", unload_dependents=True)
server.register_model_repository(Path("more"), {"directory": "name"})
server.unregister_model_repository("more")
server.poll_model_repository(timeout=10)
tritonserver.LogMessage(tritonserver.LogLevel.INFO, "almost done")
server.stop(timeout=3)


def serve(**options: Unpack[tritonserver.OptionsKwargs]) -> tritonserver.Server:
    return tritonserver.Server(**options).start()


defaults: tritonserver.OptionsKwargs = {"model_repository": "models", "exit_timeout": 5}
serve(**defaults).stop()

with tritonserver.Server(model_repository="models", log_verbose=1) as server:
    assert_type(server, tritonserver.Server)


async def main() -> None:
    async with tritonserver.Server(model_repository=[Path("models")]) as server:
        assert_type(server, tritonserver.Server)
