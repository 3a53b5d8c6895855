"""The package as type checkers see it."""

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

EXTENSION_MODULES = ("tritonserver._c.triton_bindings", "tritonserver._c._inference")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # The checkers keep caches in the home directory and the working directory.
    return subprocess.run(
        [sys.executable, "-m", *arguments], check=False, capture_output=True, text=True
    )


def package_directory() -> str:
    (directory,) = importlib.util.find_spec("tritonserver").submodule_search_locations
    return directory


def test_mypy_strict() -> None:
    result = run("mypy", "--strict", "--cache-dir", os.devnull, package_directory())
    assert result.returncode == 0, result.stdout + result.stderr


def test_stubs_agree_with_the_modules() -> None:
    result = run("mypy.stubtest", *EXTENSION_MODULES)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_public_symbol_has_a_known_type() -> None:
    result = run(
        "basedpyright", "--verifytypes", "tritonserver", "--ignoreexternal", "--outputjson"
    )
    report: dict[str, Any] = json.loads(result.stdout)["typeCompleteness"]
    unknown = [
        f"{symbol['name']}: {diagnostic['message']}"
        for symbol in report["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"]
        for diagnostic in symbol["diagnostics"]
    ]
    assert not unknown, "\n".join(unknown)
    assert report["completenessScore"] == 1
    print(f"completeness {report['completenessScore']:.0%}")
