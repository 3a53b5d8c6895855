"""Copies of objects whose pickles are something else, or refused."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, TypeVar

if sys.version_info >= (3, 11):
    from typing import Self
elif TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")


def copy_attributes(original: T) -> T:
    """Return an object of the same class with the same attributes."""
    made = type(original).__new__(type(original))
    made.__dict__.update(original.__dict__)
    return made


class Copies:
    """Base of what `copy.copy` and `copy.deepcopy` copy attribute by attribute."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return copy_attributes(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = memo[id(self)] = type(self).__new__(type(self))
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made
