"""The search for a Triton core."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal

from . import _numpy, _pins, _wheel
from ._home import Home

_INSTALLATION = Path("/opt/tritonserver")

_latest: Home | None = None


def locate(library: str | os.PathLike[str] | None = None) -> Home:
    """Find a Triton core.

    Looks at, in this order: ``library`` or the environment variable ``TRITONSERVER_LIBRARY``;
    the environment variable ``TRITON_HOME``; ``/opt/tritonserver``; the PyPI wheel
    `nvidia-pytriton`, installed or unpacked in an entry of ``sys.path``; the wheel fetched by
    ``python -m tritonserver.runtime install``. From a wheel, a home is prepared in the cache
    directory of this user, once per interpreter (some 50 ms).

    Parameters
    ----------
    library : path, optional
        A ``libtritonserver.so``. What goes with it is expected around it as in an installation,
        else in ``/opt/tritonserver``.

    Raises
    ------
    tritonserver.NotFoundError
        There is none; the message lists every place looked at and how to get one. Or ``library``
        does not exist.
    OSError
        A home cannot be written.
    """
    global _latest
    try:
        _latest = find(library)
    except LookupError as error:
        # Not at the top: the command line works where the extension is not built.
        from tritonserver._c.triton_bindings import NotFoundError

        raise NotFoundError(str(error)) from None
    return _latest


def python_models_problem() -> str | None:
    """Return why Python models cannot run with the core located last, with the remedy, or None."""
    return _latest.python_models_problem() if _latest is not None else None


def backends() -> list[str]:
    """Return the names of the backends of the core located last."""
    directory = _latest.backends if _latest is not None else None
    if directory is None or not directory.is_dir():
        return []
    return sorted(path.name for path in directory.iterdir() if path.is_dir())


def find(library: str | os.PathLike[str] | None = None) -> Home:
    """Do what `locate` does, but raise LookupError if there is no core."""
    library = library or os.environ.get("TRITONSERVER_LIBRARY")
    if library:
        return _from_library(Path(library).absolute())
    looked_at = ["TRITONSERVER_LIBRARY: not set"]

    configured = os.environ.get("TRITON_HOME")
    if not configured:
        looked_at.append("TRITON_HOME: not set")
    for root in [Path(configured).absolute(), _INSTALLATION] if configured else [_INSTALLATION]:
        core = root / "lib" / "libtritonserver.so"
        if core.is_file():
            return _with_parts_in(root, "installation", core)
        looked_at.append(f"{core}: no such file")

    wheel = _wheel.installed() or _wheel.fetched()
    if wheel is not None:
        return _prepare(wheel)
    looked_at.append(f"{_pins.DISTRIBUTION}: not installed for {sys.executable}")
    looked_at.append(f"{_wheel.fetched_root(_pins.DEFAULT_VERSION)}: nothing fetched")
    raise LookupError(
        "no Triton core found. Looked at:\n"
        + "".join(f"  {place}\n" for place in looked_at)
        + f"To get one, run `python -m tritonserver.runtime install`{_extra()}; or set TRITON_HOME "
        "to a Triton installation."
    )


def _extra() -> str:
    """Return the other command, unless it would replace the user's NumPy by an older one."""
    numpy = _numpy.on_path()
    replaces_numpy = numpy is not None and not numpy.is_usable
    return "" if replaces_numpy else ' or `pip install "tritonserver[embedded]"`'


def _from_library(library: Path) -> Home:
    if not library.is_file():
        raise LookupError(f"{library}: no such file; name the libtritonserver.so of a Triton")
    if library.parent.name == "nvidia_pytriton.libs":  # It cannot be opened without a home.
        return _prepare(_wheel.unpacked(library.parent.parent))
    root = library.parent.parent
    return _with_parts_in(
        root if (root / "backends").is_dir() else _INSTALLATION, "library", library
    )


def _prepare(wheel: _wheel.Wheel) -> Home:
    from ._embedded import prepare  # Programs that use an installation do not wait for its imports.

    return prepare(wheel)


def _with_parts_in(root: Path, kind: Literal["library", "installation"], core: Path) -> Home:
    release = root / "TRITON_VERSION"
    return Home(
        kind=kind,
        library=core,
        backends=root / "backends",
        caches=root / "caches",
        repository_agents=root / "repoagents",
        version=release.read_text(encoding="utf-8").strip() if release.is_file() else None,
    )
