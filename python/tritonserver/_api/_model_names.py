"""Names that Python models must not have."""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from tritonserver._c.triton_bindings import InvalidArgumentError


def check_model_names(
    repositories: Iterable[str | os.PathLike[str]],
    names: Iterable[str] | None = None,
    mapping: Mapping[str, str] | None = None,
) -> None:
    """Refuse Python models that the core would wait for without end.

    The Python backend starts a model's process through a shell, with the model's name unquoted.

    Parameters
    ----------
    repositories
        Where to look; remote ones are left out.
    names
        The models that will be loaded; None for all.
    mapping
        Directory to the name that its model has instead.

    Raises
    ------
    InvalidArgumentError
        The name of a Python model has blanks or other characters that a shell does not leave alone.
    """
    for repository in map(Path, repositories):
        if not repository.is_dir():
            continue
        for directory in repository.iterdir():
            name = (mapping or {}).get(directory.name, directory.name)
            if shlex.quote(name) == name or (names is not None and name not in names):
                continue
            if any(directory.glob("*/model.py")):
                raise InvalidArgumentError(
                    f"model {name!r} in {repository}: the Python backend cannot run models with "
                    "such a name; use letters, digits, '_', '-' and '.' only"
                )
