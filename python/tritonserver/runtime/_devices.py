"""Devices of this machine."""

from __future__ import annotations

import os

_DRIVER_DEVICES = ("/dev/nvidiactl", "/dev/dxg")  # Linux; Linux inside Windows.


def gpu_present() -> bool:
    """Return whether a driver for NVIDIA GPUs is there.

    Without one, pinned memory and GPU metrics can only fail, and Triton says so at every start.
    """
    return any(os.path.exists(device) for device in _DRIVER_DEVICES)
