"""What `install` may fetch, by hash. The only place that knows these files."""

from __future__ import annotations

from typing import NamedTuple


class WheelPin(NamedTuple):
    triton: str
    sha256: str


DISTRIBUTION = "nvidia-pytriton"
DEFAULT_VERSION = "0.7.0"

# Version of the wheel: version of the Triton core in it, hash of its x86-64 file.
WHEELS = {
    "0.5.0": WheelPin("2.41.0", "f46a3c03fb0893948f57c1d5470998a6f403f2c8036d7af944c817a8fba31a46"),
    "0.5.1": WheelPin("2.42.0", "e02a98893f3c2503f542fa8273c3a63762e59b82858b5254738fc51a4f95a430"),
    "0.5.2": WheelPin("2.42.0", "810531f752f7bdc4308b8821056ce2d5a456e6cb62966f2e07f65cff0053e42a"),
    "0.5.3": WheelPin("2.43.0", "2530bbd0ce56b86cb59efa64493d62f3a0f4f203d1b94179759a55955fd5b5c8"),
    "0.5.4": WheelPin("2.44.0", "584ea644afd7e0ec88bc500894c731bf024f44e1b1e6ec9f1e1558d3f46bc0c0"),
    "0.5.5": WheelPin("2.44.0", "986ee75b8fb67bba9e3b0058bd5ff3981b17be3b88e178b0b60971d89ba42a63"),
    "0.5.6": WheelPin("2.44.0", "6403e65c2bbab0ab2fe2b737ad612e2b88f3edf20d41aadd1d544ffb309a701c"),
    "0.5.7": WheelPin("2.45.0", "c0ad9e355fcd9e1ccf70e8c21db3e4f765bbc41d7be448b88b53526b4a639a16"),
    "0.5.8": WheelPin("2.46.0", "cd3cdfb704db3a01f857adc97fea77d5413c9f9e89f9b7add91c9d16a0bec7f8"),
    "0.5.9": WheelPin("2.47.0", "3c51133d428dc0b8eebe69c40c5de1d702d98f05ffb04b591d13e227bdb0f0a5"),
    "0.5.10": WheelPin(
        "2.48.0", "0c08d905d25ad71e887864625ec9e2692e6cb4a746c32c93e332e5c8476bc669"
    ),
    "0.5.11": WheelPin(
        "2.49.0", "4f3e20b0e10e1f3dc9190a15be51fe308b796c11d1f018cb34b9915ca2cb54c9"
    ),
    "0.5.12": WheelPin(
        "2.50.0", "a44e099c6c4a77bdef94632591077f8217f6996571daeab77430c0aa5dca515c"
    ),
    "0.5.13": WheelPin(
        "2.51.0", "f10e7d876c9de94ff5dd653b968b2c12b4ddec87d8d40d6ced1dc1b4646fe2d1"
    ),
    "0.5.14": WheelPin(
        "2.51.0", "58b21657856ecc6c971c74beccfa638662799084c15a52518e8e3143168ae136"
    ),
    "0.6.0": WheelPin("2.51.0", "d102ce46237bbdf094fbcc7a0f02db3bc9dd4a9f683cc2fd746d6c9b9858bdf5"),
    "0.7.0": WheelPin("2.51.0", "21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df"),
}

# The last NumPy that the stub can read, for model processes of programs that use a later one.
# There is none for Python 3.13 and later.
NUMPY_VERSION = "1.26.4"
NUMPY = {
    "3.10": "ffa75af20b44f8dba823498024771d5ac50620e6915abac414251bd971b4529f",
    "3.11": "666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5",
    "3.12": "675d61ffbfa78604709862923189bad94014bef562cc35cf61d3a07bba02a7ed",
}
