"""The response cache, of which the core has one for the process."""

import weakref

from tritonserver._api._options import Options
from tritonserver._c.triton_bindings import (
    AlreadyExistsError,
    TRITONSERVER_Server,
    TRITONSERVER_ServerOptions,
)

# The server with a cache that was started last, under its id.
_owner: tuple["weakref.ref[TRITONSERVER_Server]", str] | None = None


def new_server(native_options: TRITONSERVER_ServerOptions, options: Options) -> TRITONSERVER_Server:
    """Start a server. If it has a cache, it gets that of a stopped server which is still kept.

    Raises
    ------
    AlreadyExistsError
        Another server has the cache; the text names it.
    TritonError
        As `TRITONSERVER_Server` raises it.
    """
    global _owner
    if options.cache_config:
        _free_cache()
    server = TRITONSERVER_Server(native_options)
    if options.cache_config:
        _owner = weakref.ref(server), options.server_id
    return server


def _free_cache() -> None:
    if _owner is None:
        return
    server, server_id = _owner[0](), _owner[1]
    # A stopped one may still be there, for responses that the program keeps refer to it.
    if server is not None and not server._delete_stopped():
        raise AlreadyExistsError(
            f"cache_config: server {server_id!r} has the response cache, of which there is one in "
            "a process; stop that server first, or leave cache_config out"
        )
