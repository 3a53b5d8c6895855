"""The models that a server knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

import tritonserver
from tritonserver._api._model import Model
from tritonserver._c._handle import Handle

T = TypeVar("T")

if TYPE_CHECKING:

    class _Pair(tuple[str, int]):
        # A type checker takes `name in models` for a mistake unless the two can be equal.
        def __eq__(self, other: object, /) -> bool: ...
        def __hash__(self) -> int: ...

else:
    _Pair = tuple[str, int]


class ModelDictionary(dict[_Pair, Model], Handle):
    """What `Server.models` returns: a snapshot that maps (name, version) to `Model`.

    A model that was never loaded has version -1. Looking up a name alone gives a new handle for the
    version that the model's policy chooses; `in` and `get` take names as well, while iteration,
    `len`, `keys` and `items` know pairs only.
    """

    _instead = "send what Server.index returns"

    def __init__(
        self, server: tritonserver.Server, models: Iterable[tuple[tuple[str, int], Model]]
    ) -> None:
        super().__init__(cast("Iterable[tuple[_Pair, Model]]", models))
        self._server = server
        self._names = {name for name, _ in self}

    def __copy__(self) -> ModelDictionary:
        return ModelDictionary(self._server, self.items())

    def __deepcopy__(self, _: object) -> ModelDictionary:
        return self.__copy__()

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and key in self._names)

    def __missing__(self, key: object) -> Model:
        if isinstance(key, str) and key in self._names:
            return Model(self._server, key)
        raise KeyError(f"Unknown Model: {key}")

    if TYPE_CHECKING:

        def __getitem__(self, key: tuple[str, int] | str, /) -> Model: ...

    @overload
    def get(self, key: tuple[str, int] | str, default: None = None, /) -> Model | None: ...
    @overload
    def get(self, key: tuple[str, int] | str, default: Model, /) -> Model: ...
    @overload
    def get(self, key: tuple[str, int] | str, default: T, /) -> Model | T: ...
    def get(self, key: Any, default: Any = None, /) -> Any:
        try:
            return self[key]
        except KeyError:
            return default
