"""The reference for BYTES tensors: what a program writes that has only `struct`."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np
from benchmarks.workers.inputs import short_strings
from numpy.typing import NDArray
from benchmarks.workers.protocol import one_at_a_time, serve


def encode(strings: Iterable[bytes]) -> bytes:
    encoded = bytearray()
    for string in strings:
        encoded += struct.pack("<I", len(string))
        encoded += string
    return bytes(encoded)


def decode(encoded: bytes, count: int) -> NDArray[np.object_]:
    strings = np.empty(count, dtype=np.object_)
    position = 0
    for i in range(count):
        (length,) = struct.unpack_from("<I", encoded, position)
        position += 4
        strings[i] = encoded[position : position + length]
        position += length
    return strings


def main() -> None:
    strings = short_strings()
    serve({"bytes": one_at_a_time(lambda: decode(encode(strings), strings.size))})


if __name__ == "__main__":
    main()
