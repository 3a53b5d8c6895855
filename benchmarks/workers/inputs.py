"""What all workers send; floor.cc has the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Models of `tests/models/native`.
MODEL = "identity_fp32"
WIDE_MODEL = "identity_eight"
STREAM_MODEL = "repeat_int32"
MODELS = [MODEL, WIDE_MODEL, STREAM_MODEL]

Inputs = dict[str, NDArray[np.generic]]


def small() -> Inputs:
    """One tensor of 16 elements."""
    return {"INPUT0": np.ones(16, np.float32)}


def large() -> Inputs:
    """One tensor of 1 MiB."""
    return {"INPUT0": np.ones(1 << 18, np.float32)}


def wide() -> Inputs:
    """Eight tensors of 16 elements."""
    return {f"INPUT{i}": np.ones(16, np.float32) for i in range(8)}


def stream() -> Inputs:
    """A request that is answered with 1,000 responses."""
    return {
        "IN": np.ones(1000, np.int32),
        "DELAY": np.zeros(1000, np.uint32),
        "WAIT": np.zeros(1, np.uint32),
    }


def short_strings() -> NDArray[np.object_]:
    """100,000 strings of 6 to 11 bytes."""
    return np.array([b"text %d" % i for i in range(100_000)], dtype=np.object_)
