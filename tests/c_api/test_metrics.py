"""Metrics of the process, and custom ones."""

import gc
import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest

from tritonserver._c import triton_bindings as tb

Kind = tb.TRITONSERVER_MetricKind
_numbers = itertools.count()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses: names stay registered as long as the process lives."""
    return f"test_metric_{next(_numbers)}"


@pytest.fixture
def lines(server: tb.TRITONSERVER_Server, name: str) -> Callable[[], list[str]]:
    """Return the lines about the test's metrics."""

    def lines() -> list[str]:
        text = server.metrics().formatted(tb.TRITONSERVER_MetricFormat.PROMETHEUS)
        return [line for line in text.splitlines() if name in line]

    return lines


def labels(**values: str) -> list[tb.TRITONSERVER_Parameter]:
    return [tb.TRITONSERVER_Parameter(name, value) for name, value in values.items()]


def test_text_of_the_process(server: tb.TRITONSERVER_Server) -> None:
    server.load_model("identity_fp32")
    metrics = server.metrics()
    text = metrics.formatted(tb.TRITONSERVER_MetricFormat.PROMETHEUS)
    assert 'nv_inference_request_success{model="identity_fp32",version="1"} 0' in text
    assert "nv_cpu_memory_used_bytes" in text
    assert metrics.formatted(tb.TRITONSERVER_MetricFormat.PROMETHEUS).startswith("# HELP")


def test_counter(name: str, lines: Callable[[], list[str]]) -> None:
    family = tb.TRITONSERVER_MetricFamily(Kind.COUNTER, name, "what it counts")
    metric = tb.TRITONSERVER_Metric(family, labels(kind="a"))
    assert (family.kind, metric.kind, metric.value) == (Kind.COUNTER, Kind.COUNTER, 0)
    metric.increment(2)
    metric.increment(0.5)
    assert metric.value == 2.5
    assert lines() == [
        f"# HELP {name} what it counts",
        f"# TYPE {name} counter",
        f'{name}{{kind="a"}} 2.5',
    ]
    with pytest.raises(tb.InvalidArgumentError):
        metric.increment(-1)
    for operation in (metric.set_value, metric.observe):
        with pytest.raises(tb.UnsupportedError):
            operation(1)
    assert metric.value == 2.5


def test_gauge(name: str, lines: Callable[[], list[str]]) -> None:
    family = tb.TRITONSERVER_MetricFamily(Kind.GAUGE, name, "")
    metric = tb.TRITONSERVER_Metric(family, [])
    metric.set_value(5)
    metric.increment(-7.5)
    assert (metric.kind, metric.value) == (Kind.GAUGE, -2.5)
    assert f"{name} -2.5" in lines()
    metric.set_value(math.inf)
    assert metric.value == math.inf
    with pytest.raises(tb.UnsupportedError):
        metric.observe(1)


def test_histogram(name: str, lines: Callable[[], list[str]]) -> None:
    family = tb.TRITONSERVER_MetricFamily(Kind.HISTOGRAM, name, "")
    args = tb.TRITONSERVER_MetricArgs()
    args.set_histogram([0.1, 1, 2.5])
    metric = tb.TRITONSERVER_Metric(family, labels(a="b"), args)
    del args
    for value in (0.05, 2, 2, 100):
        metric.observe(value)
    assert (family.kind, metric.kind) == (Kind.HISTOGRAM, Kind.HISTOGRAM)
    assert lines()[1:] == [
        f'{name}_count{{a="b"}} 4',
        f'{name}_sum{{a="b"}} 104.05',
        f'{name}_bucket{{a="b",le="0.1"}} 1',
        f'{name}_bucket{{a="b",le="1"}} 1',
        f'{name}_bucket{{a="b",le="2.5"}} 3',
        f'{name}_bucket{{a="b",le="+Inf"}} 4',
    ]
    with pytest.raises(tb.UnsupportedError):
        metric.increment(1)
    with pytest.raises(tb.UnsupportedError):
        _ = metric.value


