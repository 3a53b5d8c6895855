"""Nulls in the columns of other libraries.

On the way to a NumPy array a null becomes NaN or an object, as the library sees fit, so that it has
to be found before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
from numpy.typing import NDArray


def first_null(library: str, data: Any) -> list[int] | None:
    """Return the place of the first null of a column or a table, or None if there is none.

    Parameters
    ----------
    library
        From where the class of `data` is: "pandas", "polars" or "pyarrow".
    """
    columns, nulls = _LIBRARIES[library]
    is_table = len(getattr(data, "shape", ())) == 2
    found = [nulls(column) for column in (columns(data) if is_table else [data])]
    if not any(each.any() for each in found):
        return None
    places = numpy.stack(found, axis=1) if is_table else found[0]
    return [int(index) for index in numpy.unravel_index(places.argmax(), places.shape)]


def _pandas_nulls(column: Any) -> NDArray[numpy.bool_]:
    # In the data types of NumPy, which pandas has as well, NaN is a number.
    if isinstance(column.dtype, numpy.dtype):
        return numpy.zeros(len(column), bool)
    return numpy.asarray(column.isna())


def _polars_nulls(column: Any) -> NDArray[numpy.bool_]:
    nulls: NDArray[numpy.bool_] = column.is_null().to_numpy()
    for length in getattr(column.dtype, "shape", ()):  # of a column of arrays
        if nulls.any():
            break
        column = column.explode()
        nulls = column.is_null().to_numpy().reshape(*nulls.shape, length)
    return nulls


def _pyarrow_nulls(column: Any) -> NDArray[numpy.bool_]:
    return numpy.asarray(column.is_null())


# How to get the columns of a table, and where the nulls of a column are.
_LIBRARIES: dict[str, tuple[Callable[[Any], list[Any]], Callable[[Any], NDArray[numpy.bool_]]]] = {
    "pandas": (lambda table: [column for _, column in table.items()], _pandas_nulls),
    "polars": (lambda table: table.get_columns(), _polars_nulls),
    "pyarrow": (lambda table: table.columns, _pyarrow_nulls),
}
