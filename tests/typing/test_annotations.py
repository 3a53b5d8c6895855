"""Programs can evaluate the annotations of the package."""

import inspect
import re
import sys
import typing
from collections.abc import Iterator
from types import ModuleType

import pytest

import tritonserver
import tritonserver.runtime
import tritonserver.testing

# Of a package that need not be installed, and of later versions of Python.
UNKNOWN = {"Tracer"} if sys.version_info >= (3, 11) else {"Tracer", "Self", "Unpack"}


def annotated(module: ModuleType) -> Iterator[object]:
    """The public classes and functions of a module, and the public methods of the classes."""
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isfunction(value):
            yield value
        elif inspect.isclass(value):
            yield value
            for member_name, member in vars(value).items():
                function = member.fget if isinstance(member, property) else inspect.unwrap(member)
                if inspect.isfunction(function) and not re.match("_(?!_)", member_name):
                    yield function


@pytest.mark.parametrize("module", [tritonserver, tritonserver.runtime, tritonserver.testing])
def test_annotations_can_be_evaluated(module: ModuleType) -> None:
    unknown = set()
    for each in annotated(module):
        try:
            typing.get_type_hints(each)
        except NameError as error:
            unknown.add(error.name)
    assert unknown <= UNKNOWN
