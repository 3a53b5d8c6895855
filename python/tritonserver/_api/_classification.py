"""Outputs as classes: Triton's classification extension."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tritonserver._c import _inference
from tritonserver._c.triton_bindings import InvalidArgumentError


@dataclass(frozen=True)
class RequestedOutput:
    """An output to compute, and in which form it is wanted.

    Parameters
    ----------
    name
        Name of the output.
    class_count
        0 for the output as it is. Otherwise the output is answered as in Triton's classification
        extension: as a BYTES tensor, in host memory, with the highest `class_count` values of each
        item of a batch, the highest first, as text ``value:index`` or, where the model's
        ``label_filename`` has a label, ``value:index:label``. `Tensor.to_classes` reads it. A value
        is the shortest text that reads back as the same number, where the server program writes six
        decimals; NaN comes last, where that puts it first. A label is a line of the file, with its
        blanks, and without what Windows puts at the end of a line.

    Notes
    -----
    C API: TRITONSERVER_InferenceRequestAddRequestedOutput,
    TRITONSERVER_InferenceResponseOutputClassificationLabel
    """

    name: str
    class_count: int = 0


class Classification(NamedTuple):
    """One class that a model found.

    Parameters
    ----------
    value
        The model's output for the class, such as its probability.
    class_index
        Number of the class.
    label
        Name of the class; empty if the model has none for it.
    """

    value: float
    class_index: int
    label: str


def parse_classification(text: str) -> Classification:
    """Return the class that ``value:index`` or ``value:index:label`` describes.

    Raises
    ------
    InvalidArgumentError
        The text describes none.
    """
    value, _, rest = text.partition(":")
    index, _, label = rest.partition(":")
    try:
        return Classification(float(value), int(index), label)
    except ValueError:
        raise InvalidArgumentError(
            f"{text!r} is not 'value:index' or 'value:index:label'; request the output with "
            "RequestedOutput(name, class_count=...)"
        ) from None


_inference.register(RequestedOutput)
