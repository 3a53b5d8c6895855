"""Reading the responses of a request, waiting or awaiting."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import tritonserver
from tritonserver._c import _inference
from tritonserver._c._handle import Handle

if sys.version_info >= (3, 11):
    from typing import Self
elif TYPE_CHECKING:
    from typing_extensions import Self


_INSTEAD = "read it here, and send the responses"


class ResponseIterator(_inference.SyncResponses, Handle):
    """The responses of one request, in the order in which they arrive. `Model.infer` returns it.

    The last one has `final` set. A response that carries an error is raised, and iteration may go
    on afterwards, or it is returned, if the request was sent with ``raise_on_error=False``.

    Waiting lets other threads run, and ends with the exception of a signal handler (Ctrl-C).
    Several threads may iterate: each response goes to one of them.

    Whoever leaves before the end, with `close`, by leaving its ``with`` block, or by dropping the
    iterator after a first response, cancels the request. An iterator dropped before anything
    was read lets its request run to the end, and so does one with a ``response_queue``.
    """

    __slots__ = ("__weakref__",)

    _instead = _INSTEAD

    def next(self, timeout: float | None = None) -> tritonserver.InferenceResponse:
        """Return the next response, like the built-in ``next``, but do not wait for ever.

        Parameters
        ----------
        timeout
            Seconds; None for no limit.

        Raises
        ------
        StopIteration
            There are no more responses.
        TimeoutError
            None came in time. Nothing is lost: the next call gets it.
        """
        return self._next(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncResponseIterator(_inference.AsyncResponses, Handle):
    """The responses of one request for ``async for``. `Model.async_infer` returns it.

    It may be made anywhere, and awaited on any asyncio event loop. An await that is cancelled or
    times out, as in ``asyncio.wait_for(anext(responses), 1)``, loses nothing: the next one gets the
    response. Otherwise like `ResponseIterator`; cancelling the task that holds the only reference
    to the iterator cancels the request, too.
    """

    __slots__ = ("__weakref__",)

    _instead = _INSTEAD

    async def aclose(self) -> None:
        """Cancel what is still running and drop what was not read."""
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()


_inference.register(ResponseIterator)
_inference.register(AsyncResponseIterator)
