"""How Triton reads the names of version directories, and which of them may surprise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tritonserver._api._model_config import parse_text
from tritonserver._c.triton_bindings import InvalidArgumentError

_LOOKS_LIKE_A_VERSION = re.compile(r"[vV]?\d")


def read_version(name: str) -> int | None:
    """Return the version that a directory counts as, the number its name begins with, or None.

    Names that begin with 0 are skipped, but for 0 itself, and so are those without a number.
    """
    number = re.match(r"-?\d+", name)
    if number is None or (name.startswith("0") and name != "0"):
        return None
    return int(number[0])


def explain_no_version(model: Path) -> str:
    """Return why none of the version directories of a model counts; empty if there are none."""
    names = sorted(_directories(model))
    versions = [name for name in names if read_version(name) is not None]
    if versions:
        return (
            f" There are {', '.join(versions)}, of which the version_policy takes none: "
            "`latest` needs num_versions, and `specific` versions that are there."
        )
    if not names:
        return ""
    ignored = ", ".join(f"{name!r} ({_why_ignored(name)})" for name in names)
    return f" Ignored: {ignored}; the name of a version directory is a number, such as '1'."


def surprises(model: Path) -> Iterator[str]:
    """Say which directories of a model count as no version, or not as the one they are called."""
    versions = set()
    for name in _directories(model):
        version = read_version(name)
        if version is not None:
            versions.add(version)
        if version is None and _LOOKS_LIKE_A_VERSION.match(name):
            yield f"the directory {name!r} is no version of it: {_why_ignored(name)}"
        elif version is not None and str(version) != name:
            yield f"the directory {name!r} counts as its version {version}"
    missing = [version for version in _specific_versions(model) if version not in versions]
    if missing and versions:
        yield (
            f"its version_policy names {', '.join(map(str, missing))}, of which there is no "
            "directory; they are left out"
        )


def _why_ignored(name: str) -> str:
    return "begins with 0" if name.startswith("0") else "is no number"


def _specific_versions(model: Path) -> list[int]:
    try:
        text = (model / "config.pbtxt").read_text(encoding="utf-8")
        policy = parse_text(text).get("version_policy", {}) if "specific" in text else {}
        return [int(version) for version in policy.get("specific", {}).get("versions", ())]
    except (OSError, ValueError, AttributeError, InvalidArgumentError):
        return []  # The core says what is wrong with it.


def _directories(path: Path) -> Iterator[str]:
    if not path.is_dir():
        return
    for entry in path.iterdir():
        if not entry.name.startswith(".") and entry.is_dir():
            yield entry.name
