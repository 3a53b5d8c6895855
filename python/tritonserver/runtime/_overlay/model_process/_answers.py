"""An answer for each request of a model.

A request that gets none would be waited for without end: the backend expects that its response
sender, which the model has not taken, answers later.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any


def see_to_answers(
    model_class: Any, name: str, told_in_full: Callable[[Exception], Exception]
) -> None:
    """Have `execute` of a model that is not decoupled fail requests that it leaves without answer.

    Parameters
    ----------
    told_in_full : callable
        Turns what `execute` raises into what the backend is told.
    """
    pb_utils: Any = importlib.import_module("triton_python_backend_utils")
    execute = getattr(model_class, "execute", None)
    if execute is None:
        return
    take_sender = pb_utils.InferenceRequest.get_response_sender
    taken: set[int] = set()  # requests of the running execution

    def get_response_sender(request: Any) -> Any:
        taken.add(id(request))
        return take_sender(request)

    def answered(responses: Any, requests: list[Any]) -> Any:
        given = [None] * len(requests) if responses is None else responses
        if not isinstance(given, (list, tuple)) or len(given) != len(requests):
            return responses  # The stub says what is wrong.
        if all(response is not None for response in given):
            return responses
        return [
            _no_answer(pb_utils, name)
            if response is None and id(requests[i]) not in taken
            else response
            for i, response in enumerate(given)
        ]

    async def answered_later(responses: Any, requests: list[Any]) -> Any:
        return answered(await responses, requests)

    def execute_(model: Any, requests: list[Any]) -> Any:
        taken.clear()
        try:
            responses = execute(model, requests)
        except Exception as error:
            raise told_in_full(error) from None
        if inspect.iscoroutine(responses):
            return answered_later(responses, requests)
        return answered(responses, requests)

    pb_utils.InferenceRequest.get_response_sender = get_response_sender
    model_class.execute = execute_


def _no_answer(pb_utils: Any, name: str) -> Any:
    return pb_utils.InferenceResponse(
        error=pb_utils.TritonError(
            f"execute() of model {name!r} returned None for a request whose response sender it has "
            "not taken; return a list with an InferenceResponse for each request"
        )
    )
