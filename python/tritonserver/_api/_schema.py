"""Checks and decodes option values by the annotations of the dataclass they belong to."""

import collections.abc
import dataclasses
import operator
import os
import types
import typing
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from tritonserver._c.triton_bindings import InvalidArgumentError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

#: An integer that must not be negative.
Count = Annotated[int, "0 or more"]

#: What is accepted wherever a path is.
Path = str | os.PathLike[str]


def check(annotation: Any, name: str, value: Any) -> Any:
    """Return `value` as native setters take it: paths are `str`, numbers plain `int` or `float`.

    Raises
    ------
    TypeError
        `value` is not of the annotated type. The text says which option, and what it must be.
    InvalidArgumentError
        It is of that type, but negative or a text with an embedded NUL.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return value
    if origin is types.UnionType or origin is typing.Union:
        return _check_union(arguments, name, value)
    if origin in (list, collections.abc.Sequence):
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise _type_error(
                name, value, "a list" if origin is list else "a path or a list of them"
            )
        return [check(arguments[0], f"{name}[{i}]", item) for i, item in enumerate(value)]
    if origin is dict:
        _expect(isinstance(value, Mapping), name, value, "a dict")
        return {
            check(arguments[0], f"key of {name}", key): check(
                arguments[1], f"{name}[{key!r}]", item
            )
            for key, item in value.items()
        }
    if origin is collections.abc.Callable:
        return _expect(callable(value), name, value, "callable")
    if annotation == Count:
        number: int = check(int, name, value)
        if number < 0:
            raise InvalidArgumentError(f"{name}: {value!r} is negative; it must be 0 or more")
        return number
    return _check_scalar(annotation, name, value)


def decode(annotation: Any, name: str, value: Any) -> Any:
    """Turn `value`, which comes from JSON, TOML or the environment, into that of an option.

    Enumeration members are given by name, records as mappings, integer keys as text.
    """
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list and isinstance(value, list):
        return [decode(arguments[0], f"{name}[{i}]", item) for i, item in enumerate(value)]
    if origin is dict and isinstance(value, Mapping):
        return {
            (int(key) if arguments[0] is int else key): decode(arguments[1], name, item)
            for key, item in value.items()
        }
    if (
        isinstance(annotation, type)
        and dataclasses.is_dataclass(annotation)
        and isinstance(value, Mapping)
    ):
        return decode_record(annotation, name, value)
    members = getattr(annotation, "__members__", None)
    if members is not None and isinstance(value, str):
        if value.upper() not in members:
            raise InvalidArgumentError(f"{name}: {value!r} is none of {', '.join(members)}")
        return members[value.upper()]
    return value


def decode_record(cls: type[Record], name: str, values: Mapping[str, Any]) -> Record:
    """Make a `cls`, which is a dataclass, from plain data; errors start with `name`."""
    annotations = {field.name: field.type for field in dataclasses.fields(cls)}
    for key in values:
        if key not in annotations:
            raise InvalidArgumentError(f"{name}: {unknown('option', key, annotations)}")
    try:
        return cls(**{key: decode(annotations[key], key, item) for key, item in values.items()})
    except TypeError as error:
        raise InvalidArgumentError(f"{name}: {error}") from None


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that `name` is not among the `known` ones, and which of them may have been meant."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"unknown {kind} {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _check_union(choices: tuple[Any, ...], name: str, value: Any) -> Any:
    if value is None and types.NoneType in choices:
        return None
    if isinstance(value, str | os.PathLike) and str in choices:
        return _check_scalar(str, name, os.fspath(value))
    for choice in choices:
        if typing.get_origin(choice) in (collections.abc.Callable, collections.abc.Sequence):
            return check(choice, name, value)
    raise _type_error(name, value, "a str or pathlib.Path")


def _check_scalar(annotation: Any, name: str, value: Any) -> Any:
    if annotation is str:
        _expect(isinstance(value, str), name, value, "a str")
        if "\0" in value:
            raise InvalidArgumentError(f"{name}: {value!r} has an embedded NUL character")
        return value
    if annotation is bool:
        # Numbers, NumPy booleans and None have always been accepted here.
        return bool(_expect(hasattr(type(value), "__bool__"), name, value, "a bool"))
    if annotation is int:
        return operator.index(_expect(hasattr(type(value), "__index__"), name, value, "an int"))
    if annotation is float:
        numeric = hasattr(type(value), "__float__") or hasattr(type(value), "__index__")
        return float(_expect(numeric, name, value, "a float"))
    if not isinstance(value, annotation):
        members = ", ".join(getattr(annotation, "__members__", ()))
        expected = annotation.__name__.removeprefix("TRITONSERVER_")
        raise _type_error(name, value, f"a {expected}" + (f" ({members})" if members else ""))
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            check(field.type, f"{name}.{field.name}", getattr(value, field.name))
    return value


def _expect(fulfilled: bool, name: str, value: Any, expected: str) -> Any:
    if not fulfilled:
        raise _type_error(name, value, expected)
    return value


def _type_error(name: str, value: Any, expected: str) -> TypeError:
    return TypeError(f"{name}: {value!r} is of type {type(value).__name__}; it must be {expected}")
