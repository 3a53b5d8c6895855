"""The outputs of models that answer a request once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tritonserver._api._outputs import Outputs
from tritonserver._c.triton_bindings import UnsupportedError

if TYPE_CHECKING:
    from tritonserver._api._response import AsyncResponseIterator
    from tritonserver._api._tensor import Tensor


async def only_outputs_async(responses: AsyncResponseIterator) -> dict[str, Tensor]:
    """Await the end of a stream, and return the outputs of its one response.

    If the task is cancelled, so is the request.

    Raises
    ------
    UnsupportedError
        There are several responses with outputs; the rest is cancelled.
    """
    async with responses:
        outputs: dict[str, Tensor] = Outputs()
        async for response in responses:
            if outputs and response.outputs:
                raise UnsupportedError(
                    f"model {response.model.name!r} answers a request more than once; use infer()"
                )
            outputs = outputs or response.outputs
        return outputs
