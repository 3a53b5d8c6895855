"""Metrics of the program, in the registry that Triton's own are in."""

from collections.abc import Mapping, Sequence

from tritonserver._c._handle import Handle
from tritonserver._c.triton_bindings import (
    InvalidArgumentError,
    TRITONSERVER_Metric,
    TRITONSERVER_MetricArgs,
    TRITONSERVER_MetricFamily,
    TRITONSERVER_Parameter,
)

MetricFamily = TRITONSERVER_MetricFamily


class Metric(TRITONSERVER_Metric, Handle):
    """One time series of a `MetricFamily`, reported by `Server.metrics` while this object lives.

    Needs no server. Metrics of one family with equal labels share their value. Counters have
    `increment`, gauges also `set_value`, histograms only `observe`; any thread may call them. A
    wrong one is an `UnsupportedError`, a negative increment of a counter an `InvalidArgumentError`.

    Parameters
    ----------
    family
        Kept alive by the metric.
    labels
        Label names to values.
    buckets
        For a histogram only: the upper bounds of its buckets, strictly increasing; +Inf is implied.

    Raises
    ------
    InvalidArgumentError
        A label is not valid, or `buckets` are missing, superfluous, or not increasing.
    UnsupportedError
        The core is older than 24.08 and has no histograms.

    Notes
    -----
    C API: TRITONSERVER_MetricNew, TRITONSERVER_MetricNewWithArgs
    """

    _instead = "make one there; each process has metrics of its own"

    def __init__(
        self,
        family: TRITONSERVER_MetricFamily,
        labels: Mapping[str, str] | None = None,
        *,
        buckets: Sequence[float] | None = None,
    ) -> None:
        parameters = [_label(*item) for item in (labels or {}).items()]
        if buckets is None:
            super().__init__(family, parameters)
        else:
            args = TRITONSERVER_MetricArgs()
            args.set_histogram(buckets)
            super().__init__(family, parameters, args)


def _label(name: str, value: str) -> TRITONSERVER_Parameter:
    if not isinstance(value, str):
        raise InvalidArgumentError(f"label {name!r}: {value!r} must be a str")
    return TRITONSERVER_Parameter(name, value)
