"""The version of nvidia-pytriton on PyPI whose wheel carries the Triton core of a release.

Of several with the same core, the last. Their hashes are in python/tritonserver/runtime/_pins.py.
"""

NEWEST = "24.10"

TRITON_WHEELS = {
    "23.12": "0.5.0",
    "24.01": "0.5.2",
    "24.02": "0.5.3",
    "24.03": "0.5.6",
    "24.04": "0.5.7",
    "24.05": "0.5.8",
    "24.06": "0.5.9",
    "24.07": "0.5.10",
    "24.08": "0.5.11",
    "24.09": "0.5.12",
    "24.10": "0.7.0",
}