@pytest.mark.parametrize("buckets", [[1, 1], [2, 1]])
def test_buckets_that_do_not_increase(name: str, buckets: list[float]) -> None:
    family = tb.TRITONSERVER_MetricFamily(Kind.HISTOGRAM, name, "")
    args = tb.TRITONSERVER_MetricArgs()
    args.set_histogram(buckets)
    with pytest.raises(tb.InvalidArgumentError):
        tb.TRITONSERVER_Metric(family, [], args)


def test_bucket_that_is_no_number() -> None:
    with pytest.raises(tb.InvalidArgumentError, match="buckets must not contain NaN"):
        tb.TRITONSERVER_MetricArgs().set_histogram([1, math.nan])


def test_arguments_and_kinds_that_do_not_fit(name: str) -> None:
    args = tb.TRITONSERVER_MetricArgs()
    args.set_histogram([1])
    with pytest.raises(tb.InvalidArgumentError):
        tb.TRITONSERVER_Metric(tb.TRITONSERVER_MetricFamily(Kind.GAUGE, name, ""), [], args)
    histogram = tb.TRITONSERVER_MetricFamily(Kind.HISTOGRAM, name + "_h", "")
    with pytest.raises(tb.InvalidArgumentError):
        tb.TRITONSERVER_Metric(histogram, [])
    with pytest.raises(tb.InvalidArgumentError):
        tb.TRITONSERVER_Metric(histogram, [], tb.TRITONSERVER_MetricArgs())


def test_one_name_has_one_kind(name: str) -> None:
    family = tb.TRITONSERVER_MetricFamily(Kind.COUNTER, name, "")
    with pytest.raises(tb.InvalidArgumentError):
        tb.TRITONSERVER_MetricFamily(Kind.GAUGE, name, "")
    del family
    gc.collect()
    with pytest.raises(tb.InvalidArgumentError):
        tb.TRITONSERVER_MetricFamily(Kind.GAUGE, name, "")
    assert tb.TRITONSERVER_MetricFamily(Kind.COUNTER, name, "").kind is Kind.COUNTER


def test_metrics_keep_their_family(name: str, lines: Callable[[], list[str]]) -> None:
    metric = tb.TRITONSERVER_Metric(tb.TRITONSERVER_MetricFamily(Kind.COUNTER, name, ""), [])
    gc.collect()
    metric.increment(1)
    assert f"{name} 1" in lines()
    del metric
    assert lines() == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_equal_labels_share_a_value_and_go_in_any_order(name: str, order: tuple[int, ...]) -> None:
    families = [tb.TRITONSERVER_MetricFamily(Kind.COUNTER, name, "") for _ in range(2)]
    held: list[Any] = [tb.TRITONSERVER_Metric(family, labels(a="b")) for family in families]
    for metric in held:
        metric.increment(1)
    held += families
    del families, metric
    for index in order:
        held[index] = None
        for metric in held[:2]:
            if metric is not None:
                metric.increment(0)
                assert metric.value == 2
        metric = None


def test_metrics_need_no_server(run_program: Callable[..., Any]) -> None:
    result = run_program("""
        kind = tb.TRITONSERVER_MetricKind.COUNTER
        metric = tb.TRITONSERVER_Metric(tb.TRITONSERVER_MetricFamily(kind, "alone", ""), [])
        metric.increment(3)
        print(metric.value)
    """)
    assert (result.stdout, result.returncode) == ("3.0\n", 0)


def test_text_that_prometheus_escapes(name: str, lines: Callable[[], list[str]]) -> None:
    family = tb.TRITONSERVER_MetricFamily(Kind.GAUGE, name, 'a "quoted"\nü')
    metric = tb.TRITONSERVER_Metric(family, labels(a='x"y\nü'))
    assert f'{name}{{a="x\\"y\\nü"}} 0' in lines()
    del metric
