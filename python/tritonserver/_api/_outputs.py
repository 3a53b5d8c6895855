"""Outputs by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tritonserver._c import _inference

if TYPE_CHECKING:
    from tritonserver._api._tensor import Tensor


class Outputs(dict[str, "Tensor"]):
    """A dict that says which outputs there are when one is looked up that is not."""

    __slots__ = ()

    def __missing__(self, name: object) -> NoReturn:
        from tritonserver._api._schema import unknown  # only needed here

        there = ", ".join(map(repr, self)) or "no outputs"
        what = unknown("output", name, self) if isinstance(name, str) else f"not {name!r}"
        raise KeyError(f"the response has {there}; {what}")


_inference.register(Outputs)
