"""Callbacks for Triton's log, as far as every program needs them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tritonserver._api._log_sinks import LogCallback


def install_log_callback(callback: "LogCallback | None") -> Callable[[], None]:
    """Do for the C binding what a new server wants; only then is importing that worth its time."""
    from tritonserver._api import _log_route

    return _log_route.install(callback)
