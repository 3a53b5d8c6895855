import tritonserver

server = tritonserver.Server(model_repository="/models").start(wait_until_ready=True)
family = tritonserver.MetricFamily(
    tritonserver.MetricKind.COUNTER, "requests_seen", "Requests seen"
)
metric = tritonserver.Metric(family, {"tenant": "a"})
metric.increment(2)
assert metric.value == 2.0
assert metric.kind == tritonserver.MetricKind.COUNTER
assert 'requests_seen{tenant="a"} 2' in server.metrics()

gauge = tritonserver.Metric(
    tritonserver.MetricFamily(tritonserver.MetricKind.GAUGE, "depth", "Queue depth")
)
gauge.set_value(3.5)
try:
    metric.set_value(1)
except tritonserver.UnsupportedError as error:
    print(type(error).__name__)

# UnsupportedError
