"""The report of all metrics, read into typed families."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tritonserver._c.triton_bindings import InvalidArgumentError

_SAMPLE = re.compile(r"(?P<name>[^\s{]+)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'\s*(?P<name>\w+)="(?P<value>(?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")

# What a family's own name is followed by in the names of its samples.
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@dataclass(frozen=True, slots=True)
class MetricSample:
    """A value in the report. Buckets have their bound as label `le`, quantiles as `quantile`."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class ReportedMetricFamily:
    """A family in the report; `kind` is `counter`, `gauge`, `histogram`, `summary` or `untyped`."""

    name: str
    kind: str = "untyped"
    description: str = ""
    samples: list[MetricSample] = field(default_factory=list)


def parse_metrics(text: str) -> dict[str, ReportedMetricFamily]:
    """Return the families in a report in Prometheus' text format, by name.

    Raises
    ------
    InvalidArgumentError
        A line cannot be read; the error quotes it.
    """
    descriptions: dict[str, str] = {}
    families: dict[str, ReportedMetricFamily] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            keyword, name, *rest = (*line[1:].split(None, 2), "", "")[:3]
            if keyword == "HELP":
                descriptions[name] = _unescape(rest[0])
            elif keyword == "TYPE":
                families[name] = ReportedMetricFamily(name, rest[0], descriptions.get(name, ""))
        else:
            sample = _sample(line)
            _family(families, sample.name).samples.append(sample)
    return families


def _sample(line: str) -> MetricSample:
    match = _SAMPLE.fullmatch(line)
    try:
        if match is None:
            raise ValueError
        return MetricSample(
            match["name"], dict(_labels(match["labels"] or "")), float(match["value"])
        )
    except ValueError:
        raise InvalidArgumentError(f"cannot read this line of the metrics: {line}") from None


def _labels(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        match = _LABEL.match(text, position)
        if match is None:
            raise ValueError
        yield match["name"], _unescape(match["value"])
        position = match.end()


def _family(families: dict[str, ReportedMetricFamily], sample: str) -> ReportedMetricFamily:
    for kind, suffixes in _SUFFIXES.items():
        for suffix in suffixes:
            family = families.get(sample.removesuffix(suffix))
            if sample.endswith(suffix) and family is not None and family.kind == kind:
                return family
    return families.setdefault(sample, ReportedMetricFamily(sample))


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": "\n"}.get(match[1], match[1]), text)
