"""Custom metrics, the report, and traces."""

from typing_extensions import assert_type

import tritonserver

family = tritonserver.MetricFamily(tritonserver.MetricKind.COUNTER, "seen", "Requests seen")
counter = tritonserver.Metric(family, {"tenant": "a"})
counter.increment(2)
assert_type(counter.value, float)
assert_type(counter.kind, tritonserver.MetricKind)
sizes = tritonserver.MetricFamily(tritonserver.MetricKind.HISTOGRAM, "sizes", "Bytes")
assert_type(sizes.kind, tritonserver.MetricKind)
tritonserver.Metric(sizes, buckets=[1, 2.5]).observe(2)

server = tritonserver.Server(model_repository="models").start()
text = server.metrics(metric_format=tritonserver.MetricFormat.PROMETHEUS)
assert_type(server.metric_families(), dict[str, tritonserver.ReportedMetricFamily])
for reported in tritonserver.parse_metrics(text).values():
    assert_type(reported, tritonserver.ReportedMetricFamily)
    for sample in reported.samples:
        assert_type(sample, tritonserver.MetricSample)
        assert_type(sample.labels, dict[str, str])
        assert_type(sample.value, float)


def on_timestamp(
    span: tritonserver.TraceSpan, activity: tritonserver.TraceActivity, time_ns: int
) -> None:
    print(span.model_name, activity.name, time_ns)


def on_tensor(span: tritonserver.TraceSpan, tensor: tritonserver.TraceTensor) -> None:
    print(span.id, tensor.name, tensor.shape)


trace = tritonserver.Trace(
    tensors=True,
    context='{"traceparent": ""}',
    on_timestamp=on_timestamp,
    on_tensor=on_tensor,
    on_end=lambda trace: print(trace.spans),
)
server.model("test").infer(inputs={"fp32_input": [[1.0]]}, trace=trace)
for span in trace.wait(timeout=5):
    assert_type(span.timestamps, list[tuple[tritonserver.TraceActivity, int]])
    assert_type(span.tensors[0].data, bytes | None)
assert_type(trace.ended, bool)
opentelemetry = tritonserver.OpenTelemetryTrace({"traceparent": ""}, tensors=True)
assert_type(opentelemetry.carrier, dict[str, str])
