"""Parameters; what values become is seen where a model echoes them."""

import sys
from typing import Any

import numpy as np
import pytest

from tritonserver._c import triton_bindings as tb


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "",
        b"bytes\0",
        b"",
        True,
        np.True_,
        0,
        2**63 - 1,
        -(2**63),
        np.int32(5),
        tb.TRITONSERVER_DataType.FP32,
        0.5,
        np.float32(0.5),
        np.float64(0.5),
    ],
)
def test_value(value: Any) -> None:
    tb.TRITONSERVER_Parameter("name", value)


@pytest.mark.parametrize("value", [None, [], {}, object(), 2**63, -(2**63) - 1, 1j, bytearray(b"")])
def test_other_values(value: Any) -> None:
    with pytest.raises(TypeError, match="value must be"):
        tb.TRITONSERVER_Parameter("name", value)


def test_text_with_nul() -> None:
    with pytest.raises(tb.InvalidArgumentError, match="value must not contain a NUL"):
        tb.TRITONSERVER_Parameter("name", "a\0b")


def test_bytes_are_kept_alive_but_not_for_ever() -> None:
    data = bytes(range(256)) * 10
    before = sys.getrefcount(data)
    parameter = tb.TRITONSERVER_Parameter("file:x", data)
    assert sys.getrefcount(data) == before + 1
    del parameter
    assert sys.getrefcount(data) == before


@pytest.mark.parametrize(
    ("value", "accepted"),
    [("a", True), (1, False), (True, False), (0.5, False), (b"a", False)],
)
def test_only_text_is_a_label(value: Any, accepted: bool) -> None:
    family = tb.TRITONSERVER_MetricFamily(tb.TRITONSERVER_MetricKind.GAUGE, "parameter_types", "")
    labels = [tb.TRITONSERVER_Parameter("label", value)]
    if accepted:
        tb.TRITONSERVER_Metric(family, labels)
    else:
        with pytest.raises(tb.InvalidArgumentError):
            tb.TRITONSERVER_Metric(family, labels)
