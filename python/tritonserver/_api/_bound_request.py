"""Requests that are prepared once and run many times."""

from __future__ import annotations

from collections.abc import Mapping

import tritonserver
from tritonserver._api._dlpack import DLPackObject
from tritonserver._api._memorybuffer import MemoryBuffer
from tritonserver._api._one_response import only_outputs_async
from tritonserver._api._request import InferenceArguments
from tritonserver._api._response import AsyncResponseIterator, ResponseIterator
from tritonserver._api._tensor import Tensor
from tritonserver._c import _inference
from tritonserver._c._handle import Handle


class BoundRequest(_inference.BoundRequestBase, Handle):
    """A request whose inputs, options and, if wanted, output buffers are fixed. `Model.bind` makes
    it.

    Write the next data into the arrays given as inputs, and run it again. Each run is an inference
    of its own; without output buffers, several may be in flight.
    """

    _instead = "send the inputs, and bind them to a model there"

    def __init__(
        self,
        model: tritonserver.Model,
        outputs: Mapping[str, Tensor | MemoryBuffer | DLPackObject] | None,
        arguments: InferenceArguments,
    ) -> None:
        self._prepare(model, arguments, dict(outputs or {}))

    async def run_async(self) -> dict[str, Tensor]:
        """Like `run`, for coroutines. Cancelling the task cancels the inference."""
        return await only_outputs_async(self.async_infer())

    def infer(self, raise_on_error: bool = True) -> ResponseIterator:
        """Send the request and return an iterator over its responses, as `Model.infer` does."""
        return self._send(ResponseIterator, raise_on_error)

    def async_infer(self, raise_on_error: bool = True) -> AsyncResponseIterator:
        """Send the request and return an asynchronous iterator over its responses."""
        return self._send(AsyncResponseIterator, raise_on_error)
