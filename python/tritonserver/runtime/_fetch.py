"""Fetches the wheel with the core, and a NumPy for models where needed, for this user.

Without the wheel's dependencies: nothing of its Python code is used, and they would tie the
embedding program to NumPy 1.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from . import _numpy, _pins, _wheel

# What pip says, and what it means. The first that fits; pip reports a dead network as "no matching
# distribution" in the end, so that comes last.
_CAUSES = (
    ("No module named pip", "this interpreter has no pip; run `python -m ensurepip` first"),
    ("No space left on device", "no space left on the device"),
    ("DO NOT MATCH THE HASHES", "the file offered is not the one pinned by its SHA-256"),
    ("Retrying (", "the package registry cannot be reached"),
    ("No matching distribution", "the package registry has no such file for this machine"),
)


class FetchError(Exception):
    """A file could not be fetched; the message is one line with the cause."""


def fetch_core(version: str) -> Path:
    """Fetch the core of wheel ``version`` unless it is there; return its directory.

    Raises
    ------
    FetchError
    """
    pin = _pins.WHEELS.get(version)
    if pin is None:
        raise FetchError(f"version {version} is not known; one of {', '.join(_pins.WHEELS)} is")
    root = _wheel.fetched_root(version)
    _fetch(_pins.DISTRIBUTION, version, pin.sha256, root)
    return root


def fetch_numpy_for_models() -> Path | None:
    """Fetch a NumPy that models can use if this program has none and one exists.

    Returns
    -------
    Path or None
        Its directory; None if there was nothing to do.

    Raises
    ------
    FetchError
    """
    own = _numpy.on_path()
    python = "{}.{}".format(*sys.version_info)
    if python not in _pins.NUMPY or (own is not None and own.is_usable):
        return None
    root = _numpy.shadow_root(python)
    _fetch("numpy", _pins.NUMPY_VERSION, _pins.NUMPY[python], root)
    return root


def _fetch(name: str, version: str, sha256: str, root: Path) -> None:
    if root.is_dir():
        return
    if platform.machine() != "x86_64":
        raise FetchError(f"{name} is pinned for x86-64 only, and this is {platform.machine()}")
    try:
        root.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=root.parent) as scratch:
            unpacked = Path(scratch, "unpacked")
            _run_pip(f"{name}=={version} --hash=sha256:{sha256}", unpacked, Path(scratch))
            unpacked.rename(root)
    except OSError as error:
        if not root.is_dir():  # Else another process was faster.
            raise FetchError(f"cannot write {root}: {error.strerror}") from error


def _run_pip(requirement: str, target: Path, scratch: Path) -> None:
    requirements = scratch / "requirements.txt"
    requirements.write_text(requirement, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "install"),
        *("--target", str(target), "--requirement", str(requirements)),
        *("--no-deps", "--require-hashes", "--only-binary=:all:"),
        *("--no-compile", "--no-input", "--disable-pip-version-check"),
    ]
    # In a directory without modules to shadow pip's, and without settings that forbid --target.
    environment = os.environ | {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    pip = subprocess.run(
        command, cwd=scratch, env=environment, capture_output=True, text=True, check=False
    )
    if pip.returncode != 0:
        output = pip.stdout + pip.stderr
        causes = [cause for sign, cause in _CAUSES if sign in output]
        causes += [line for line in output.splitlines() if line.startswith("ERROR:")]
        name = requirement.partition(" ")[0]
        raise FetchError(f"{name}: {causes[0] if causes else f'pip ended with {pip.returncode}'}")
