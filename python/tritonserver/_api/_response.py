"""Responses."""

from __future__ import annotations

from copyreg import __newobj__  # type: ignore[attr-defined] # what pickle makes objects with
from dataclasses import dataclass, field
from typing import Any

import tritonserver
from tritonserver._api._copies import Copies
from tritonserver._api._iterators import AsyncResponseIterator, ResponseIterator
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import TritonError

# Programs import the iterators from here.
__all__ = ["AsyncResponseIterator", "InferenceResponse", "ResponseIterator"]


@dataclass
class InferenceResponse(_inference.ResponseBase, Copies):
    """What a model answered.

    Nothing in it keeps the model or the server busy: responses may be kept as long as you like.
    A pickle has everything but the server: the model keeps its name and version only.

    Parameters
    ----------
    model
        A handle for the model that answered, with its actual version.
    request_id
        That of the request; empty if it had none.
    parameters
        Free values from the model.
    outputs
        Name to tensor. Empty if there is an error, and in the closing response of a decoupled model
        that ends its stream without data. A model may also leave out an output: looking it up is a
        KeyError that lists what is there.
    error
        What went wrong. Its `args` are the message and this response.
    classification_label
        Always None.
    final
        Whether this is the last response of its request.
    """

    model: tritonserver.Model
    request_id: str | None = None
    parameters: dict[str, str | int | bool | float] = field(default_factory=dict)
    outputs: dict[str, tritonserver.Tensor] = field(default_factory=dict)
    error: TritonError | None = None
    classification_label: str | None = None
    final: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__getstate__()
        model = state.get("model")
        if isinstance(model, tritonserver.Model):
            from tritonserver._api._model import ModelElsewhere  # which knows this module

            state["model"] = ModelElsewhere(model.name, model.version)
        return __newobj__, (type(self),), state


_inference.register(InferenceResponse)
