"""Servers that stop although a reload has failed.

The core never takes the candidate that was to replace a model out of its list of live models, and
a server that stops waits for that list to be empty. Its log tells which models are really gone.
"""

import contextlib
import json
import re
import weakref
from collections import Counter
from collections.abc import Callable, Iterator

from tritonserver._api import _log_route
from tritonserver._c.triton_bindings import TritonError, TRITONSERVER_Server

_UNLOADED = re.compile(r"successfully unloaded '(?P<model>[^']*)' version (?P<version>-?\d+)")

_servers: "weakref.WeakSet[TRITONSERVER_Server]" = weakref.WeakSet()


def note(server: TRITONSERVER_Server) -> None:
    """Remember that a load of `server` has failed, which may have been a reload."""
    _servers.add(server)


@contextlib.contextmanager
def watch(server: TRITONSERVER_Server) -> Iterator[Callable[[], bool]]:
    """Return a context, to be entered before `server` stops, that gives a function.

    That tells whether nothing but candidates of failed reloads can be alive any more.
    """
    if server not in _servers:
        yield lambda: False
        return
    with _log_route.collecting() as log:
        loaded = Counter(_loaded_models(server))

        def only_leftovers_live() -> bool:
            matches = (_UNLOADED.fullmatch(record.message) for record in log())
            return loaded <= Counter(match.group(1, 2) for match in matches if match)

        yield only_leftovers_live


def _loaded_models(server: TRITONSERVER_Server) -> list[tuple[str, str]]:
    try:
        index = json.loads(server.model_index(0).serialize_to_json())
    except TritonError:  # it is not live, so it has none
        return []
    return [
        (entry["name"], entry["version"])
        for entry in index
        if entry.get("state", "UNAVAILABLE") != "UNAVAILABLE"
    ]
