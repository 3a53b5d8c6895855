"""Metrics: the core's and the program's own, as text and as families."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tritonserver import (
    InvalidArgumentError,
    Metric,
    MetricFamily,
    MetricFormat,
    MetricKind,
    MetricSample,
    ReportedMetricFamily,
    Server,
    UnsupportedError,
    parse_metrics,
)
from tritonserver._c.triton_bindings import TRITONSERVER_Metric

Start = Callable[..., Server]


def test_metrics_of_the_core(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    list(server.model("identity_fp32").infer(inputs={"INPUT0": np.ones(1, np.float32)}))
    text = server.metrics(metric_format=MetricFormat.PROMETHEUS)
    assert 'nv_inference_count{model="identity_fp32",version="1"} 1' in text
    assert "nv_cpu_memory_used_bytes" in text
    assert "nv_gpu" not in text


def test_metrics_that_are_off(start_server: Start) -> None:
    assert start_server("native/identity_fp32", metrics=False).metrics() == ""


def test_families(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    list(server.model("identity_fp32").infer(inputs={"INPUT0": np.ones(1, np.float32)}))
    family = server.metric_families()["nv_inference_count"]
    assert family.kind == "counter"
    assert family.description
    (sample,) = [s for s in family.samples if s.labels["model"] == "identity_fp32"]
    assert sample.name == "nv_inference_count"
    assert sample.value >= 1


def test_counter(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    family = MetricFamily(MetricKind.COUNTER, "requests_seen", "Requests seen")
    metric = Metric(family, {"tenant": "a"})
    metric.increment(2)
    assert metric.value == 2.0
    assert metric.kind == MetricKind.COUNTER
    assert isinstance(metric, TRITONSERVER_Metric)
    assert 'requests_seen{tenant="a"} 2' in server.metrics()
    with pytest.raises(InvalidArgumentError):
        metric.increment(-1)
    with pytest.raises(UnsupportedError):
        metric.set_value(1)
    del metric
    assert 'tenant="a"' not in server.metrics()


def test_gauge_without_a_server() -> None:
    gauge = Metric(MetricFamily(MetricKind.GAUGE, "depth", "Queue depth"))
    gauge.set_value(3.5)
    gauge.increment(-1)
    assert gauge.value == 2.5


def test_histogram(start_server: Start) -> None:
    server = start_server("native/identity_fp32")
    family = MetricFamily(MetricKind.HISTOGRAM, "seconds", "Time")
    metric = Metric(family, {"stage": "x"}, buckets=[0.1, 1])
    for value in (0.05, 0.5, 5):
        metric.observe(value)
    reported = server.metric_families()["seconds"]
    assert reported.kind == "histogram"
    values = {(s.name, s.labels.get("le")): s.value for s in reported.samples}
    assert values == {
        ("seconds_bucket", "0.1"): 1,
        ("seconds_bucket", "1"): 2,
        ("seconds_bucket", "+Inf"): 3,
        ("seconds_count", None): 3,
        ("seconds_sum", None): 5.55,
    }
    with pytest.raises(UnsupportedError):
        metric.increment(1)


@pytest.mark.parametrize("buckets", [None, [1, 1], [2, 1]])
def test_wrong_buckets(buckets: Any) -> None:
    family = MetricFamily(MetricKind.HISTOGRAM, "wrong_buckets", "")
    with pytest.raises(InvalidArgumentError):
        Metric(family, buckets=buckets)


def test_buckets_of_another_kind() -> None:
    family = MetricFamily(MetricKind.COUNTER, "no_histogram", "")
    with pytest.raises(InvalidArgumentError):
        Metric(family, buckets=[1])


def test_equal_labels_share_a_value() -> None:
    family = MetricFamily(MetricKind.COUNTER, "shared", "")
    first = Metric(family, {"x": "1"})
    second = Metric(MetricFamily(MetricKind.COUNTER, "shared", ""), {"x": "1"})
    first.increment(1)
    second.increment(2)
    assert first.value == second.value == 3
    del first
    second.increment(1)
    assert second.value == 4


def test_a_metric_keeps_its_family(start_server: Start) -> None:
    metric = Metric(MetricFamily(MetricKind.GAUGE, "kept", ""))
    metric.set_value(1)
    assert "kept 1" in start_server("native/identity_fp32").metrics()


@pytest.mark.parametrize("name", ["", "1st", "with blank"])
def test_a_wrong_name(name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        Metric(MetricFamily(MetricKind.COUNTER, name, ""))


def test_a_conflict_of_kinds() -> None:
    family = MetricFamily(MetricKind.COUNTER, "conflict", "")
    with pytest.raises(InvalidArgumentError):
        MetricFamily(MetricKind.GAUGE, "conflict", "")
    assert Metric(family).value == 0


@pytest.mark.parametrize("labels", [{"x": 1}, {"x": None}, {"1x": "a"}, {"": "a"}])
def test_wrong_labels(labels: Any) -> None:
    family = MetricFamily(MetricKind.COUNTER, "wrong_labels", "")
    with pytest.raises(InvalidArgumentError):
        Metric(family, labels)


def test_many_threads() -> None:
    family = MetricFamily(MetricKind.COUNTER, "threads", "")

    def count() -> None:
        for _ in range(1000):
            Metric(family, {"x": "1"}).increment(1)

    kept = Metric(family, {"x": "1"})
    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.value == 4000


def test_parse() -> None:
    text = """
# HELP a_total Help with a \\\\ and a\\nnewline
# TYPE a_total counter
a_total{x="1",y="q\\"\\\\\\n, }="} 2 1700000000
a_total NaN
# TYPE s summary
s{quantile="0.5"} 1e3
s_sum 4
s_count 5
# a comment
untyped_one{} +Inf
"""
    families = parse_metrics(text)
    assert families["s"] == ReportedMetricFamily(
        "s",
        "summary",
        "",
        [
            MetricSample("s", {"quantile": "0.5"}, 1000),
            MetricSample("s_sum", {}, 4),
            MetricSample("s_count", {}, 5),
        ],
    )
    counter = families["a_total"]
    assert counter.description == "Help with a \\ and a\nnewline"
    assert counter.samples[0].labels == {"x": "1", "y": 'q"\\\n, }='}
    assert counter.samples[0].value == 2
    assert families["untyped_one"].kind == "untyped"
    assert families["untyped_one"].samples[0].value == float("inf")
    assert parse_metrics("") == {}


@pytest.mark.parametrize("line", ["a{", "a{x=1} 1", "a", "a b c d", 'a{x="1} 2'])
def test_parse_refuses(line: str) -> None:
    with pytest.raises(InvalidArgumentError, match="cannot read this line"):
        parse_metrics(line)
