"""Type checkers accept right programs, and find mistakes where wrong ones have marks."""

import json
import re
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tritonserver
import tritonserver.runtime
import tritonserver.testing
from tritonserver._c import triton_bindings

HERE = Path(__file__).parent
README = HERE.parents[1] / "README.md"
SNIPPET = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MARK = re.compile(r"# error: (.+)$")
PROGRAMS = (
    "right/readme.py",
    *(str(path.relative_to(HERE)) for path in sorted(HERE.glob("*/*.py"))),
)

#: Program to the lines with errors, and the names of these errors.
Errors = dict[str, set[tuple[int, str]]]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All programs, with the README's snippets as one of them."""
    directory = tmp_path_factory.mktemp("programs")
    for kind in ("right", "wrong"):
        shutil.copytree(HERE / kind, directory / kind)
    found = SNIPPET.findall(README.read_text(encoding="utf-8"))
    snippets = [snippet for snippet in found if "import torch" not in snippet]  # not installed
    assert len(snippets) > 5
    (directory / "right" / "readme.py").write_text("\n".join(snippets), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def found_by_mypy(programs: Path, run_module: Callable[..., Any], oldest_python: str) -> Errors:
    result = run_module(
        "mypy",
        "--strict",
        f"--python-version={oldest_python}",
        "--config-file=",
        "--output=json",
        *(programs / program for program in PROGRAMS),
    )
    errors: Errors = defaultdict(set)
    for error in map(json.loads, result.stdout.splitlines()):
        if error["severity"] == "error":
            program = str(Path(error["file"]).relative_to(programs))
            errors[program].add((error["line"], error["code"]))
    assert result.stderr == ""
    return errors


@pytest.fixture(scope="module")
def found_by_pyright(programs: Path, run_module: Callable[..., Any], oldest_python: str) -> Errors:
    config = programs / "pyrightconfig.json"
    config.write_text(json.dumps({"typeCheckingMode": "strict", "pythonVersion": oldest_python}))
    result = run_module(
        "basedpyright", "--project", config, "--pythonpath", sys.executable, "--outputjson"
    )
    report = json.loads(result.stdout)
    assert report["summary"]["filesAnalyzed"] == len(PROGRAMS)
    errors: Errors = defaultdict(set)
    for error in report["generalDiagnostics"]:
        program = str(Path(error["file"]).relative_to(programs))
        errors[program].add((error["range"]["start"]["line"] + 1, error["rule"]))
    return errors


def marked(program: Path) -> set[tuple[int, str]]:
    """Lines that say that they are wrong, and what mypy calls that."""
    return {
        (number, name)
        for number, line in enumerate(program.read_text(encoding="utf-8").splitlines(), 1)
        for mark in MARK.findall(line)
        for name in mark.split()
    }


@pytest.mark.parametrize("program", PROGRAMS)
def test_mypy(programs: Path, found_by_mypy: Errors, program: str) -> None:
    assert found_by_mypy[program] == marked(programs / program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_pyright(programs: Path, found_by_pyright: Errors, program: str) -> None:
    wrong_lines = {line for line, _ in marked(programs / program)}
    assert {line for line, _ in found_by_pyright[program]} == wrong_lines, found_by_pyright[program]


def test_wrong_programs_are_marked() -> None:
    assert all(marked(path) for path in HERE.glob("wrong/*.py"))


def test_right_programs_use_all_of_the_package() -> None:
    public = {
        *tritonserver.__all__,
        *tritonserver.runtime.__all__,
        *tritonserver.testing.__all__,
        *(
            name
            for name, value in vars(triton_bindings).items()
            if callable(value) and not name.startswith("_")
        ),
    }
    text = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("right/*.py"))
    assert public - set(re.findall(r"\w+", text)) == set()
