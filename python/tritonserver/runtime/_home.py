"""A place that holds everything a Triton server needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Home:
    """Where a Triton core and its parts are.

    Parameters
    ----------
    kind : {"library", "installation", "embedded"}
        Named explicitly; found as an installation; prepared from the PyPI wheel.
    library : Path
        What to open: the core, or for an embedded one the shim that opens it.
    backends, caches, repository_agents : Path
        Directories with one directory per backend, cache or agent.
    version : str or None
        Version of Triton, as in ``"2.51.0"``, where a file tells it without opening the core.
    """

    kind: Literal["library", "installation", "embedded"]
    library: Path
    backends: Path
    caches: Path
    repository_agents: Path
    version: str | None

    def activate(self) -> Path:
        """Get ready for Python models to be started; return the backends directory.

        To be called before every native call that may start model processes: start of a server,
        load, poll. An embedded home makes sure that its files are still there, tells model
        processes about the present ``sys.path`` and, the first time, deletes shared memory that
        killed processes left behind. Other homes need nothing.

        Raises
        ------
        OSError
            The files of an embedded home are gone and cannot be written again.
        """
        return self.backends

    def backend_settings(self) -> dict[str, dict[str, str]]:
        """Return settings, by backend, that suit this home where the user has not set others."""
        return {}

    def python_models_problem(self) -> str | None:
        """Return why Python models cannot run, with the remedy, or None if they can."""
        return None
