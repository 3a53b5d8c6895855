"""What a model may be loaded with instead of the files of its repository."""

import os
from collections.abc import Mapping
from typing import Any

from tritonserver._api._model_config import config_json
from tritonserver._c.triton_bindings import InvalidArgumentError, TRITONSERVER_Parameter

#: A model configuration: a dict, or JSON or protobuf text.
ModelConfig = str | Mapping[str, Any]

#: A value of `Server.load`'s parameters.
LoadParameter = str | int | bool | float | bytes | bytearray | memoryview | Mapping[str, Any]


def load_parameters(
    parameters: Mapping[str, LoadParameter] | None,
    config: ModelConfig | None,
    files: Mapping[str, bytes | os.PathLike[str]] | None,
) -> list[TRITONSERVER_Parameter]:
    """Return the native parameters, which keep the content of the files alive.

    Raises
    ------
    InvalidArgumentError
        Something is given twice, or the configuration is not well-formed.
    TypeError
        A value has a type that the core knows no parameter of.
    """
    for path, content in (files or {}).items():
        if not isinstance(content, bytes | bytearray | memoryview | os.PathLike):
            raise TypeError(
                f"files[{path!r}]: {content!r} is of type {type(content).__name__}; it must be "
                "bytes, or a pathlib.Path to read them from"
            )
    values: dict[str, Any] = dict(parameters or {})
    added: dict[str, Any] = {f"file:{path}": content for path, content in (files or {}).items()}
    if config is not None:
        added["config"] = config
    for name, value in added.items():
        if name in values:
            raise InvalidArgumentError(f"{name}: given as a parameter as well; give it once")
        values[name] = value
    return [
        TRITONSERVER_Parameter(name, _native_value(name, value)) for name, value in values.items()
    ]


def _native_value(name: str, value: Any) -> Any:
    if name == "config":
        return config_json(value)
    if isinstance(value, os.PathLike):
        with open(value, "rb") as file:
            return file.read()
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return value
