import tritonserver

options = tritonserver.Options(
    model_repository=["/models"],
    model_control_mode=tritonserver.ModelControlMode.EXPLICIT,
    rate_limiter_mode=tritonserver.RateLimitMode.EXEC_COUNT,
    rate_limiter_resources=[tritonserver.RateLimiterResource("lane", 4, 0)],
    pinned_memory_pool_size=1 << 24,
    cuda_memory_pool_sizes={0: 1 << 24},
    host_policies={"numa0": {"numa-node": "0", "cpu-cores": "0-1"}},
    backend_configuration={"python": {"shm-default-byte-size": "1048576"}},
    metrics_configuration={"": {"summary_latencies": "true"}},
    log_verbose=1,
    log_file="server.log",
    log_format=tritonserver.LogFormat.ISO8601,
    exit_timeout=5,
    strict_readiness=True,
    gpu_metrics=False,
)
server = tritonserver.Server(options).start()
assert server.options is options
assert server.options.model_control_mode == tritonserver.ModelControlMode.EXPLICIT
server.stop()
