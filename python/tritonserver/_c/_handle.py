"""Objects that belong to their process."""

from typing import ClassVar, NoReturn, SupportsIndex


class Handle:
    """Base of what has a part of Triton behind it, which no pickle can take along."""

    __slots__ = ()

    #: What to do for another process.
    _instead: ClassVar[str]

    def __reduce_ex__(self, protocol: SupportsIndex, /) -> NoReturn:
        refuse(self, self._instead)


def refuse(handle: object, instead: str = "send plain data, and make one of it there") -> NoReturn:
    """Raise the error for a handle that is to be pickled."""
    raise TypeError(
        f"a {type(handle).__name__} belongs to its process and cannot be pickled or copied; for "
        f"another process, {instead}"
    )
