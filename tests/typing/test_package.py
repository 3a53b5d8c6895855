"""The package and its stubs as type checkers see them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tritonserver
from tritonserver._c import triton_bindings

PACKAGE = Path(tritonserver.__file__).parent
EXTENSION_MODULES = ("tritonserver._c.triton_bindings", "tritonserver._c._inference")

# What stubtest finds and no stub could say: the metaclass of pybind11's classes, what pybind11
# keeps in enumerations, and the buffer protocol, which classes show from Python 3.12 on only.
NOT_FOR_STUBS = re.compile(
    r"(is inconsistent, metaclass differs"
    r"|\.__pybind11_native_enum__ is not present in stub"
    r"|\.__buffer__ is not present at runtime"
    r"|\.__release_buffer__ is not present in stub)$"
)


def test_mypy_strict(run_module: Callable[..., Any], oldest_python: str) -> None:
    version = f"--python-version={oldest_python}"
    result = run_module("mypy", "--strict", version, "--config-file=", PACKAGE)
    assert result.returncode == 0, result.stdout + result.stderr


def test_stubs_agree_with_the_modules(run_module: Callable[..., Any]) -> None:
    result = run_module("mypy.stubtest", "--concise", "--ignore-disjoint-bases", *EXTENSION_MODULES)
    lines = result.stdout.splitlines()
    # It has looked at all: each class has the metaclass.
    assert sum("metaclass differs" in line for line in lines) >= 14, result.stderr
    assert [line for line in lines if not NOT_FOR_STUBS.search(line)] == []
    assert result.stderr == ""


def test_stub_of_the_c_api_leaves_no_type_open() -> None:
    stub = Path(triton_bindings.__file__).with_name("triton_bindings.pyi").read_text()
    assert not re.search(r"\bAny\b|\bIncomplete\b|: \.\.\.(,|\)| =)|\barg\d", stub)


def test_every_public_symbol_has_a_known_type(
    run_module: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    result = run_module(
        "basedpyright", "--verifytypes", "tritonserver", "--ignoreexternal", "--outputjson"
    )
    report = json.loads(result.stdout)["typeCompleteness"]
    open_symbols = [
        f"{symbol['name']}: {[diagnostic['message'] for diagnostic in symbol['diagnostics']]}"
        for symbol in report["symbols"]
        # An import that was not resolved has no better category.
        if not symbol["isTypeKnown"] or symbol["category"] == "symbol"
    ]
    assert open_symbols == []
    assert report["completenessScore"] == 1
    # The members of public classes are among them.
    assert "tritonserver._api._server.Server.start" in {s["name"] for s in report["symbols"]}
    with capsys.disabled():
        print(f"\n{len(report['symbols'])} symbols, completeness {report['completenessScore']:.0%}")
