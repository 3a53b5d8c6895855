"""The reference for BYTES tensors: the loop over `struct` that Triton's Python packages run."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from benchmarks.workers.inputs import short_strings
from benchmarks.workers.protocol import one_at_a_time, serve
from numpy.typing import NDArray


def main() -> None:
    strings = short_strings()
    serve({"bytes": one_at_a_time(lambda: decode(encode(strings)))})


def encode(strings: NDArray[np.object_]) -> bytes:
    parts = []
    elements: Iterable[Any] = np.nditer(strings, flags=["refs_ok"], order="C")
    for element in elements:
        value = element.item()
        string = value if isinstance(value, bytes) else str(value).encode()
        parts.append(struct.pack("<I", len(string)))
        parts.append(string)
    return b"".join(parts)


def decode(encoded: bytes) -> NDArray[np.object_]:
    strings = []
    position = 0
    while position < len(encoded):
        (length,) = struct.unpack_from("<I", encoded, position)
        position += 4
        (string,) = struct.unpack_from(f"<{length}s", encoded, position)
        position += length
        strings.append(string)
    return np.array(strings, dtype=np.object_)


if __name__ == "__main__":
    main()
