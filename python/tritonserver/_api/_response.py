"""Responses."""

from __future__ import annotations

from dataclasses import dataclass, field

import tritonserver
from tritonserver._api._iterators import AsyncResponseIterator, ResponseIterator
from tritonserver._c import _inference
from tritonserver._c.triton_bindings import TritonError

# Programs import the iterators from here.
__all__ = ["AsyncResponseIterator", "InferenceResponse", "ResponseIterator"]


@dataclass
class InferenceResponse(_inference.ResponseBase):
    """What a model answered.

    Nothing in it keeps the model or the server busy: responses may be kept as long as you like.

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


_inference.register(InferenceResponse)
