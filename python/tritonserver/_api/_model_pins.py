"""Keeps models from being destroyed too early.

The core crashes when it destroys a model whose thread is still at the end of an execution, or of
the load: right after a load, and when the last thing that kept a model was a request. So whatever
makes models go pins them first, and lets go when they have been idle for a moment.
"""

import contextlib
import json
import time

from tritonserver._api._blocking import run_later
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import (
    TritonError,
    TRITONSERVER_ModelIndexFlag,
    TRITONSERVER_Server,
    _ModelPin,
)

# Long for the rest of an execution, short for whoever waits for a stop.
IDLE_SECONDS = 0.05

# A model that is replaced while requests go on is not held for longer; it is the new one's then.
_LONGEST_SECONDS = 5


class ModelPins:
    """Pins on the models of a server that are ready.

    Parameters
    ----------
    server
        The server.
    name
        The only model to pin; None for all.
    """

    def __init__(self, server: TRITONSERVER_Server, name: str | None = None) -> None:
        self._server = server
        self._pins: dict[str, list[_ModelPin]] = {}
        with contextlib.suppress(TritonError):
            index = server.model_index(int(TRITONSERVER_ModelIndexFlag.READY))
            for entry in json.loads(index.serialize_to_json()):
                if name not in (None, entry["name"]):
                    continue
                # It may have gone meanwhile, and a name in two repositories has no version.
                with contextlib.suppress(TritonError, KeyError):
                    pin = _ModelPin(server, entry["name"], int(entry["version"]))
                    self._pins.setdefault(entry["name"], []).append(pin)
        self._idle_since = {name: time.monotonic() for name in self._pins}

    def drop_idle(self) -> None:
        """Let go of the models that have had no request for a moment."""
        now = time.monotonic()
        for name in _inference.in_flight(self._server):
            self._idle_since[name] = now
        for name in list(self._pins):
            if now - self._idle_since[name] >= IDLE_SECONDS:
                del self._pins[name]

    def drop_all(self) -> None:
        """Let go of each model as soon as it is idle, and of all after some seconds."""
        end = time.monotonic() + _LONGEST_SECONDS
        while self._pins and time.monotonic() < end:
            time.sleep(IDLE_SECONDS)
            self.drop_idle()
        self._pins.clear()

    def drop_all_later(self) -> None:
        """Do the same in the background."""
        if self._pins:
            run_later(self.drop_all, "unpin")
