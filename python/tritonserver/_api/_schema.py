"""Checks and decodes option values by the annotations of the dataclass they belong to."""

import collections.abc
import dataclasses
import json
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

#: Whatever JSON has.
Json = Annotated[Any, "JSON"]

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
    return check_all({name: annotation}, {name: value})[name]


def check_all(annotations: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Do the same for several; one that is of a wrong type is told before one that is invalid."""
    invalid: list[InvalidArgumentError] = []
    checked = {
        name: _check(annotation, name, values[name], invalid)
        for name, annotation in annotations.items()
    }
    if invalid:
        raise invalid[0]
    return checked


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


def _check(annotation: Any, name: str, value: Any, invalid: list[InvalidArgumentError]) -> Any:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation == Json:
        return _check_json(name, value, invalid)
    if origin is types.UnionType or origin is typing.Union:
        return _check_union(arguments, name, value, invalid)
    if origin in (list, collections.abc.Sequence):
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            raise _type_error(
                name, value, "a list" if origin is list else "a path or a list of them"
            )
        return [_check(arguments[0], f"{name}[{i}]", item, invalid) for i, item in enumerate(value)]
    if origin is dict:
        _expect(isinstance(value, Mapping), name, value, "a dict")
        return {
            _check(arguments[0], f"key of {name}", key, invalid): _check(
                arguments[1], f"{name}[{key!r}]", item, invalid
            )
            for key, item in value.items()
        }
    if origin is collections.abc.Callable:
        return _expect(callable(value), name, value, "callable")
    if annotation == Count:
        number: int = _check(int, name, value, invalid)
        if number < 0:
            invalid.append(
                InvalidArgumentError(f"{name}: {value!r} is negative; it must be 0 or more")
            )
        return number
    return _check_scalar(annotation, name, value, invalid)


def _check_json(name: str, value: Any, invalid: list[InvalidArgumentError]) -> Any:
    try:
        json.dumps(value)
    except TypeError:
        raise _type_error(name, value, "a value of JSON") from None
    except ValueError as error:
        invalid.append(InvalidArgumentError(f"{name}: {error}"))
    return value


def _check_union(
    choices: tuple[Any, ...], name: str, value: Any, invalid: list[InvalidArgumentError]
) -> Any:
    if value is None and types.NoneType in choices:
        return None
    if isinstance(value, str | os.PathLike) and str in choices:
        return _check_scalar(str, name, os.fspath(value), invalid)
    for choice in choices:
        if typing.get_origin(choice) in (collections.abc.Callable, collections.abc.Sequence):
            return _check(choice, name, value, invalid)
    raise _type_error(name, value, "a str or pathlib.Path")


def _check_scalar(
    annotation: Any, name: str, value: Any, invalid: list[InvalidArgumentError]
) -> Any:
    if annotation is str:
        _expect(isinstance(value, str), name, value, "a str")
        if "\0" in value:
            invalid.append(InvalidArgumentError(f"{name}: {value!r} has an embedded NUL character"))
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
            _check(field.type, f"{name}.{field.name}", getattr(value, field.name), invalid)
    return value


def _expect(fulfilled: bool, name: str, value: Any, expected: str) -> Any:
    if not fulfilled:
        raise _type_error(name, value, expected)
    return value


def _type_error(name: str, value: Any, expected: str) -> TypeError:
    return TypeError(f"{name}: {value!r} is of type {type(value).__name__}; it must be {expected}")
