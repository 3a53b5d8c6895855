"""The NumPy that model processes import.

The Python backend's stub is built for NumPy 1. With NumPy 2 it reads the size of an element from
the wrong place and corrupts every tensor without an error, so it must never get one.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import NamedTuple

from . import _directories, _pins


class NumPy(NamedTuple):
    version: str
    directory: str

    @property
    def is_usable(self) -> bool:
        return int(self.version.partition(".")[0]) < 2


def on_path() -> NumPy | None:
    """Return what ``import numpy`` gives in this process, without importing it."""
    loaded = sys.modules.get("numpy")
    if loaded is not None and loaded.__file__:
        return NumPy(loaded.__version__, os.path.dirname(loaded.__file__))
    from importlib import metadata, util

    spec = util.find_spec("numpy")
    if spec is None or spec.origin is None:
        return None
    directory = os.path.dirname(spec.origin)
    try:
        text = Path(directory, "version.py").read_text(encoding="utf-8")
    except OSError:
        text = ""
    literal = re.search(r'^version = "(\d[^"]*)"', text, re.MULTILINE)
    return NumPy(literal[1] if literal else metadata.version("numpy"), directory)


def shadow_root(python: str) -> Path:
    """Return where `install` puts a NumPy for the models of programs that use a later one."""
    return _directories.data() / "numpy" / f"{_pins.NUMPY_VERSION}-python{python}"


def shadow(python: str) -> NumPy | None:
    directory = shadow_root(python) / "numpy"
    return NumPy(_pins.NUMPY_VERSION, str(directory)) if directory.is_dir() else None


def for_models(python: str) -> NumPy | None:
    """Return the NumPy that models get: that of this process where usable, else the fetched one."""
    own = on_path()
    return own if own is not None and own.is_usable else shadow(python)


def shadow_directories(python: str) -> list[str]:
    """Return what has to come first on the ``sys.path`` of model processes, if anything."""
    numpy = for_models(python)
    return [] if numpy is None or numpy == on_path() else [os.path.dirname(numpy.directory)]
