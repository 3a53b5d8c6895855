"""Failures of a model, told with all that is behind them.

The backend passes on the outermost exception only, and the frames of importlib before the model's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import TracebackType

_OUR_FILES = os.path.dirname(os.path.abspath(__file__))


def in_full(error: Exception, models_have_own_numpy: bool) -> Exception:
    """Return an exception of the same name that tells the causes, too.

    Parameters
    ----------
    models_have_own_numpy : bool
        Whether models get another NumPy than the embedding program has.
    """
    chain = list(_chain(error))
    text = _text_of(error)
    for cause in chain[1:]:
        place = _place_of(cause.__traceback__)
        text += f"\ncaused by {type(cause).__name__}: {_text_of(cause)}" + (place and f" ({place})")
    if models_have_own_numpy:
        text = _numpy_problem(chain) + text
    told: Exception = type(type(error).__name__, (Exception,), {})(text)
    return told.with_traceback(_without_ours(error.__traceback__))


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _text_of(error: BaseException) -> str:
    line = error.text if isinstance(error, SyntaxError) else None
    return f"{error}: {line.strip()}" if line else str(error)


def _place_of(traceback: TracebackType | None) -> str:
    place = ""
    while traceback is not None:
        place = f"{traceback.tb_frame.f_code.co_filename}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """Begin where the model's code does."""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if not file.startswith((_OUR_FILES, "<frozen importlib")):
            break
        traceback = traceback.tb_next
    return traceback


def _numpy_problem(chain: list[BaseException]) -> str:
    """Say which package needs a later NumPy, if that is what the exceptions are about."""
    kinds = (ImportError, AttributeError, RuntimeError)
    if not any(isinstance(error, kinds) and "numpy" in str(error).lower() for error in chain):
        return ""
    package = next((name for error in chain for name in _packages(error.__traceback__)), None)
    if package is None:
        return ""
    numpy = sys.modules["numpy"].__version__
    return (
        f"{package!r} does not work with NumPy {numpy}, which models get in place of the program's "
        "because the Python backend's stub is built for NumPy 1; install a version of "
        f"{package!r} that works with NumPy 1\n"
    )


def _packages(traceback: TracebackType | None) -> Iterator[str]:
    """The installed packages in whose code it happened, the one that the model imports first."""
    while traceback is not None:
        parts = traceback.tb_frame.f_code.co_filename.split(os.sep)
        for directory in ("site-packages", "dist-packages"):
            if directory in parts and not traceback.tb_frame.f_code.co_filename.startswith(
                _OUR_FILES
            ):
                package = parts[parts.index(directory) + 1]
                if package != "numpy":
                    yield os.path.splitext(package)[0]
        traceback = traceback.tb_next
