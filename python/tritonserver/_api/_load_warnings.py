"""What a load does that its model's author would not expect, though it succeeds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from tritonserver._api._model import Model
from tritonserver._api._version_directories import surprises
from tritonserver._c.triton_bindings import TritonError


def warn_after_load(
    repositories: Iterable[str], names: Collection[str] | None, model: Callable[[str], Model]
) -> None:
    """Warn of version directories that do not count, and of models without inputs and outputs.

    Parameters
    ----------
    repositories
        Where the models are; remote ones are left out.
    names
        The models that were loaded; None for all.
    model
        Returns the handle for a name.
    """
    for repository in map(Path, repositories):
        if not repository.is_dir():
            continue
        for directory in repository.iterdir():
            if names is not None and directory.name not in names:
                continue
            for text in (*surprises(directory), *_no_tensors(directory, model)):
                warnings.warn(f"model {directory.name!r}: {text}", RuntimeWarning, stacklevel=4)


def _no_tensors(directory: Path, model: Callable[[str], Model]) -> Iterator[str]:
    if (directory / "config.pbtxt").exists() or not any(directory.glob("*/model.py")):
        return
    try:
        config = model(directory.name).config()
    except TritonError:  # it is not ready
        return
    if not config["input"] and not config["output"]:
        yield (
            "it has no inputs and outputs, so it cannot be asked anything; declare them in its "
            "config.pbtxt or in auto_complete_config of its model.py"
        )
