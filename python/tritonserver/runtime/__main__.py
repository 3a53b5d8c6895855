"""Command line of the embedded runtime: ``python -m tritonserver.runtime install|info|clean``."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

from . import _directories, _embedded, _fetch, _leftovers, _numpy, _pins
from ._home import Home
from ._locate import find


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tritonserver.runtime", description=__doc__)
    commands = parser.add_subparsers(required=True)

    install = commands.add_parser("install", help="fetch a Triton core for this user")
    install.add_argument(
        "--version",
        default=_pins.DEFAULT_VERSION,
        choices=_pins.WHEELS,
        metavar="VERSION",
        help=f"of the wheel {_pins.DISTRIBUTION}: " + ", ".join(_pins.WHEELS),
    )
    install.set_defaults(run=_install)

    info = commands.add_parser("info", help="show which Triton is used, and what hinders")
    info.add_argument("--json", action="store_true", help="for programs")
    info.set_defaults(run=_info)

    clean = commands.add_parser("clean", help="remove prepared homes and leftovers")
    clean.add_argument("--all", action="store_true", help="fetched files, too")
    clean.set_defaults(run=_clean)

    arguments = parser.parse_args()
    status: int = arguments.run(arguments)
    return status


def _install(arguments: argparse.Namespace) -> int:
    pin = _pins.WHEELS[arguments.version]
    print(f"Triton {pin.triton} from {_pins.DISTRIBUTION} {arguments.version} ...", flush=True)
    try:
        print(f"  {_fetch.fetch_core(arguments.version)}")
        numpy = _fetch.fetch_numpy_for_models()
    except _fetch.FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if numpy is not None:
        print(f"  NumPy {_pins.NUMPY_VERSION} for models: {numpy}")
    return 0


def _info(arguments: argparse.Namespace) -> int:
    try:
        facts = _facts(find())
    except (LookupError, OSError) as error:
        facts = {"problem": str(error)}
    if arguments.json:
        print(json.dumps(facts, indent=2))
    else:
        for name, value in facts.items():
            print(f"{name:<18}{', '.join(value) if isinstance(value, list) else value}")
    return 1 if "library" not in facts else 0


def _facts(home: Home) -> dict[str, str | list[str] | None]:
    facts: dict[str, str | list[str] | None] = {
        "kind": home.kind,
        "triton": home.version or "unknown until it is opened",
        "library": str(home.library),
        "backends": _names_in(home.backends),
        "caches": _names_in(home.caches),
    }
    if isinstance(home, _embedded.EmbeddedHome):
        interpreter = home.interpreter
        numpy = _numpy.for_models(interpreter.version)
        facts |= {
            "home": str(home.root),
            "wheel": f"{_pins.DISTRIBUTION} {home.wheel.version} in {home.wheel.root}",
            "python": f"{interpreter.full_version} ({interpreter.executable})",
            "libpython": interpreter.libpython or "left to the dynamic loader",
            "numpy": f"{numpy.version} ({numpy.directory})" if numpy else "none for models",
        }
    facts["problem"] = home.python_models_problem() or "none"
    return facts


def _names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("*") if path.is_dir())


def _clean(arguments: argparse.Namespace) -> int:
    removed = [_embedded.homes(), _directories.cache() / "links"]
    if arguments.all:
        removed.append(_directories.data())
    for directory in removed:
        if directory.exists():
            # Out of the way first, so that no process takes half of it for whole.
            doomed = directory.with_name(f"removing-{directory.name}-{os.getpid()}")
            directory.rename(doomed)
            shutil.rmtree(doomed)
            print(f"removed {directory}")
    swept = _leftovers.sweep()
    if swept:
        print(f"removed {len(swept)} leftovers of processes that were killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
